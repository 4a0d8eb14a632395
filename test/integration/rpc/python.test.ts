import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { startNodeFixture } from '../resp/node-fixture.ts';

/** Debian's Python, for which its package python3-msgpack is. */
const PYTHON = '/usr/bin/python3';
const isInstalled = spawnSync(PYTHON, ['-c', 'import msgpack']).status === 0;
const run = promisify(execFile);

(isInstalled ? test : test.skip)(
  'a client of python3-msgpack, written as the specification says, is served',
  async (t) => {
    const { node, faults } = await startNodeFixture(t);
    const path = fileURLToPath(new URL('./client.py', import.meta.url));
    const { stdout } = await run(PYTHON, [path, String(node.tcpPort)], { timeout: 30_000 });
    t.deepEqual(JSON.parse(stdout), [
      'OK',
      'hällo',
      'OK',
      [0, 255],
      'OK',
      true,
      'OK',
      -0.25,
      'OK',
      { a: [1, null, true, { b: 2.5 }], ü: {} },
      ['hällo', null, -0.25],
      ['error', 'wrong-type', false],
      'OK',
      42,
      1,
      [
        [null, 'OK'],
        [null, 2],
      ],
      true,
      true,
      'quietly',
      [['subscribe', 'news', 1]],
      1,
      [['message', ['news', 'today']]],
      ['error', 'unknown-command', false],
    ]);
    t.deepEqual(faults, []);
  },
);
