import { amount, bytes, duration, share, timeOfDay, whole } from './figures.ts';
import type { AccessNews, Latency, Sample, ShardSample, SlowCommand } from './news.ts';
import { type Style, span } from './row.ts';
import type { Column, Table } from './table.ts';
import { seen } from './text-columns.ts';

const BUSY_WARN = 0.7;
const BUSY_BAD = 0.9;
/** Of a command that is slow: enough to know it by. */
const WORDS_UNITS_MAX = 400;

function figure<Item>(
  title: string,
  rank: number,
  value: (item: Item) => number | null,
  told: (value: number | null) => string,
  styled: (value: number) => Style = () => '',
): Column<Item> {
  return {
    title,
    side: 'right',
    rank,
    cell: (item) => span(told(value(item)), styled(value(item) ?? 0)),
    order: (item) => value(item) ?? -1,
  };
}

function text<Item>(title: string, rank: number, value: (item: Item) => string): Column<Item> {
  return { title, side: 'left', rank, cell: (item) => seen(value(item)), order: value };
}

/** How often a command is called. */
export interface CommandRow {
  readonly name: string;
  readonly perS: number;
  /** Of all commands, 0 to 1. */
  readonly share: number;
}

/** The commands, those called most first. */
export function commandRows({ byCommand }: Sample): readonly CommandRow[] {
  const total = Object.values(byCommand).reduce((sum, perS) => sum + perS, 0);
  return Object.entries(byCommand)
    .map(([name, perS]) => ({ name, perS, share: total === 0 ? 0 : perS / total }))
    .sort((one, other) => other.perS - one.perS);
}

/** What the node is asked to do. */
export const commandTable: Table<CommandRow> = {
  title: 'Commands',
  empty: 'No commands.',
  columns: [
    figure('a second', 0, ({ perS }) => perS, amount),
    figure('share', 1, (row) => row.share, share),
    text('command', 0, ({ name }) => name),
  ],
};

/** Whom a protocol serves, and how fast; null: not measured. */
export interface ProtocolRow {
  readonly name: string;
  readonly perS: number;
  readonly connections: number | null;
  readonly latency: Latency | null;
}

/** The protocols that have connections or are asked. */
export function protocolRows({ byProtocol, connections, latencyByProtocol }: Sample): readonly ProtocolRow[] {
  const names = [...new Set([...Object.keys(connections), ...Object.keys(byProtocol)])];
  return names.map((name) => ({
    name,
    perS: byProtocol[name] ?? 0,
    connections: connections[name] ?? null,
    latency: latencyByProtocol[name] ?? null,
  }));
}

/** By which protocols the node is asked, with how long calls take in milliseconds. */
export const protocolTable: Table<ProtocolRow> = {
  title: 'Protocols',
  empty: 'Not known.',
  columns: [
    text('protocol', 0, ({ name }) => name),
    figure('a second', 0, ({ perS }) => perS, amount),
    figure('connections', 2, (row) => row.connections, whole),
    figure('p50', 3, ({ latency }) => latency?.p50Ms ?? null, duration),
    figure('p99', 1, ({ latency }) => latency?.p99Ms ?? null, duration),
    figure('p99.9', 4, ({ latency }) => latency?.p999Ms ?? null, duration),
  ],
};

/** A shard, with its number. */
export interface ShardRow extends ShardSample {
  readonly index: number;
}

/** The shards by their numbers. */
export function shardRows({ shards }: Sample): readonly ShardRow[] {
  return shards.map((shard, index) => ({ ...shard, index }));
}

/** What the shards do and hold. */
export const shardTable: Table<ShardRow> = {
  title: 'Shards',
  empty: 'Not known.',
  columns: [
    {
      title: 'shard',
      side: 'right',
      rank: 0,
      cell: ({ index, isServing }) => span(String(index), isServing ? '' : 'bad'),
      order: ({ index }) => -index,
    },
    figure(
      'busy',
      0,
      ({ busy }) => busy,
      share,
      (busy) => (busy > BUSY_BAD ? 'bad' : busy > BUSY_WARN ? 'warn' : ''),
    ),
    figure('reads/s', 1, ({ reads }) => reads, amount),
    figure('commands/s', 1, ({ commands }) => commands, amount),
    figure('waiting', 3, ({ mailboxDepth }) => mailboxDepth, whole),
    figure('keys', 2, ({ keys }) => keys, amount),
    figure('memory', 2, ({ usedBytes }) => usedBytes, bytes),
    figure('full', 4, ({ usedBytes, budgetBytes }) => (budgetBytes === 0 ? null : usedBytes / budgetBytes), share),
    figure(
      'restarts',
      5,
      ({ restarts }) => restarts,
      whole,
      (restarts) => (restarts > 0 ? 'warn' : ''),
    ),
  ],
};

type HotKey = AccessNews['hot'][number];

/** Keys that are read most, estimated from a sample. */
export const hotKeyTable: Table<HotKey> = {
  title: 'Hot keys',
  empty: 'None is read far more than others, or too little was read to say.',
  columns: [
    figure('reads/s', 0, ({ reads }) => reads, amount),
    figure('share', 1, (row) => row.share, share),
    text('key', 0, ({ key }) => key),
  ],
};

type PrefixRow = AccessNews['prefixes'][number];

/** What keys with a prefix in common are read, estimated from a sample. */
export const prefixTable: Table<PrefixRow> = {
  title: 'Prefixes',
  empty: 'Too little was read to say.',
  columns: [
    figure('reads/s', 0, ({ reads }) => reads, amount),
    figure('hits', 1, ({ hitRatio }) => hitRatio, share),
    text('prefix', 0, ({ prefix }) => prefix ?? '(all others)'),
  ],
};

/** The slow log. */
export const slowTable: Table<SlowCommand> = {
  title: 'Slow commands',
  empty: 'None.',
  columns: [
    { title: 'time', side: 'left', rank: 1, cell: ({ atMs }) => timeOfDay(atMs), order: ({ atMs }) => atMs },
    figure('took', 0, ({ durationMs }) => durationMs, duration),
    text('client', 2, ({ client }) => client),
    text('command', 0, ({ words }) => words.join(' ').slice(0, WORDS_UNITS_MAX)),
  ],
};

/** What a rate of hits and misses makes of all reads; null: there were none. */
export function hitRatio({ hits, misses }: { readonly hits: number; readonly misses: number }): number | null {
  return hits + misses === 0 ? null : hits / (hits + misses);
}

/** How evenly the shards are loaded. */
export function balanceNote({ shards }: Sample): string {
  const loads = shards.map(({ reads, commands }) => reads + commands);
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  if (shards.length < 2 || !(mean > 10)) return '';
  const above = Math.max(...loads) / mean - 1;
  return above < 0.05 ? 'evenly loaded' : `the busiest ${share(above)} above the mean`;
}

/** The sum of all of them. */
export function totalOf(byName: Readonly<Record<string, number>>): number {
  return Object.values(byName).reduce((sum, value) => sum + value, 0);
}

/** Those that are not 0, in one line. */
export function byNameText(byName: Readonly<Record<string, number>>, told: (value: number) => string): string {
  return Object.entries(byName)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${seen(name)} ${told(value)}`)
    .join(', ');
}
