import test from 'ava';
import { Counters, FrontEnd, Tally } from '../../../../src/base/counters.ts';
import { errors } from '../../../../src/base/errors.ts';
import { peerSampleOf, type Reading, sampleBetween } from '../../../../src/monitoring/dashboard/sample-between.ts';
import { shardOf } from '../facts-of.ts';

const names = ['get', 'set', ...Array.from({ length: 18 }, (_, index) => `c${index}`)];
const shape = { commandCount: names.length, errorCount: 100 };

function readingOf(parts: Partial<Reading> = {}): Reading {
  return {
    atMs: 1_700_000_000_000,
    monotonicMs: 5000,
    counters: Counters.create(shape),
    commandNames: names,
    protocols: [
      { name: 'http', tellsConnections: false },
      { name: 'resp', tellsConnections: true },
    ],
    shards: [shardOf()],
    eventLoop: { p50Ms: 0.1, p99Ms: 1, maxMs: 2 },
    persistence: null,
    diskTroubles: [],
    processorMs: 0,
    ...parts,
  };
}

/** What is counted two seconds later, on top of what `before` counts. */
function later(before: Reading, count: (counters: Counters) => void, parts: Partial<Reading> = {}): Reading {
  const counters = Counters.sum(shape, [before.counters]);
  count(counters);
  return { ...before, atMs: before.atMs + 2000, monotonicMs: before.monotonicMs + 2000, counters, ...parts };
}

test('rates are of the time between the readings, and of it alone', (t) => {
  const before = later(readingOf(), (counters) => {
    for (let i = 0; i < 500; i++) counters.command(0, FrontEnd.http, 10);
    counters.error(errors.internal.id);
  });
  const after = later(before, (counters) => {
    counters.commands(0, FrontEnd.resp, 300, 30);
    counters.commands(1, FrontEnd.resp, 100, 10);
    counters.commands(1, FrontEnd.http, 20, 10);
    counters.error(errors['out-of-memory'].id);
    counters.error(errors['too-few-copies'].id);
    for (const code of ['syntax', 'unauthenticated', 'no-such-key', 'moved', 'shutting-down'] as const) {
      counters.error(errors[code].id);
    }
    counters.add(Tally.bytesReceived, FrontEnd.http, 1000);
    counters.add(Tally.bytesReceived, FrontEnd.resp, 3000);
    counters.add(Tally.bytesSent, FrontEnd.msgpack, 10);
    counters.add(Tally.clients, FrontEnd.resp, 7);
  });
  const sample = sampleBetween(before, after);
  t.is(sample.atMs, after.atMs);
  t.is(sample.spanMs, 2000);
  t.deepEqual(sample.byProtocol, { http: 10, resp: 200 });
  t.deepEqual(sample.byCommand, { get: 150, set: 60 });
  t.is(sample.errors, 1);
  t.is(sample.receivedBytes, 2000);
  t.is(sample.sentBytes, 5);
  t.deepEqual(sample.connections, { resp: 7 });
  t.true((sample.latencyByProtocol.resp?.p99Ms ?? 0) <= 0.128);
  t.true((sample.latencyByProtocol.http?.p50Ms ?? 0) > 0.256);
  t.is(sample.latencyByProtocol.msgpack, undefined);
});

test('when nothing was run, no command, protocol or latency is named', (t) => {
  const before = readingOf();
  const { byProtocol, byCommand, latency, latencyByProtocol } = sampleBetween(
    before,
    later(before, () => {}),
  );
  t.deepEqual(
    { byProtocol, byCommand, latency, latencyByProtocol },
    {
      byProtocol: {},
      byCommand: {},
      latency: null,
      latencyByProtocol: {},
    },
  );
});

test('the busiest commands are named and the others are one', (t) => {
  const before = readingOf();
  const after = later(before, (counters) => {
    for (const row of names.keys()) counters.commands(row, FrontEnd.http, 2 * (100 - row), 1);
  });
  const { byCommand } = sampleBetween(before, after);
  t.deepEqual(Object.keys(byCommand), [...names.slice(0, 12), 'other']);
  t.is(byCommand['get'], 100);
  t.is(
    Object.values(byCommand).reduce((sum, perS) => sum + perS, 0),
    names.reduce((sum, _, row) => sum + 100 - row, 0),
  );
});

