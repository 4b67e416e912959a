'use strict';
// Policies: write, read, list, delete, and that they count.

const { check, same, refused } = require('../checks');

const READ = 'path "secret/data/node/*" {\n  capabilities = ["read"]\n}\n';

async function policies(server) {
  const { admin } = server;
  await admin.addPolicy({ name: 'node-read', rules: READ });
  same('read', (await admin.getPolicy({ name: 'node-read' })).data.rules, READ);
  await admin.write('sys/policies/acl/node-acl', { policy: READ });
  check('listed', (await admin.policies()).data.policies.includes('node-acl'));
  await admin.removePolicy({ name: 'node-acl' });
  await refused('removed', [404], () => admin.getPolicy({ name: 'node-acl' }));
  await refused('a capability that there is not', [400], () =>
    admin.addPolicy({ name: 'broken', policy: 'path "a" { capabilities = ["fly"] }' }));
  await refused('root stays', [400], () => admin.removePolicy({ name: 'root' }));
  await admin.write('secret/data/node/read-me', { data: { a: 'b' } });
  await reader(server, (await server.root().tokenCreate({ policies: ['node-read'] })).auth.client_token);
}

/** What a holder of that policy may do, and how a change of it counts at once. */
async function reader(server, token) {
  const client = server.client(token);
  const read = async () => (await client.read('secret/data/node/read-me')).data.data;
  same('it may read', await read(), { a: 'b' });
  await refused('it may not write', [403], () => client.write('secret/data/node/read-me', { data: { a: 1 } }));
  await refused('it may not list', [403], () => client.list('secret/metadata/node'));
  await refused('nor write policies', [403], () => client.addPolicy({ name: 'node-read', policy: READ }));
  const asked = await client.write('sys/capabilities-self', { paths: ['secret/data/node/x'] });
  same('its capabilities', asked.data['secret/data/node/x'], ['read']);
  await server.admin.addPolicy({ name: 'node-read', policy: 'path "secret/data/node/*" { capabilities = ["deny"] }' });
  await refused('a changed policy counts at once', [403], read);
  await server.admin.addPolicy({ name: 'node-read', policy: READ });
  same('and back', await read(), { a: 'b' });
}

module.exports = { policies };
