import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import { startNodeFixture } from '../resp/node-fixture.ts';

/** Debian's Python, for which its package python3-redis is. */
const PYTHON = '/usr/bin/python3';
const isInstalled = spawnSync(PYTHON, ['-c', 'import redis']).status === 0;
const run = promisify(execFile);

/** What each step of the script prints under its name. */
const expected = {
  ping: true,
  set: true,
  get: true,
  'get as text': 'grün',
  'set nx': null,
  'set get': 'grün',
  ttl: true,
  persist: [true, -1, -2],
  expire: [true, false, true],
  binary: [true, true, 1],
  mset: true,
  mget: ['2', null, '2.5'],
  msetnx: true,
  incr: [1, 10, 9, 9.5],
  append: [3, 'es', 4, 4],
  keys: [2, 'string', true, true],
  removals: ['1', 2, 0],
  scan_iter: true,
  object: ['embstr', true],
  pipeline: [true, 2, ['2', null], true],
  transaction: [true, 2, ['2', null], true],
  'errors within': [true, ['ResponseError', 'value is not an integer or out of range'], 'x'],
  'errors thrown': [
    'ResponseError',
    'Command # 2 (INCRBY py:p 1) of pipeline caused error: value is not an integer or out of range',
  ],
  aborted: [
    'ResponseError',
    "Command # 2 (nosuch) of pipeline caused error: unknown command 'nosuch', with args beginning with: ",
  ],
  'not run': 'x',
  watch: [true],
  'watch error': ['WatchError', 'Watched variable changed.'],
  'transaction()': [1],
  subscribe: [1, 2],
  publish: 2,
  messages: [
    ['message', null, 'hällo'],
    ['pmessage', 'py:o*', 'hällo'],
  ],
  pubsub: [['py:one'], [['py:one', 1]], 1],
  'json.set': true,
  'json.get': [{ a: [1, null], s: 'x', n: 1 }, [1], 'x', null],
  'json.mget': [['x'], null],
  'json numbers': [[2.5], ['number'], 'object'],
  'json arrays': [[3], [3]],
  'json rest': [['a', 's', 'n'], [3], [0], 1, 1],
  'json at last': { s: 'xyz', n: 2.5 },
  info: { redis_mode: 'standalone', role: 'master', loading: 0 },
  'info keyspace': ['keys', 'expires', 'avg_ttl'],
  client: [true, 'py'],
  client_list: ['client|list'],
  client_id: true,
  config_get: { maxmemory: '33554432' },
  config_set: [true, { 'notify-keyspace-events': 'xK' }, true],
  command: true,
  command_getkeys: ['a', 'b'],
  time: 2,
  slowlog: 'list',
  ResponseError: ['ResponseError', 'value is not an integer or out of range'],
  'unknown command': ['ResponseError', "unknown command 'LPUSH', with args beginning with: 'l' '1' "],
  'wrong type': ['ResponseError', 'WRONGTYPE Operation against a key holding the wrong kind of value'],
  'DB index': ['ResponseError', 'DB index is out of range'],
  AuthenticationError: ['AuthenticationError', 'Authentication required.'],
  'wrong password': ['ResponseError', 'WRONGPASS invalid username-password pair or user is disabled.'],
  'logged in': [true, 'app'],
  NoPermissionError: ['NoPermissionError', 'No permissions to access a key'],
};

(isInstalled ? test : test.skip)(
  'redis-py works with the node, its errors have the classes Redis leads to',
  async (t) => {
    const user = new AccessUser('app', ['read', 'write'], ['app:*']);
    const account = { user, password: null, tokenDigests: [digestOf('p@ss')] };
    const [open, guarded] = await Promise.all([startNodeFixture(t), startNodeFixture(t, { shards: 1 }, [account])]);
    const path = fileURLToPath(new URL('./redis_client.py', import.meta.url));
    const ports = [open.node.tcpPort, guarded.node.tcpPort].map(String);
    const { stdout } = await run(PYTHON, [path, ...ports], { timeout: 60_000 });
    t.deepEqual(JSON.parse(stdout), expected);
    t.deepEqual([...open.faults, ...guarded.faults], []);
  },
);
