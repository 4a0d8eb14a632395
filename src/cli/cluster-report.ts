import { RefusedError } from './key-pages.ts';

/** What a node tells of its cluster, as far as it is shown here. */
export interface ClusterReport {
  /** Empty while there is no cluster. */
  readonly clusterId: string;
  /** Of the node that was asked; null when it is none of a cluster, and will be none. */
  readonly self: string | null;
  readonly leader: string | null;
  readonly term: number;
  readonly settings: ReportedSettings | null;
  readonly nodes: readonly ReportedNode[];
  readonly partitions: ReportedTotals;
  readonly rebalance: { readonly moves: number; readonly isBalanced: boolean };
  /** What the cluster lacks, in sentences. */
  readonly lacks: readonly string[];
  /** Empty unless it was asked for. */
  readonly table: readonly ReportedPartition[];
}

export interface ReportedSettings {
  readonly partitions: number;
  readonly copies: number;
  readonly minInSync: number;
  readonly onLoss: string;
}

export interface ReportedNode {
  readonly id: string;
  readonly redisId: string;
  readonly isSelf: boolean;
  readonly tcp: string;
  readonly http: string;
  readonly bus: string;
  readonly boot: number;
  readonly health: string;
  readonly isDraining: boolean;
  readonly isLeader: boolean;
  readonly primaries: number;
  /** Copies in sync that are no primaries. */
  readonly replicas: number;
  /** Copies placed there that are not in sync yet, and all that are placed there. */
  readonly filling: number;
  readonly placed: number;
  readonly lagRecords: number | null;
  readonly lagMs: number | null;
}

interface ReportedTotals {
  readonly total: number;
  readonly online: number;
  readonly offline: number;
  readonly underReplicated: number;
  readonly misplaced: number;
  readonly epochMax: number;
  readonly losses: number;
}

export interface ReportedPartition {
  readonly partition: number;
  readonly slots: readonly [number, number];
  readonly primary: string | null;
  readonly epoch: number;
  readonly inSync: readonly string[];
  readonly replicas: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads a report, in which a newer server may tell more. Throws a {@link RefusedError} when it is none. */
export function readReport(text: string): ClusterReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RefusedError('The server told of its cluster in something else than JSON.');
  }
  const report = fieldsOf(value);
  const { settings, partitions, rebalance } = report;
  return {
    clusterId: textOf(report, 'clusterId'),
    self: nullableText(report, 'self'),
    leader: nullableText(report, 'leader'),
    term: numberOf(report, 'term'),
    settings: settings === null || settings === undefined ? null : settingsOf(fieldsOf(settings)),
    nodes: listOf(report, 'nodes').map((node) => nodeOf(fieldsOf(node))),
    partitions: totalsOf(fieldsOf(partitions ?? {})),
    rebalance: {
      moves: numberOf(fieldsOf(rebalance ?? {}), 'moves'),
      isBalanced: fieldsOf(rebalance ?? {})['isBalanced'] === true,
    },
    lacks: listOf(report, 'lacks').map(String),
    table: listOf(report, 'table').map((partition) => partitionOf(fieldsOf(partition))),
  };
}

function settingsOf(fields: Fields): ReportedSettings {
  return {
    partitions: numberOf(fields, 'partitions'),
    copies: numberOf(fields, 'copies'),
    minInSync: numberOf(fields, 'minInSync'),
    onLoss: textOf(fields, 'onLoss'),
  };
}

function nodeOf(fields: Fields): ReportedNode {
  return {
    id: textOf(fields, 'id'),
    redisId: textOf(fields, 'redisId'),
    isSelf: fields['isSelf'] === true,
    tcp: textOf(fields, 'tcp'),
    http: textOf(fields, 'http'),
    bus: textOf(fields, 'bus'),
    boot: numberOf(fields, 'boot'),
    health: textOf(fields, 'health'),
    isDraining: fields['isDraining'] === true,
    isLeader: fields['isLeader'] === true,
    primaries: numberOf(fields, 'primaries'),
    replicas: numberOf(fields, 'replicas'),
    filling: numberOf(fields, 'filling'),
    placed: numberOf(fields, 'placed'),
    lagRecords: nullableNumber(fields, 'lagRecords'),
    lagMs: nullableNumber(fields, 'lagMs'),
  };
}

function totalsOf(fields: Fields): ReportedTotals {
  return {
    total: numberOf(fields, 'total'),
    online: numberOf(fields, 'online'),
    offline: numberOf(fields, 'offline'),
    underReplicated: numberOf(fields, 'underReplicated'),
    misplaced: numberOf(fields, 'misplaced'),
    epochMax: numberOf(fields, 'epochMax'),
    losses: numberOf(fields, 'losses'),
  };
}

function partitionOf(fields: Fields): ReportedPartition {
  const [first, last] = listOf(fields, 'slots');
  return {
    partition: numberOf(fields, 'partition'),
    slots: [Number(first), Number(last)],
    primary: nullableText(fields, 'primary'),
    epoch: numberOf(fields, 'epoch'),
    inSync: listOf(fields, 'inSync').map(String),
    replicas: listOf(fields, 'replicas').map(String),
  };
}

function fieldsOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new RefusedError('The server told of its cluster in a form that this version does not know.');
}

function nullableText(fields: Fields, name: string): string | null {
  const value = fields[name];
  return typeof value === 'string' ? value : null;
}

function nullableNumber(fields: Fields, name: string): number | null {
  const value = fields[name];
  return typeof value === 'number' ? value : null;
}

function textOf(fields: Fields, name: string): string {
  return nullableText(fields, name) ?? '';
}

function numberOf(fields: Fields, name: string): number {
  return nullableNumber(fields, name) ?? 0;
}

function listOf(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  return Array.isArray(value) ? value : [];
}