test('memory adds up to the budget over all shards, and lookups are told by shard and together', (t) => {
  const memory = { entries: 5, dead: 4, index: 3, expiry: 2, retired: 1, control: 5, free: 80, budget: 100 };
  const shards = (hits: number, misses: number, commands: number, busyMs: number) =>
    [1, 2].map((times) =>
      shardOf(
        { mailboxDepth: 3, load: { commands: commands * times, busyMs } },
        { memory, hits: hits * times, misses: misses * times, keys: 10, evictedKeys: hits, expiredKeys: misses },
      ),
    );
  const before = readingOf({ shards: shards(0, 0, 0, 100) });
  const sample = sampleBetween(
    before,
    later(before, () => {}, { shards: shards(100, 20, 40, 1100) }),
  );
  t.deepEqual(sample.memory, {
    entries: 10,
    dead: 8,
    index: 6,
    expiry: 4,
    retired: 2,
    control: 10,
    free: 160,
    budget: 200,
  });
  const { budget, ...kinds } = sample.memory;
  t.is(
    Object.values(kinds).reduce((sum, bytes) => sum + bytes, 0),
    budget,
  );
  t.deepEqual([sample.hits, sample.misses, sample.evicted, sample.expired, sample.keys], [150, 30, 100, 20, 20]);
  t.deepEqual(
    sample.shards.map(({ reads, commands, busy, mailboxDepth }) => [reads, commands, busy, mailboxDepth]),
    [
      [60, 20, 0.5, 3],
      [120, 40, 0.5, 3],
    ],
  );
});

test('tokens, stale values and invalidated entries are rates; of tags that are being swept the most of any shard', (t) => {
  const shards = (count: number) =>
    [1, 2].map((times) =>
      shardOf(
        {},
        {
          staleHits: count * times,
          invalidatedEntries: 10 * count,
          pendingTags: times,
          fills: { granted: 3 * count, filled: 2 * count, lost: count, cancelled: 0, expired: 0 },
        },
      ),
    );
  const before = readingOf({ shards: shards(0) });
  const { loads } = sampleBetween(
    before,
    later(before, () => {}, { shards: shards(10) }),
  );
  t.deepEqual(loads, { granted: 30, filled: 20, lost: 10, staleHits: 15, invalidated: 100, pendingTags: 2 });
});

test('what was read amidst a change never makes a rate negative, nor a share more than one', (t) => {
  const load = (commands: number, busyMs: number, hits: number) => [shardOf({ load: { commands, busyMs } }, { hits })];
  const before = readingOf({ shards: load(10, 0, 10), processorMs: 50 });
  const sample = sampleBetween(
    before,
    later(before, () => {}, { shards: load(9, 2100, 8), processorMs: 40 }),
  );
  t.is(sample.hits, 0);
  t.is(sample.processors, 0);
  t.deepEqual([sample.shards[0]?.reads, sample.shards[0]?.commands, sample.shards[0]?.busy], [0, 0, 1]);
});

test('two readings at once do not divide by nothing', (t) => {
  const before = readingOf();
  const counters = Counters.create(shape);
  counters.command(0, FrontEnd.http, 1);
  const sample = sampleBetween(before, { ...before, counters });
  t.true(JSON.stringify(sample).includes('"get":1000'));
});

test('other nodes are told the sums of a sample', (t) => {
  const before = readingOf();
  const after = later(
    before,
    (counters) => {
      counters.commands(0, FrontEnd.resp, 300, 30);
      counters.commands(0, FrontEnd.http, 100, 10);
      counters.add(Tally.clients, FrontEnd.resp, 7);
    },
    { processorMs: 3000 },
  );
  const peer = peerSampleOf(sampleBetween(before, after));
  t.is(peer.commands, 200);
  t.is(peer.connections, 7);
  t.is(peer.processors, 1.5);
  t.is(peer.usedBytes, 0);
  t.is(peer.budgetBytes, 1 << 20);
  t.true((peer.p99Ms ?? 0) > 0);
});
