'use strict';
// Leases. Those of logins are the only ones so far: an engine that gives out leased secrets is not in the server yet.

const { check, same, refused } = require('../checks');

const LOGIN = 'auth/userpass/login/ann';

async function ids(admin) {
  const keys = await admin.list(`sys/leases/lookup/${LOGIN}/`).then((listed) => listed.data.keys, (error) => {
    if (error.response && error.response.statusCode === 404) return [];
    throw error;
  });
  return keys.map((key) => `${LOGIN}/${key}`);
}

/** A fresh client of the user ann, and the id of its lease. */
async function loggedIn(server) {
  const before = await ids(server.admin);
  const client = server.client();
  await client.userpassLogin({ username: 'ann', password: 'ann-password-2' });
  const [lease] = (await ids(server.admin)).filter((id) => !before.includes(id));
  return { client, lease };
}

async function one(server) {
  const { admin } = server;
  const { client, lease } = await loggedIn(server);
  const shown = (await admin.write('sys/leases/lookup', { lease_id: lease })).data;
  check('lookup', shown.id === lease && shown.ttl > 0 && shown.ttl <= 600, JSON.stringify(shown));
  await refused('a login is renewed as a token, not here', [400], () => admin.renew({ lease_id: lease, increment: 300 }));
  await refused('without sudo', [403], () => client.list(`sys/leases/lookup/${LOGIN}/`));
  await admin.revoke({ lease_id: lease });
  await refused('a revoked login', [403], () => client.tokenLookupSelf());
  await refused('its lease is gone', [400], () => admin.write('sys/leases/lookup', { lease_id: lease }));
}

/** Not by `revokePrefix`: that asks for a path without `leases/`, which the reference has no more. */
const revokeBelow = (client, prefix) => client.request({ method: 'PUT', path: `/sys/leases/revoke-prefix/${prefix}` });

async function byPrefix(server) {
  const { admin } = server;
  const clients = [(await loggedIn(server)).client, (await loggedIn(server)).client];
  await refused('by prefix it takes sudo', [403], () => revokeBelow(clients[0], LOGIN));
  await revokeBelow(admin, LOGIN);
  for (const client of clients) await refused('revoked by prefix', [403], () => client.tokenLookupSelf());
  same('none is listed', await ids(admin), []);
}

module.exports = { one, byPrefix };
