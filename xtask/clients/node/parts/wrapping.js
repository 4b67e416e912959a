'use strict';
// Answers behind a token that opens once.

const { same, refused } = require('../checks');

const USED = [400, 403];
const wrapped = () => ({ headers: { 'X-Vault-Wrap-TTL': '60s' } });

async function wrapping(server) {
  const { admin } = server;
  const info = (await server.root().tokenCreate({ policies: ['default'], requestOptions: { ca: server.ca, ...wrapped() } })).wrap_info;
  const looked = (await admin.write('sys/wrapping/lookup', { token: info.token })).data;
  same('lookup', [looked.creation_ttl, looked.creation_path], [60, 'auth/token/create']);
  const again = (await admin.write('sys/wrapping/rewrap', { token: info.token })).wrap_info;
  await refused('a rewrapped token is used up', USED, () => server.client(info.token).unwrap());
  const inner = (await server.client(again.token).unwrap()).auth.client_token;
  same('what was wrapped', (await server.client(inner).tokenLookupSelf()).data.policies, ['default']);
  await refused('a used-up token', USED, () => admin.unwrap({ token: again.token }));
  await refused('its lookup', USED, () => admin.write('sys/wrapping/lookup', { token: again.token }));
  await refused('a token that is none', USED, () => admin.unwrap({ token: 's.nothing' }));
}

async function ownData(server) {
  const { admin } = server;
  let { token } = (await admin.write('sys/wrapping/wrap', { a: 'b', n: [1] }, wrapped())).wrap_info;
  same('unwrapped', (await admin.unwrap({ token })).data, { a: 'b', n: [1] });
  await refused('once', USED, () => admin.unwrap({ token }));
  ({ token } = (await admin.read('secret/data/node/read-me', wrapped())).wrap_info);
  same('a wrapped secret', (await server.client(token).unwrap()).data.data, { a: 'b' });
  ({ token } = (await admin.write('sys/wrapping/wrap', { a: 'b' }, wrapped())).wrap_info);
  await refused('a wrapping token serves nothing else', [403], () => server.client(token).tokenLookupSelf());
}

module.exports = { wrapping, ownData };
