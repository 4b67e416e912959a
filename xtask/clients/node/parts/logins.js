'use strict';
// userpass and AppRole: what is set up, who comes in, and who does not.

const { check, same, refused } = require('../checks');

const WRONG = [400, 403];

async function users(server) {
  const { admin } = server;
  await admin.write('auth/userpass/users/ann', { password: 'ann-password-1', token_policies: ['node-read'], token_ttl: '10m' });
  const client = server.client();
  const { auth } = await client.userpassLogin({ username: 'ann', password: 'ann-password-1' });
  same('what a login gives', [auth.policies.sort(), auth.lease_duration, auth.metadata], [['default', 'node-read'], 600, { username: 'ann' }]);
  same('the client uses the token', (await client.tokenLookupSelf()).data.display_name, 'userpass-ann');
  same('it may read', (await client.read('secret/data/node/read-me')).data.data, { a: 'b' });
  await refused('a wrong password', WRONG, () => server.client().userpassLogin({ username: 'ann', password: 'wrong' }));
  await refused('nobody', WRONG, () => server.client().userpassLogin({ username: 'nobody', password: 'wrong' }));
  await admin.write('auth/userpass/users/ann/password', { password: 'ann-password-2' });
  await refused('the old password', WRONG, () => server.client().userpassLogin({ username: 'ann', password: 'ann-password-1' }));
  check('the new password', (await server.client().userpassLogin({ username: 'ann', password: 'ann-password-2' })).auth.client_token);
  await client.tokenRevokeSelf();
  await refused('after revoking oneself', [403], () => client.tokenLookupSelf());
  same('list', (await admin.list('auth/userpass/users')).data.keys, ['ann']);
}

async function roles({ admin }) {
  await admin.addApproleRole({ role_name: 'app', policies: 'node-read', token_ttl: 300 });
  await admin.addApproleRole({ role_name: 'spare', policies: 'default' });
  same('list', (await admin.approleRoles()).data.keys, ['app', 'spare']);
  const role = (await admin.getApproleRole({ role_name: 'app' })).data;
  same('a role', [role.token_policies, role.token_ttl], [['node-read'], 300]);
  await admin.updateApproleRoleId({ role_name: 'app', role_id: 'node-role-id' });
  same('a chosen role id', (await admin.getApproleRoleId({ role_name: 'app' })).data.role_id, 'node-role-id');
  await admin.deleteApproleRole({ role_name: 'spare' });
  await refused('deleted', [404], () => admin.getApproleRole({ role_name: 'spare' }));
}

async function approle(server) {
  const { admin } = server;
  const login = (role_id, secret_id) => server.client().approleLogin({ role_id, secret_id });
  const made = (await admin.getApproleRoleSecret({ role_name: 'app', metadata: '{"host":"one"}' })).data;
  const { auth } = await login('node-role-id', made.secret_id);
  same('what a login gives', [auth.policies.sort(), auth.lease_duration, auth.metadata.host], [['default', 'node-read'], 300, 'one']);
  same('it may read', (await server.client(auth.client_token).read('secret/data/node/read-me')).data.data, { a: 'b' });
  await refused('a wrong secret id', WRONG, () => login('node-role-id', 'wrong'));
  await refused('a wrong role id', WRONG, () => login('wrong', made.secret_id));
  await secretIds(admin, made, login);
}

async function secretIds(admin, { secret_id, secret_id_accessor }, login) {
  const role_name = 'app';
  same('list of accessors', (await admin.approleSecretAccessors({ role_name })).data.keys, [secret_id_accessor]);
  same('by the secret id', (await admin.approleSecretLookup({ role_name, secret_id })).data.secret_id_accessor, secret_id_accessor);
  const shown = await admin.approleSecretAccessorLookup({ role_name, secret_id_accessor });
  same('by accessor', shown.data.metadata, { host: 'one' });
  await admin.approleSecretDestroy({ role_name, secret_id });
  await refused('a destroyed secret id', WRONG, () => login('node-role-id', secret_id));
  const other = (await admin.getApproleRoleSecret({ role_name })).data;
  await admin.approleSecretAccessorDestroy({ role_name, secret_id_accessor: other.secret_id_accessor });
  await refused('one destroyed by accessor', WRONG, () => login('node-role-id', other.secret_id));
  await admin.addApproleRole({ role_name, policies: 'node-read', secret_id_num_uses: 1 });
  const once = (await admin.getApproleRoleSecret({ role_name })).data.secret_id;
  check('its only use', (await login('node-role-id', once)).auth.client_token);
  await refused('a used-up secret id', WRONG, () => login('node-role-id', once));
}

module.exports = { users, roles, approle };
