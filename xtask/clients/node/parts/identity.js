'use strict';
// Entities, aliases, groups, merging, by the generic calls.

const { check, same, refused } = require('../checks');

const accessor = async (admin, method) => (await admin.auths()).data[method].accessor;
const entityId = async (admin, name) => (await admin.read(`identity/entity/name/${name}`)).data.id;

async function entities({ admin }) {
  const { id } = (await admin.write('identity/entity', { name: 'node-one', metadata: { team: 'red' }, policies: ['node-read'] })).data;
  same('by id', (await admin.read(`identity/entity/id/${id}`)).data.name, 'node-one');
  await admin.write(`identity/entity/id/${id}`, { metadata: { team: 'blue' } });
  same('updated', (await admin.read('identity/entity/name/node-one')).data.metadata, { team: 'blue' });
  check('list', (await admin.list('identity/entity/id')).data.keys.includes(id));
  same('lookup', (await admin.write('identity/lookup/entity', { name: 'node-one' })).data.id, id);
  await admin.write('identity/entity', { name: 'node-two' });
  await admin.delete('identity/entity/name/node-two');
  await refused('deleted', [404], () => admin.read('identity/entity/name/node-two'));
}

async function aliases(server) {
  const { admin } = server;
  const mount = await accessor(admin, 'userpass/');
  const one = await entityId(admin, 'node-one');
  await admin.write('auth/userpass/users/eve', { password: 'eve-password-1' });
  const { id } = (await admin.write('identity/entity-alias', { name: 'eve', canonical_id: one, mount_accessor: mount })).data;
  same('alias', (await admin.read(`identity/entity-alias/id/${id}`)).data.canonical_id, one);
  const found = await admin.write('identity/lookup/entity', { alias_name: 'eve', alias_mount_accessor: mount });
  same('lookup by alias', found.data.id, one);
  const client = server.client();
  const { auth } = await client.userpassLogin({ username: 'eve', password: 'eve-password-1' });
  same('a login is that entity', [auth.entity_id, auth.identity_policies], [one, ['node-read']]);
  same('its policies count', (await client.read('secret/data/node/read-me')).data.data, { a: 'b' });
}

async function groups(server) {
  const { admin } = server;
  await admin.addPolicy({ name: 'node-group', policy: 'path "old/group" { capabilities = ["create", "update"] }' });
  const client = server.client();
  await client.userpassLogin({ username: 'eve', password: 'eve-password-1' });
  await refused('not before the group', [403], () => client.write('old/group', { a: 'b' }));
  const members = [await entityId(admin, 'node-one')];
  const { id } = (await admin.write('identity/group', { name: 'node-group', policies: ['node-group'], member_entity_ids: members })).data;
  await client.write('old/group', { a: 'b' });
  same('with the group', (await admin.read('old/group')).data, { a: 'b' });
  same('by name', (await admin.read('identity/group/name/node-group')).data.member_entity_ids, members);
  same('lookup', (await admin.write('identity/lookup/group', { name: 'node-group' })).data.id, id);
  await admin.delete(`identity/group/id/${id}`);
  await refused('nor after it', [403], () => client.write('old/group', { a: 'c' }));
}

async function merge({ admin }) {
  const into = await entityId(admin, 'node-one');
  const other = (await admin.write('identity/entity', { name: 'node-three' })).data.id;
  const mount = await accessor(admin, 'approle/');
  await admin.write('identity/entity-alias', { name: 'robot', canonical_id: other, mount_accessor: mount });
  await admin.write('identity/entity/merge', { from_entity_ids: [other], to_entity_id: into });
  const merged = (await admin.read(`identity/entity/id/${into}`)).data;
  same('merged', [merged.merged_entity_ids, merged.aliases.map((a) => a.name).sort()], [[other], ['eve', 'robot']]);
  await refused('the other is gone', [404], () => admin.read('identity/entity/name/node-three'));
}

module.exports = { entities, aliases, groups, merge };
