import type {
  ClusterReport,
  NodeReport,
  PartitionReport,
  PartitionTotals,
  SettingsReport,
} from '../command/cluster-report.ts';
import { RefusedError } from './key-pages.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Reads a report, in which a newer server may tell more. Throws a {@link RefusedError} when it is none. */
export function readReport(text: string): ClusterReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RefusedError('The server told of its cluster in something else than JSON.');
  }
  return clusterReportOf(value);
}

/** As {@link readReport}, of what is no text any more. */
export function clusterReportOf(value: unknown): ClusterReport {
  const report = fieldsOf(value);
  const { settings, partitions, rebalance } = report;
  return {
    clusterId: textOf(report, 'clusterId'),
    self: nullableText(report, 'self'),
    leader: nullableText(report, 'leader'),
    term: numberOf(report, 'term'),
    leaseLeftMs: nullableNumber(report, 'leaseLeftMs'),
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

function settingsOf(fields: Fields): SettingsReport {
  return {
    partitions: numberOf(fields, 'partitions'),
    copies: numberOf(fields, 'copies'),
    minInSync: numberOf(fields, 'minInSync'),
    onLoss: textOf(fields, 'onLoss'),
    leaseMs: numberOf(fields, 'leaseMs'),
  };
}

function nodeOf(fields: Fields): NodeReport {
  return {
    id: textOf(fields, 'id'),
    redisId: textOf(fields, 'redisId'),
    isSelf: fields['isSelf'] === true,
    tcp: textOf(fields, 'tcp'),
    http: textOf(fields, 'http'),
    bus: textOf(fields, 'bus'),
    zone: nullableText(fields, 'zone'),
    weight: numberOf(fields, 'weight'),
    boot: numberOf(fields, 'boot'),
    health: textOf(fields, 'health'),
    isDraining: fields['isDraining'] === true,
    isLeaving: fields['isLeaving'] === true,
    isVoter: fields['isVoter'] === true,
    isLeader: fields['isLeader'] === true,
    primaries: numberOf(fields, 'primaries'),
    replicas: numberOf(fields, 'replicas'),
    filling: numberOf(fields, 'filling'),
    placed: numberOf(fields, 'placed'),
    lagRecords: nullableNumber(fields, 'lagRecords'),
    lagMs: nullableNumber(fields, 'lagMs'),
  };
}

function totalsOf(fields: Fields): PartitionTotals {
  return {
    total: numberOf(fields, 'total'),
    online: numberOf(fields, 'online'),
    offline: numberOf(fields, 'offline'),
    underReplicated: numberOf(fields, 'underReplicated'),
    soleCopy: numberOf(fields, 'soleCopy'),
    misplaced: numberOf(fields, 'misplaced'),
    epochMax: numberOf(fields, 'epochMax'),
    losses: numberOf(fields, 'losses'),
  };
}

function partitionOf(fields: Fields): PartitionReport {
  const [first, last] = listOf(fields, 'slots');
  return {
    partition: numberOf(fields, 'partition'),
    slots: [Number(first), Number(last)],
    primary: nullableText(fields, 'primary'),
    epoch: numberOf(fields, 'epoch'),
    version: numberOf(fields, 'version'),
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
