'use strict';
// Leases: of logins, and of an engine's certificates. Leases that can be renewed come with engines that the server has not got
// yet.

const { check, same, refused, soon, fails } = require('../checks');

const LOGIN = 'auth/userpass/login/ann';

/** Not by `revokePrefix`: that asks for a path without `leases/`, which the reference has no more. */
const revokeBelow = (client, prefix) => client.request({ method: 'PUT', path: `/sys/leases/revoke-prefix/${prefix}` });

async function certificates({ admin }) {
  await admin.mount({ mount_point: 'pki', type: 'pki' });
  await admin.write('pki/root/generate/internal', { common_name: 'root.test', key_type: 'ec' });
  await admin.write('pki/roles/web', { allow_any_name: true, generate_lease: true, ttl: '1h', key_type: 'ec' });
  const issue = () => admin.write('pki/issue/web', { common_name: 'a.test' });
  const lookup = (lease_id) => admin.write('sys/leases/lookup', { lease_id });
  const made = await issue();
  const { lease_id } = made;
  check('issued', lease_id.startsWith('pki/issue/web/') && made.lease_duration > 0, lease_id);
  same('lookup', (await lookup(lease_id)).data.id, lease_id);
  const listed = (await admin.list('sys/leases/lookup/pki/issue/web/')).data.keys;
  check('list', listed.includes(lease_id.slice('pki/issue/web/'.length)));
  await refused('it is not renewable', [400], () => admin.renew({ lease_id }));
  await admin.revoke({ lease_id });
  await soon('revoked', () => fails(400, () => lookup(lease_id)));
  const cert = `pki/cert/${made.data.serial_number}`;
  await soon('and with it the certificate', async () => (await admin.read(cert)).data.revocation_time > 0);
  const other = (await issue()).lease_id;
  await revokeBelow(admin, 'pki/issue/web');
  await soon('revoked by prefix', () => fails(400, () => lookup(other)));
}

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

async function byPrefix(server) {
  const { admin } = server;
  const clients = [(await loggedIn(server)).client, (await loggedIn(server)).client];
  await refused('by prefix it takes sudo', [403], () => revokeBelow(clients[0], LOGIN));
  await revokeBelow(admin, LOGIN);
  for (const client of clients) await soon('revoked by prefix', () => fails(403, () => client.tokenLookupSelf()));
  same('none is listed', await ids(admin), []);
}

module.exports = { certificates, one, byPrefix };
