'use strict';
// Key-value secrets, version 2 and version 1.

const { check, same, refused } = require('../checks');

async function versions(server) {
  const { admin } = server;
  const put = async (data, options) => (await admin.write('secret/data/node/app', { data, options })).data.version;
  const get = async (query = '') => (await admin.read(`secret/data/node/app${query}`)).data;
  same('first version', await put({ user: 'app', password: 'one' }, { cas: 0 }), 1);
  same('second version', await put({ user: 'app', password: 'two' }), 2);
  same('read', (await get()).data, { user: 'app', password: 'two' });
  same('read of an old version', (await get('?version=1')).data.password, 'one');
  await admin.update('secret/data/node/app', { data: { password: 'three' } });
  same('patch keeps the rest', (await get()).data, { user: 'app', password: 'three' });
  same('patch makes a version', (await get()).metadata.version, 3);
  await refused('patch of what is not there', [404], () => admin.update('secret/data/node/none', { data: { a: 1 } }));
  await refused('a wrong cas', [400], () => put({ a: 1 }, { cas: 1 }));
  same('a right cas', await put({ a: 1, b: [true, null] }, { cas: 3 }), 4);
  same('values keep their type', (await get()).data, { a: 1, b: [true, null] });
  same('list', (await admin.list('secret/metadata/node')).data.keys, ['app', 'read-me']);
  await refused('a missing secret', [404], () => admin.read('secret/data/node/none'));
  await refused('without a token', [403], () => server.client().read('secret/data/node/app'));
}

async function deletion({ admin }) {
  const read = async (query = '') => (await admin.read(`secret/data/node/gone${query}`)).data.data;
  await admin.write('secret/data/node/gone', { data: { n: 1 } });
  await admin.write('secret/data/node/gone', { data: { n: 2 } });
  await admin.delete('secret/data/node/gone');
  await refused('a deleted version', [404], read);
  await admin.write('secret/undelete/node/gone', { versions: [2] });
  same('undeleted', await read(), { n: 2 });
  await admin.write('secret/delete/node/gone', { versions: [1] });
  await refused('a version deleted by number', [404], () => read('?version=1'));
  await admin.destroySecretVersions({ path: 'node/gone', versions: [1] });
  await admin.write('secret/undelete/node/gone', { versions: [1] });
  await refused('destroyed for good', [404], () => read('?version=1'));
  const kept = (await admin.read('secret/metadata/node/gone')).data.versions;
  same('destroyed', [kept[1].destroyed, kept[2].destroyed], [true, false]);
  await admin.delete('secret/metadata/node/gone');
  await refused('all gone', [404], () => admin.read('secret/metadata/node/gone'));
}

async function metadata({ admin }) {
  await admin.write('secret/metadata/node/described', { max_versions: 2, cas_required: true, custom_metadata: { owner: 'team' } });
  const read = async () => (await admin.read('secret/metadata/node/described')).data;
  same('metadata', [(await read()).max_versions, (await read()).custom_metadata], [2, { owner: 'team' }]);
  await refused('cas is now required', [400], () => admin.write('secret/data/node/described', { data: { n: 1 } }));
  for (const cas of [0, 1, 2]) await admin.write('secret/data/node/described', { data: { n: cas }, options: { cas } });
  same('old versions go', Object.keys((await read()).versions), ['2', '3']);
  await admin.update('secret/metadata/node/described', { custom_metadata: { tier: 'gold' } });
  same('patch of metadata', (await read()).custom_metadata, { owner: 'team', tier: 'gold' });
  await admin.write('secret/config', { max_versions: 20 });
  same('configuration of the mount', (await admin.read('secret/config')).data.max_versions, 20);
}

async function version1({ admin }) {
  await admin.write('old/node/app', { password: 'one', n: 1 });
  same('read', (await admin.read('old/node/app')).data, { password: 'one', n: 1 });
  await admin.write('old/node/app', { password: 'two' });
  same('a write replaces', (await admin.read('old/node/app')).data, { password: 'two' });
  same('list', (await admin.list('old/node')).data.keys, ['app']);
  await admin.delete('old/node/app');
  await refused('deleted', [404], () => admin.read('old/node/app'));
  await refused('an empty list', [404], () => admin.list('old/node'));
  await admin.write('cubbyhole/node', { kept: 'yes' });
  check('cubbyhole', (await admin.read('cubbyhole/node')).data.kept === 'yes');
}

module.exports = { versions, deletion, metadata, version1 };
