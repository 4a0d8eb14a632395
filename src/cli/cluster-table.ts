import type { ClusterReport, NodeReport, PartitionReport } from '../command/cluster-report.ts';
import { counted } from './counted.ts';
import { printable } from './reply-formats.ts';

const nodeHeadings = ['node', 'address', 'health', 'primaries', 'copies', 'filling', 'lag', 'start', ''];
/** Columns of figures, which end below each other. */
const figures = new Set([3, 4, 5, 6, 7]);

/** The cluster as a table of its nodes, and what is to be said of its partitions. */
export function statusText(report: ClusterReport): string {
  const { clusterId, nodes, settings, leader, term } = report;
  const name = clusterId === '' ? 'no cluster yet' : `cluster ${clusterId.slice(0, 12)}`;
  const copies =
    settings === null
      ? ''
      : `, ${settings.copies} ${settings.copies === 1 ? 'copy' : 'copies'} of each partition (${settings.minInSync} in sync needed)`;
  const led = leader === null ? 'no leader known' : `led by ${leader}, term ${term}`;
  const rows = [nodeHeadings, ...[...nodes].sort(byId).map(nodeCells)];
  const lines = [`${name}: ${counted(nodes.length, 'node')}${copies}; ${led}`, '', ...aligned(rows, figures)];
  lines.push('', partitionsLine(report), ...report.lacks.map((lack) => `! ${lack}`));
  return `${lines.map((line) => printable(line)).join('\n')}\n`;
}

/** One line a partition: its slots, its primary, and who has copies. */
export function partitionsText(table: readonly PartitionReport[]): string {
  const rows = [['partition', 'slots', 'epoch', 'primary', 'in sync besides', 'on the way to']];
  for (const { partition, slots, epoch, primary, inSync, replicas } of table) {
    rows.push([
      String(partition),
      slots.join('-'),
      String(epoch),
      primary ?? 'offline',
      inSync.filter((node) => node !== primary).join(' ') || '-',
      replicas.filter((node) => !inSync.includes(node)).join(' ') || '-',
    ]);
  }
  return `${aligned(rows, new Set([0, 2]))
    .map((line) => printable(line))
    .join('\n')}\n`;
}

function partitionsLine({ partitions, rebalance }: ClusterReport): string {
  const { total, online, offline, underReplicated, misplaced, epochMax, losses } = partitions;
  const parts = [`partitions: ${online} of ${total} online`];
  if (offline > 0) parts.push(`${offline} offline`);
  if (underReplicated > 0) parts.push(`${underReplicated} with too few copies`);
  if (misplaced > 0) parts.push(`${misplaced} on their way (${counted(rebalance.moves, 'copy', 'copies')} to move)`);
  if (losses > 0) parts.push(`lost ${counted(losses, 'time')}`);
  parts.push(rebalance.isBalanced ? 'balanced' : 'not balanced yet', `highest epoch ${epochMax}`);
  return parts.join(', ');
}

function nodeCells(node: NodeReport): string[] {
  const notes = [
    ...(node.isLeader ? ['leader'] : []),
    ...(node.isLeaving ? ['leaving'] : node.isDraining ? ['draining'] : []),
    ...(node.isSelf ? ['asked'] : []),
  ];
  return [
    node.id,
    node.tcp || node.bus || '?',
    node.health,
    String(node.primaries),
    String(node.replicas),
    String(node.filling),
    lagOf(node),
    String(node.boot),
    notes.join(', '),
  ];
}

/** Writes not confirmed, and the age of what it has, as far as the node that was asked knows them. */
function lagOf({ lagRecords, lagMs }: NodeReport): string {
  if (lagRecords !== null) return lagRecords === 0 ? '0' : counted(lagRecords, 'write');
  return lagMs === null ? '-' : `${Math.round(lagMs)} ms`;
}

function aligned(rows: readonly (readonly string[])[], right: ReadonlySet<number>): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => (right.has(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

function byId(one: NodeReport, other: NodeReport): number {
  return one.id < other.id ? -1 : 1;
}
