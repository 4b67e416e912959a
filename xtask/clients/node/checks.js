'use strict';
// Counts checks and prints the closing line; the JavaScript twin of ../checks.py.

const { setTimeout } = require('node:timers/promises');
const { isDeepStrictEqual, inspect } = require('node:util');

let passed = 0;
let failed = 0;

/** One check; a failure is printed with its detail. */
function check(what, ok, detail = '') {
  if (ok) {
    passed += 1;
    return;
  }
  failed += 1;
  console.log(`FAIL ${what}: ${String(detail).slice(0, 600)}`);
}

function same(what, got, want) {
  check(what, isDeepStrictEqual(got, want), `want ${inspect(want)}, got ${inspect(got)}`);
}

/** The call must be answered with one of these statuses. */
async function refused(what, statuses, call) {
  try {
    check(what, false, `no error; it gave ${inspect(await call())}`);
  } catch (error) {
    const status = error.response ? error.response.statusCode : error.code || error.message;
    check(what, statuses.includes(status), `want ${statuses}, got ${status}: ${error.message}`);
  }
}

/** What comes about in the background: it must within ten seconds. */
async function soon(what, holds) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await holds()) return check(what, true);
    await setTimeout(50);
  }
  return check(what, false, 'it did not come about');
}

/** Whether the call is answered with this status. */
const fails = (status, call) => call().then(() => false, (error) => error.response?.statusCode === status);

/** Runs a part and returns what it gives; an error in it is one failure, and the next part still runs. */
async function section(call, ...words) {
  try {
    return await call(...words);
  } catch (error) {
    const at = String(error.stack).split('\n').find((line) => line.includes(__dirname));
    check(call.name, false, `${error.message} ${error.dataPath || ''} ${at}`);
    return undefined;
  }
}

function close() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

module.exports = { check, same, refused, soon, fails, section, close };
