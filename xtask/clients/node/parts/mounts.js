'use strict';
// Secrets engines and auth methods: enable, list, tune, move, disable.

const { setTimeout } = require('node:timers/promises');

const { check, same, refused } = require('../checks');

async function secretsEngines({ admin }) {
  await admin.mount({ mount_point: 'secret', type: 'kv', description: 'for node', options: { version: '2' } });
  await admin.mount({ mount_point: 'old', type: 'kv', options: { version: '1' } });
  await refused('a path that is taken', [400], () => admin.mount({ mount_point: 'secret', type: 'kv' }));
  await refused('an engine that there is not', [400], () => admin.mount({ mount_point: 'none', type: 'no-such-engine' }));
  const { type, description, options } = (await admin.mounts()).data['secret/'];
  same('mount', { type, description, options }, { type: 'kv', description: 'for node', options: { version: '2' } });
  await admin.write('sys/mounts/secret/tune', { default_lease_ttl: '1h', max_lease_ttl: '2h' });
  const tuned = (await admin.read('sys/mounts/secret/tune')).data;
  same('tuned', [tuned.default_lease_ttl, tuned.max_lease_ttl], [3600, 7200]);
  await refused('a default above the maximum', [400], () => admin.write('sys/mounts/secret/tune', { default_lease_ttl: '3h' }));
}

async function disabled({ admin }) {
  await admin.mount({ mount_point: 'gone', type: 'kv' });
  await admin.write('gone/a', { b: 'c' });
  await admin.unmount({ mount_point: 'gone' });
  check('no longer listed', !('gone/' in (await admin.mounts()).data));
  await refused('nothing is left', [404], () => admin.read('gone/a'));
}

async function authMethods({ admin }) {
  await admin.enableAuth({ mount_point: 'userpass', type: 'userpass', description: 'people' });
  await admin.enableAuth({ mount_point: 'approle', type: 'approle' });
  await admin.enableAuth({ mount_point: 'spare', type: 'userpass' });
  await refused('a path that is taken', [400], () => admin.enableAuth({ mount_point: 'approle', type: 'approle' }));
  const table = (await admin.auths()).data;
  same('methods', [table['userpass/'].description, table['approle/'].type], ['people', 'approle']);
  await admin.write('sys/auth/userpass/tune', { default_lease_ttl: '30m' });
  same('tuned', (await admin.read('sys/auth/userpass/tune')).data.default_lease_ttl, 1800);
  await admin.disableAuth({ mount_point: 'spare' });
  check('disabled', !('spare/' in (await admin.auths()).data));
}

/** The state of a move once it is over. */
async function ended(admin, id) {
  for (let tries = 0; tries < 100; tries += 1) {
    const { status } = (await admin.read(`sys/remount/status/${id}`)).data.migration_info;
    if (status !== 'in-progress') return status;
    await setTimeout(50);
  }
  return undefined;
}

async function remount({ admin }) {
  await admin.mount({ mount_point: 'from', type: 'kv' });
  await admin.write('from/a', { b: 'c' });
  const { migration_id: id } = await admin.remount({ from: 'from', to: 'to' }).then((moved) => moved.data || moved);
  same('state of the move', await ended(admin, id), 'success');
  same('what it held is there', (await admin.read('to/a')).data, { b: 'c' });
  await refused('and nothing at the old place', [404], () => admin.read('from/a'));
  await refused('a move onto another mount', [400], () => admin.remount({ from: 'to', to: 'secret' }));
  await admin.unmount({ mount_point: 'to' });
}

module.exports = { secretsEngines, disabled, authMethods, remount };
