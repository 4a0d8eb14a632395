import anyTest from 'ava';
import { startNodeFixture } from '../resp/node-fixture.ts';
import { areRedisToolsInstalled, runTool } from './redis-tools.ts';

const test = areRedisToolsInstalled ? anyTest : anyTest.skip;
const REQUESTS = 5000;

test('redis-benchmark runs its tests to their end, with and without a pipeline, and every command took effect', async (t) => {
  const { node, faults } = await startNodeFixture(t, { shards: 2, maxMemory: '64mb' });
  const port = String(node.tcpPort);
  const ask = async (...args: string[]): Promise<string> =>
    (await runTool(['redis-cli', '-p', port, ...args])).stdout.trim();
  for (const [round, depth] of [[], ['-P', '16'], ['-3', '-P', '16']].entries()) {
    const what = ['-t', 'ping,set,get,incr,mset', '-n', String(REQUESTS), '-r', '1000', '-q', '-d', '10'];
    const { code, stdout, stderr } = await runTool(['redis-benchmark', '-p', port, ...what, ...depth]);
    t.is(code, 0);
    t.is(stderr, '');
    t.notRegex(stdout, /error|warning/i);
    const done = stdout.replaceAll('\r', '\n').match(/^.*requests per second/gm) ?? [];
    const names = done.map((line) => line.trim().split(':')[0]);
    t.deepEqual(names, ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)'], depth.join());
    const counters = Array.from({ length: 1000 }, (_, index) => `counter:${String(index).padStart(12, '0')}`);
    const counts = (await ask('mget', ...counters)).split('\n').map(Number);
    // Some requests more are sent while the last are answered: their number is not the benchmark's own.
    const sum = counts.reduce((total, count) => total + count, 0);
    t.true(sum >= REQUESTS * (round + 1) && sum <= (REQUESTS + 50 * 16) * (round + 1), `${sum}`);
    t.is((await ask('get', 'key:000000000007')).length, 10);
  }
  const types = (await ask('--scan')).split('\n').map((key) => key.split(':')[0]);
  t.deepEqual([...new Set(types)].sort(), ['counter', 'key']);
  t.deepEqual(faults, []);
});
