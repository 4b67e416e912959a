'use strict';
// init, unseal, seal, and what a server tells about itself.

const { check, same, refused } = require('../checks');

/** Returns the unseal shares, of which two are needed. */
async function firstStart(server) {
  const client = server.client();
  await refused('without the authority nothing is sent', ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN'], () =>
    server.stranger().status());
  same('before init', (await client.initialized()).initialized, false);
  same('before init, sealed', (await client.status()).sealed, true);
  await refused('init with too high a threshold', [400], () => client.init({ secret_shares: 2, secret_threshold: 3 }));
  const made = await client.init({ secret_shares: 3, secret_threshold: 2 });
  same('shares', [new Set(made.keys).size, new Set(made.keys_base64).size], [3, 3]);
  await refused('init a second time', [400], () => client.init({ secret_shares: 1, secret_threshold: 1 }));
  const root = server.client(made.root_token);
  await refused('sealed, nobody is served', [503], () => root.tokenLookupSelf());
  await unseal(client, made.keys_base64);
  same("the root token's policies", (await root.tokenLookupSelf()).data.policies, ['root']);
  server.admin = root;
  await state(root);
  return made.keys_base64;
}

async function unseal(client, shares) {
  await refused('a share that is none', [400], () => client.unseal({ key: 'bm90IGEgc2hhcmU=' }));
  same('progress', (await client.unseal({ key: shares[0] })).progress, 1);
  same('reset', (await client.unseal({ reset: true })).progress, 0);
  await client.unseal({ key: shares[0] });
  same('enough shares', (await client.unseal({ key: shares[2] })).sealed, false);
}

async function state(client) {
  const { initialized, sealed, standby } = await client.health();
  same('health', { initialized, sealed, standby }, { initialized: true, sealed: false, standby: false });
  same('status', (await client.status()).n, 3);
  same('one node', (await client.leader()).ha_enabled, false);
  const term = async () => (await client.read('sys/key-status')).data.term;
  same('the first term of the keyring', await term(), 1);
  await client.rotate();
  same('the next one', await term(), 2);
}

async function sealAndUnseal(server, shares) {
  const client = server.admin;
  await refused('seal without a token', [403], () => server.client().seal());
  await client.seal();
  same('sealed', (await client.status()).sealed, true);
  await refused('sealed, no secret is read', [503], () => client.read('secret/data/node/app'));
  same('health of a sealed server', (await client.health()).sealed, true);
  for (const key of shares) await client.unseal({ key });
  check('unsealed with the shares in force', !(await client.status()).sealed);
  same('what was stored is there', (await client.read('cubbyhole/node')).data, { kept: 'yes' });
}

module.exports = { firstStart, sealAndUnseal };
