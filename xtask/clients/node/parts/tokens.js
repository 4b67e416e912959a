'use strict';
// Tokens: create, look up, renew, revoke, by accessor, by role, with a limit of uses.

const { check, same, refused } = require('../checks');

async function life(server) {
  const { admin } = server;
  const made = (await server.root().tokenCreate({ policies: ['node-read'], ttl: '1h', meta: { for: 'node' }, explicit_max_ttl: '3h' })).auth;
  same('what is made', [made.policies.sort(), made.lease_duration, made.metadata], [['default', 'node-read'], 3600, { for: 'node' }]);
  const client = server.client(made.client_token);
  const own = (await client.tokenLookupSelf()).data;
  same('lookup of oneself', [own.id, own.explicit_max_ttl, own.orphan], [made.client_token, 10800, false]);
  same('lookup', (await admin.tokenLookup({ token: made.client_token })).data.accessor, made.accessor);
  await refused('a token may not look up others', [403], () => client.tokenLookup({ token: admin.token }));
  await refused('nor create some', [403], () => client.tokenCreate({ policies: ['default'] }));
  await admin.tokenRevoke({ token: made.client_token });
  await refused('revoked', [403], () => client.tokenLookupSelf());
  await refused('nobody finds it', [403], () => admin.tokenLookup({ token: made.client_token }));
}

async function tree(server) {
  const { admin } = server;
  await admin.addPolicy({ name: 'node-parent', policy: 'path "auth/token/create" { capabilities = ["update"] }' });
  const grow = async () => server.client((await server.root().tokenCreate({ policies: ['node-parent'] })).auth.client_token);
  const childOf = async (parent) => server.client((await server.client(parent.token).tokenCreate()).auth.client_token);
  let parent = await grow();
  let child = await childOf(parent);
  await parent.tokenRevokeSelf();
  await refused('a child ends with its parent', [403], () => child.tokenLookupSelf());
  parent = await grow();
  child = await childOf(parent);
  await admin.tokenRevokeOrphan({ token: parent.token });
  await refused('the parent alone', [403], () => parent.tokenLookupSelf());
  same('its child is an orphan', (await child.tokenLookupSelf()).data.orphan, true);
  same('an orphan from the start', (await server.root().tokenCreateOrphan({ policies: ['default'] })).auth.orphan, true);
}

async function renewal(server) {
  const made = (await server.root().tokenCreate({ policies: ['default'], ttl: '1h', explicit_max_ttl: '3h' })).auth;
  const client = server.client(made.client_token);
  same('renew-self', (await client.tokenRenewSelf({ increment: '2h' })).auth.lease_duration, 7200);
  same('renew', (await server.root().tokenRenew({ token: made.client_token, increment: '90m' })).auth.lease_duration, 5400);
  check('never beyond the maximum', (await client.tokenRenewSelf({ increment: '50h' })).auth.lease_duration <= 10800);
  const fixed = (await server.root().tokenCreate({ policies: ['default'], ttl: '1h', renewable: false })).auth;
  await refused('one that is not renewable', [400], () => server.root().tokenRenew({ token: fixed.client_token }));
}

async function accessors(server) {
  const { admin } = server;
  const made = (await server.root().tokenCreate({ policies: ['default'], ttl: '1h' })).auth;
  check('listed', (await admin.tokenAccessors()).data.keys.includes(made.accessor));
  same('lookup', (await admin.tokenLookupAccessor({ accessor: made.accessor })).data.id, '');
  await admin.tokenRevokeAccessor({ accessor: made.accessor });
  await refused('revoked', [403], () => server.client(made.client_token).tokenLookupSelf());
  await refused('and unknown', [400, 403], () => admin.tokenLookupAccessor({ accessor: made.accessor }));
}

async function roles(server) {
  const { admin } = server;
  await admin.addTokenRole({ role_name: 'node', allowed_policies: 'node-read', orphan: true, period: 7200 });
  same('list', (await admin.tokenRoles()).data.keys, ['node']);
  same('a role', (await admin.getTokenRole({ role_name: 'node' })).data.allowed_policies, ['node-read']);
  const made = (await server.root().tokenCreateRole({ role_name: 'node', policies: ['node-read'] })).auth;
  same('a token of the role', [made.orphan, made.lease_duration], [true, 7200]);
  await refused('a policy that the role does not allow', [400], () =>
    server.root().tokenCreateRole({ role_name: 'node', policies: ['node-parent'] }));
  await admin.removeTokenRole({ role_name: 'node' });
  await refused('removed', [404], () => admin.getTokenRole({ role_name: 'node' }));
}

async function uses(server) {
  const { client_token } = (await server.root().tokenCreate({ policies: ['node-read'], num_uses: 2 })).auth;
  const last = server.client(client_token);
  same('one use is left', (await last.tokenLookupSelf()).data.num_uses, 1);
  await last.read('secret/data/node/read-me');
  await refused('uses run out', [403], () => last.tokenLookupSelf());
}

module.exports = { life, tree, renewal, accessors, roles, uses };
