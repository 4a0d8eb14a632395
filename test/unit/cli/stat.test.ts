import test from 'ava';
import { LatencyRound } from '../../../src/cli/latency.ts';
import { humanBytes, infoFields, sampleOf, statHeading, statLine } from '../../../src/cli/stat.ts';

const info = (requests: number, hits: number, misses: number) =>
  sampleOf(
    infoFields(
      [
        '# Memory',
        'used_memory:1572864',
        '# Stats',
        `total_commands_processed:${requests}`,
        `keyspace_hits:${hits}`,
        `keyspace_misses:${misses}`,
        'evicted_keys:3',
        '# Keyspace',
        'db0:keys=10,expires=2,avg_ttl=0',
        'db1:keys=5,expires=0,avg_ttl=0',
        '',
      ].join('\r\n'),
    ),
    requests,
  );

test('figures come from INFO, keys from all databases; what a server does not tell is 0', (t) => {
  t.like(info(100, 1, 1), { keys: 15, memoryBytes: 1572864, requests: 100, evicted: 3, clients: 0, connections: 0 });
});

test('rates and hits of a line are those since the line before, and stand below their heading', (t) => {
  const first = statLine(info(1000, 90, 10), undefined);
  const second = statLine(info(2000, 120, 70), info(1000, 90, 10));
  t.regex(first, /^15 +1\.50M +0 +1000 +90% /);
  t.regex(second, / 2000 \(1000\/s\) +33% /);
  const at = statHeading().indexOf('hits');
  t.is(second.slice(at, at + 3), '33%');
  t.regex(statLine(info(2000, 90, 10), info(1000, 90, 10)), / - /);
});

test('amounts of bytes are short', (t) => {
  t.deepEqual([0, 999, 1024, 150 * 1024, 2 ** 30, 5 * 2 ** 40].map(humanBytes), [
    '0B',
    '999B',
    '1.00K',
    '150K',
    '1.00G',
    '5.00T',
  ]);
});

test('a round of latencies tells least, greatest and average in every format', (t) => {
  const round = new LatencyRound();
  for (const ms of [1, 2, 6]) round.add(ms);
  t.is(round.text('people'), 'min: 1.000 ms, max: 6.000 ms, avg: 3.000 ms (3 samples)');
  t.is(round.text('raw'), '1.000 6.000 3.000 3');
  t.is(round.text('csv'), '1.000,6.000,3.000,3');
  t.deepEqual(JSON.parse(round.text('json')), { minMs: 1, maxMs: 6, avgMs: 3, samples: 3 });
});
