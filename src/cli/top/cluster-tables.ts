import type { NodeReport } from '../../command/cluster-report.ts';
import { ago, amount, duration, share, timeOfDay, whole } from './figures.ts';
import type { ClusterNews, Failover, PeerSample, Sample } from './news.ts';
import { hitRatio, totalOf } from './node-tables.ts';
import { type Style, span } from './row.ts';
import type { Known } from './state.ts';
import type { Column, Table } from './table.ts';
import { seen } from './text-columns.ts';

/** Nodes tell of themselves each second: older than this, what is shown is no longer what they do. */
const STALE_MS = 5000;

/** A node as the one that was asked knows it. */
export interface NodeRow {
  readonly report: NodeReport;
  /** What it does; null: not known, or it is away. */
  readonly load: PeerSample | null;
  readonly isStale: boolean;
  readonly notes: string;
}

/** The nodes by their ids. */
export function nodeRows({ report, peers }: ClusterNews, own: Sample | undefined, nowMs: number): readonly NodeRow[] {
  return [...report.nodes]
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .map((node) => {
      const peer = peers.find((each) => each.node === node.id);
      const heardAtMs = node.isSelf ? (own?.atMs ?? null) : (peer?.heardAtMs ?? null);
      const told = node.isSelf ? (own === undefined ? null : loadOf(own)) : (peer?.sample ?? null);
      const isStale = heardAtMs !== null && nowMs - heardAtMs > STALE_MS;
      const notes = [
        ...(node.isSelf ? ['asked'] : []),
        ...(node.isLeader ? ['leader'] : []),
        ...(node.isLeaving ? ['leaving'] : node.isDraining ? ['draining'] : []),
        ...(node.zone === null ? [] : [seen(node.zone)]),
        ...(isStale && heardAtMs !== null ? [`heard ${ago(heardAtMs, nowMs)}`] : []),
      ];
      return { report: node, load: styleOf(node) === 'bad' ? null : told, isStale, notes: notes.join(', ') };
    });
}

function loadOf(sample: Sample): PeerSample {
  const { latency, keys, memory, connections, processors, hits, misses } = sample;
  return {
    commands: totalOf(sample.byProtocol),
    hits,
    misses,
    p99Ms: latency?.p99Ms ?? null,
    keys,
    usedBytes: memory.budget - memory.free,
    budgetBytes: memory.budget,
    connections: totalOf(connections),
    processors,
  };
}

function styleOf({ health, isDraining }: NodeReport): Style {
  if (health === 'up') return isDraining ? 'warn' : 'good';
  return health === 'stopping' || health === 'stopped' ? 'warn' : 'bad';
}

function told(
  title: string,
  rank: number,
  value: (load: PeerSample) => number | null,
  shown: (value: number | null) => string,
): Column<NodeRow> {
  const of = ({ load }: NodeRow) => (load === null ? null : value(load));
  return {
    title,
    side: 'right',
    rank,
    cell: (row) => span(shown(of(row)), row.isStale ? 'dim' : ''),
    order: (row) => of(row) ?? -1,
  };
}

function count(title: string, rank: number, value: (report: NodeReport) => number): Column<NodeRow> {
  return {
    title,
    side: 'right',
    rank,
    cell: ({ report }) => whole(value(report)),
    order: ({ report }) => value(report),
  };
}

/** The nodes of the cluster, their copies and their loads. */
export const nodeTable: Table<NodeRow> = {
  title: 'Nodes',
  empty: 'The node is not one of a cluster.',
  columns: [
    { title: 'node', side: 'left', rank: 0, cell: ({ report }) => seen(report.id), order: ({ report }) => report.id },
    {
      title: 'health',
      side: 'left',
      rank: 0,
      cell: ({ report }) => span(seen(report.health), styleOf(report)),
      order: ({ report }) => report.health,
    },
    count('primary', 2, ({ primaries }) => primaries),
    count('copies', 5, ({ replicas }) => replicas),
    count('filling', 4, ({ filling }) => filling),
    {
      title: 'lag',
      side: 'right',
      rank: 3,
      cell: ({ report }) => lagOf(report),
      order: ({ report }) => lagOrder(report),
    },
    told('cmds/s', 1, ({ commands }) => commands, amount),
    told('hits', 6, (load) => hitRatio(load), share),
    told('p99', 2, ({ p99Ms }) => p99Ms, duration),
    told('keys', 6, ({ keys }) => keys, amount),
    told('memory', 3, ({ usedBytes, budgetBytes }) => (budgetBytes === 0 ? null : usedBytes / budgetBytes), share),
    told('conns', 7, ({ connections }) => connections, whole),
    told('cores', 7, ({ processors }) => processors, amount),
    {
      title: 'address',
      side: 'left',
      rank: 8,
      cell: ({ report }) => seen(report.tcp || report.bus || '?'),
      order: ({ report }) => report.tcp,
    },
    { title: '', side: 'left', rank: 5, cell: ({ notes }) => span(notes, 'dim') },
  ],
};

