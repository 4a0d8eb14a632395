import { type Counters, DURATION_BUCKETS, FrontEnd, frontEndNames, Tally } from '../../base/counters.ts';
import { errors, nodeFaults } from '../../base/errors.ts';
import type { PeerSample } from '../cluster-timeline/cluster-news.ts';
import type { EventLoopDelay, FillFacts, ProtocolFacts, ShardFacts, StoreFacts } from '../facts.ts';
import type { MemoryKinds } from '../memory-kinds.ts';
import type { PersistenceFacts } from '../persistence-facts.ts';
import { tallied } from '../usage-watch.ts';
import { diskBetween } from './disk-between.ts';
import type { Latency, LoadsSample, NodeSample, Protocol, ShardSample } from './feed.ts';
import { latencyOf } from './latency.ts';

/** How many commands a sample names; what is called more seldom is counted together. */
const COMMANDS_NAMED_MAX = 12;

/** How far a node has come: two of these make a sample. */
export interface Reading {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** On a clock that never falls. */
  readonly monotonicMs: number;
  /** As they were then: no longer counted in. */
  readonly counters: Counters;
  /** By row id of the command table. */
  readonly commandNames: readonly string[];
  readonly protocols: readonly ProtocolFacts[];
  readonly shards: readonly ShardFacts[];
  /** Since the reading before. */
  readonly eventLoop: EventLoopDelay;
  /** Time that processors were in use by the process, all together. */
  readonly processorMs: number;
  /** Null: no keys are kept on the disk. */
  readonly persistence: PersistenceFacts | null;
  readonly diskTroubles: readonly string[];
}

/** What a node did between two readings. */
export function sampleBetween(before: Reading, after: Reading): NodeSample {
  const spanMs = Math.max(1, after.monotonicMs - before.monotonicMs);
  const perS = (now: number, then: number): number => perSecond(now - then, spanMs);
  const tally = (which: Tally): number => perS(tallied(after.counters, which), tallied(before.counters, which));
  const grown = (field: 'hits' | 'misses' | 'evictedKeys' | 'expiredKeys'): number =>
    perS(total(after, field), total(before, field));
  return {
    atMs: after.atMs,
    spanMs: Math.round(spanMs),
    ...commandsBetween(before, after, spanMs),
    errors: perS(faultTotal(after.counters), faultTotal(before.counters)),
    hits: grown('hits'),
    misses: grown('misses'),
    evicted: grown('evictedKeys'),
    expired: grown('expiredKeys'),
    loads: loadsBetween(before, after, spanMs),
    receivedBytes: tally(Tally.bytesReceived),
    sentBytes: tally(Tally.bytesSent),
    connections: connectionsOf(after),
    keys: total(after, 'keys'),
    expiringKeys: total(after, 'expiringKeys'),
    memory: memoryOf(after.shards),
    eventLoop: {
      p50Ms: rounded(after.eventLoop.p50Ms),
      p99Ms: rounded(after.eventLoop.p99Ms),
      maxMs: rounded(after.eventLoop.maxMs),
    },
    processors: rounded(Math.max(0, after.processorMs - before.processorMs) / spanMs),
    shards: after.shards.map((shard, index) => shardBetween(before.shards[index], shard, spanMs)),
    disk:
      before.persistence === null || after.persistence === null
        ? null
        : diskBetween(before.persistence, after.persistence, spanMs, after.diskTroubles),
  };
}

/** The little of a sample that other nodes are told. */
export function peerSampleOf(sample: NodeSample): PeerSample {
  let commands = 0;
  let connections = 0;
  for (const perS of Object.values(sample.byProtocol)) commands += perS;
  for (const count of Object.values(sample.connections)) connections += count;
  return {
    commands,
    hits: sample.hits,
    misses: sample.misses,
    p99Ms: sample.latency?.p99Ms ?? null,
    keys: sample.keys,
    usedBytes: sample.memory.budget - sample.memory.free,
    budgetBytes: sample.memory.budget,
    connections,
    eventLoopMaxMs: sample.eventLoop.maxMs,
    processors: sample.processors,
  };
}

