import { sampleOf } from '../stat.ts';
import { type Durations, latencyBetween } from './latency-histogram.ts';
import type { Sample } from './news.ts';

/** What INFO said, and when: on the clock, and on one that never falls. */
export interface InfoReading {
  readonly fields: ReadonlyMap<string, string>;
  readonly atMs: number;
  readonly monotonicMs: number;
  /** Null: not told. */
  readonly durations: Durations | null;
}

/** As much of a sample as two readings of INFO make. Counts that fell, as by CONFIG RESETSTAT, are taken for 0. */
export function sampleBetween(before: InfoReading, after: InfoReading): Sample {
  const seconds = Math.max(0.001, (after.monotonicMs - before.monotonicMs) / 1000);
  const now = (name: string) => Number(after.fields.get(name) ?? 0);
  const perS = (name: string) => Math.max(0, now(name) - Number(before.fields.get(name) ?? 0)) / seconds;
  const used = now('used_memory');
  // No limit: then it is not known how full it is.
  const budget = now('maxmemory');
  return {
    atMs: after.atMs,
    byProtocol: { all: perS('total_commands_processed') },
    byCommand: commandsBetween(before, after, seconds),
    latency: latencyBetween(before.durations, after.durations),
    latencyByProtocol: {},
    errors: perS('unexpected_error_replies'),
    hits: perS('keyspace_hits'),
    misses: perS('keyspace_misses'),
    evicted: perS('evicted_keys'),
    expired: perS('expired_keys'),
    loads: { granted: 0, filled: 0, lost: 0, staleHits: 0, invalidated: 0, pendingTags: 0 },
    receivedBytes: perS('total_net_input_bytes'),
    sentBytes: perS('total_net_output_bytes'),
    connections: { all: now('connected_clients') },
    keys: sampleOf(after.fields, 0).keys,
    expiringKeys: expiringOf(after.fields),
    memory: { budget, free: budget - used },
    eventLoop: null,
    processors: perS('used_cpu_user') + perS('used_cpu_sys'),
    shards: [],
    disk: null,
  };
}

function commandsBetween(before: InfoReading, after: InfoReading, seconds: number): Record<string, number> {
  const byCommand: Record<string, number> = {};
  for (const [name, value] of after.fields) {
    if (!name.startsWith('cmdstat_')) continue;
    const more = callsOf(value) - callsOf(before.fields.get(name) ?? '');
    if (more > 0) byCommand[name.slice('cmdstat_'.length)] = more / seconds;
  }
  return byCommand;
}

function callsOf(text: string): number {
  return Number(/calls=(\d+)/.exec(text)?.[1] ?? 0);
}

function expiringOf(fields: ReadonlyMap<string, string>): number {
  let keys = 0;
  for (const [name, value] of fields) if (/^db\d+$/.test(name)) keys += Number(/expires=(\d+)/.exec(value)?.[1] ?? 0);
  return keys;
}
