'use strict';
// New unseal shares: begun and called off, then carried through with verification, by the generic request.

const { check, same, refused } = require('../checks');

/** Calls of `sys/rekey/`. No token: the shares are the right. */
function calls(server) {
  const client = server.client();
  const call = (method, path, json) => client.request({ method, path: `/sys/rekey/${path}`, ...(json && { json }) });
  return {
    status: () => call('GET', 'init'),
    start: (json) => call('PUT', 'init', json),
    cancel: (nonce) => call('DELETE', 'init', { nonce }),
    give: (key, nonce) => call('PUT', 'update', { key, nonce }),
    verify: (key, nonce) => call('PUT', 'verify', { key, nonce }),
    verification: () => call('GET', 'verify'),
  };
}

/** Returns the new shares. */
async function cancelAndVerify(server, shares) {
  const rekey = calls(server);
  same('none yet', (await rekey.status()).started, false);
  let { nonce } = await rekey.start({ secret_shares: 2, secret_threshold: 2 });
  same('progress', (await rekey.give(shares[0], nonce)).progress, 1);
  await refused('one at a time', [400], () => rekey.start({ secret_shares: 2, secret_threshold: 2 }));
  await rekey.cancel(nonce);
  same('called off', (await rekey.status()).started, false);
  await refused('so no share is taken', [400], () => rekey.give(shares[0], nonce));
  ({ nonce } = await rekey.start({ secret_shares: 2, secret_threshold: 2, require_verification: true }));
  await refused('another nonce', [400], () => rekey.give(shares[0], '00000000-0000-0000-0000-000000000000'));
  await rekey.give(shares[0], nonce);
  const done = await rekey.give(shares[1], nonce);
  same('complete', [done.complete, done.keys_base64.length], [true, 2]);
  return verify(server, rekey, done);
}

async function verify(server, rekey, { keys_base64: fresh, verification_nonce: nonce }) {
  same('the old shares are still in force', (await server.admin.status()).n, 3);
  check('begun', (await rekey.verification()).started);
  same('half of it', (await rekey.verify(fresh[0], nonce)).progress, 1);
  same('verified', (await rekey.verify(fresh[1], nonce)).complete, true);
  const { t, n } = await server.admin.status();
  same('the new shares are in force', [t, n], [2, 2]);
  return fresh;
}

module.exports = { cancelAndVerify };