/** Writes not confirmed, or how old what it holds may be, as far as the node that was asked knows. */
function lagOf({ lagRecords, lagMs }: NodeReport): string {
  if (lagRecords !== null) return whole(lagRecords);
  return lagMs === null ? '-' : duration(Math.round(lagMs));
}

function lagOrder({ lagRecords, lagMs }: NodeReport): number {
  return lagRecords ?? lagMs ?? -1;
}

/** What is to be said of the partitions, and of what the cluster lacks. */
export function partitionsNote({ report }: ClusterNews): string {
  const { total, online, offline, underReplicated, misplaced } = report.partitions;
  const parts = [`${online} of ${total} partitions online`];
  if (offline > 0) parts.push(`${offline} offline`);
  if (underReplicated > 0) parts.push(`${underReplicated} with too few copies`);
  if (misplaced > 0) parts.push(`${misplaced} on their way`);
  parts.push(report.leader === null ? 'no leader known' : `led by ${seen(report.leader)}`);
  return parts.join(', ');
}

/** Something that happened at a time, Unix milliseconds; `by`: the node that noted it, empty of what is put together from the notes of several. */
export interface EventRow {
  readonly atMs: number;
  readonly style: Style;
  readonly by: string;
  readonly text: string;
}

/** Failovers and what else happened, the latest first. */
export function eventRows({ failovers, happenings }: Pick<Known, 'failovers' | 'happenings'>): readonly EventRow[] {
  const rows: EventRow[] = happenings.map(({ atMs, by, kind, text }) => ({
    atMs,
    by,
    style: kind === 'offline' || kind === 'reset' ? 'bad' : kind === 'online' ? 'good' : '',
    text,
  }));
  for (const failover of failovers) {
    const atMs = failover.suspectedAtMs ?? failover.fencedAtMs ?? failover.promotedAtMs;
    if (atMs !== null)
      rows.push({ atMs, by: '', style: failover.endedAtMs === null ? 'bad' : 'warn', text: failoverText(failover) });
  }
  return rows.sort((one, other) => other.atMs - one.atMs);
}

/** A node that was lost, and what became of what it was primary of. */
function failoverText(failover: Failover): string {
  const { node, suspectedAtMs, fencedAtMs, promotedAtMs, endedAtMs, partitions, lostPartitions, takenBy } = failover;
  if (fencedAtMs === null && promotedAtMs === null) return `${node} is not heard of`;
  const begunAtMs = suspectedAtMs ?? fencedAtMs ?? promotedAtMs;
  const taken = Object.entries(takenBy).map(([name, taken]) => `${name} (${taken})`);
  const isOver = endedAtMs !== null && begunAtMs !== null;
  const parts = [
    `${node} was lost`,
    isOver ? `served again after ${duration(Math.max(0, endedAtMs - begunAtMs))}` : 'going on',
  ];
  if (lostPartitions > 0) parts.push(`${lostPartitions} partitions had no other copy`);
  if (partitions > 0) parts.push(`${partitions} partitions taken over by ${taken.join(', ')}`);
  return parts.join('; ');
}

/** What happened to the cluster. */
export const eventTable: Table<EventRow> = {
  title: 'What happened',
  empty: 'Nothing that is known.',
  columns: [
    { title: 'time', side: 'left', rank: 0, cell: ({ atMs }) => timeOfDay(atMs), order: ({ atMs }) => atMs },
    { title: 'noted by', side: 'left', rank: 1, cell: ({ by }) => span(seen(by), 'dim'), order: ({ by }) => by },
    {
      title: 'what',
      side: 'left',
      rank: 0,
      cell: ({ text, style }) => span(seen(text), style),
      order: ({ text }) => text,
    },
  ],
};