function commandsBetween(before: Reading, after: Reading, spanMs: number) {
  const byRow = new Float64Array(after.commandNames.length);
  const all = new Float64Array(DURATION_BUCKETS);
  const byFrontEnd = frontEndNames.map(() => new Float64Array(DURATION_BUCKETS));
  after.counters.durationsSince(before.counters, (row, frontEnd, bucket, more) => {
    const buckets = byFrontEnd[frontEnd] as Float64Array;
    byRow[row] = (byRow[row] as number) + more;
    buckets[bucket] = (buckets[bucket] as number) + more;
    all[bucket] = (all[bucket] as number) + more;
  });
  const byProtocol: Partial<Record<Protocol, number>> = {};
  const latencyByProtocol: Partial<Record<Protocol, Latency>> = {};
  for (const protocol of frontEndNames) {
    const buckets = byFrontEnd[FrontEnd[protocol]] as Float64Array;
    const latency = latencyOf(buckets);
    if (latency === null) continue;
    let count = 0;
    for (const inBucket of buckets) count += inBucket;
    byProtocol[protocol] = perSecond(count, spanMs);
    latencyByProtocol[protocol] = latency;
  }
  const byCommand = named(byRow, after.commandNames, spanMs);
  return { byProtocol, byCommand, latency: latencyOf(all), latencyByProtocol };
}

/** The busiest by name, and all others together. */
function named(byRow: Float64Array, names: readonly string[], spanMs: number): Record<string, number> {
  const called = [...byRow.entries()].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  const byCommand: Record<string, number> = {};
  let other = 0;
  for (const [index, [row, count]] of called.entries()) {
    const perS = perSecond(count, spanMs);
    const name = names[row];
    if (index < COMMANDS_NAMED_MAX && name !== undefined) byCommand[name] = perS;
    else other += perS;
  }
  if (other > 0) byCommand['other'] = rounded(other);
  return byCommand;
}

function loadsBetween(before: Reading, after: Reading, spanMs: number): LoadsSample {
  const fills = (kind: keyof FillFacts) => perSecond(fillTotal(after, kind) - fillTotal(before, kind), spanMs);
  const grown = (field: 'staleHits' | 'invalidatedEntries') =>
    perSecond(total(after, field) - total(before, field), spanMs);
  return {
    granted: fills('granted'),
    filled: fills('filled'),
    lost: fills('lost'),
    staleHits: grown('staleHits'),
    invalidated: grown('invalidatedEntries'),
    // Every shard is told of every tag.
    pendingTags: Math.max(0, ...after.shards.map(({ store }) => store.pendingTags)),
  };
}

function fillTotal({ shards }: Reading, kind: keyof FillFacts): number {
  let sum = 0;
  for (const { store } of shards) sum += store.fills[kind];
  return sum;
}

function shardBetween(before: ShardFacts | undefined, after: ShardFacts, spanMs: number): ShardSample {
  const { store, load } = after;
  const lookups = store.hits + store.misses;
  const lookupsBefore = before === undefined ? lookups : before.store.hits + before.store.misses;
  const loadBefore = before?.load ?? load;
  return {
    isServing: after.isServing,
    restarts: after.restarts,
    keys: store.keys,
    usedBytes: store.usedBytes,
    budgetBytes: store.budgetBytes,
    reads: perSecond(lookups - lookupsBefore, spanMs),
    commands: perSecond(load.commands - loadBefore.commands, spanMs),
    busy: rounded(Math.min(1, Math.max(0, load.busyMs - loadBefore.busyMs) / spanMs)),
    mailboxDepth: after.mailboxDepth,
  };
}

function connectionsOf({ counters, protocols }: Reading): Partial<Record<Protocol, number>> {
  const connections: Partial<Record<Protocol, number>> = {};
  for (const { name, tellsConnections } of protocols) {
    if (tellsConnections) connections[name] = counters.tally(Tally.clients, FrontEnd[name]);
  }
  return connections;
}

function memoryOf(shards: readonly ShardFacts[]): MemoryKinds {
  const sum = { entries: 0, dead: 0, index: 0, expiry: 0, retired: 0, control: 0, free: 0, budget: 0 };
  for (const { store } of shards) {
    for (const kind of Object.keys(sum) as (keyof MemoryKinds)[]) sum[kind] += store.memory[kind];
  }
  return sum;
}

function total({ shards }: Reading, field: Exclude<keyof StoreFacts, 'memory' | 'fills'>): number {
  let sum = 0;
  for (const { store } of shards) sum += store[field];
  return sum;
}

/** What counts can go back by (a block that is read while it is written to) is none. */
function perSecond(more: number, spanMs: number): number {
  return rounded((Math.max(0, more) / spanMs) * 1000);
}

/** To a thousandth: more digits are only text to be sent. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function faultTotal(counters: Counters): number {
  let sum = 0;
  for (const code of nodeFaults) sum += counters.errorCount(errors[code].id);
  return sum;
}
