#!/usr/bin/env node
'use strict';
// node-vault against a server that nobody has initialised: init, unseal, and then all that an application or an operator
// does.
//
//     node check.js ADDR CA_FILE
//
// node-vault has no calls of its own for tuning mounts, users, identity, looking up or rewrapping a wrapping token, looking
// up or listing leases, and replacing unseal keys; its generic read, write, list, delete and request serve for those.

const { check, close, section } = require('./checks');
const Server = require('./parts/server');
const start = require('./parts/start');
const rekey = require('./parts/rekey');
const mounts = require('./parts/mounts');
const policies = require('./parts/policies');
const kv = require('./parts/kv');
const logins = require('./parts/logins');
const tokens = require('./parts/tokens');
const wrapping = require('./parts/wrapping');
const leases = require('./parts/leases');
const identity = require('./parts/identity');

const PARTS = [mounts, policies, kv, logins, tokens, wrapping, leases, identity];

async function main() {
  const server = new Server(process.argv[2], process.argv[3]);
  let shares = await section(start.firstStart, server);
  if (!shares) {
    check('everything behind the first start', false, 'not run');
    return;
  }
  for (const part of PARTS.flatMap((file) => Object.values(file))) {
    await section(part, server);
  }
  shares = (await section(rekey.cancelAndVerify, server, shares)) || shares;
  await section(start.sealAndUnseal, server, shares);
}

main().then(close);
