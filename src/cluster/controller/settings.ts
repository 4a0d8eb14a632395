import { COPIES_MAX, LEASE_MS_MAX, LEASE_MS_MIN, PARTITIONS_MAX } from '../limits.ts';
import type { ClusterSettings } from './cluster-state.ts';

/** Short enough for failovers within a second, and long enough for four heartbeats of the usual 150 ms. */
export const DEFAULT_LEASE_MS = 700;

/** The settings that can be changed. */
export type SettingsTargets = Omit<ClusterSettings, 'partitions' | 'leaseMs'>;

export interface SettingsJudgement {
  /** Null: they can work. */
  readonly refusal: string | null;
  /** What they will lack on so many nodes, and how to get it. */
  readonly warnings: readonly string[];
}

/** Whether a cluster can be run with these settings, and what they lack when there are `nodeCount` nodes. */
export function validateSettings(settings: ClusterSettings, nodeCount: number): SettingsJudgement {
  const refusal = refusalOf(settings);
  return { refusal, warnings: refusal === null ? warningsOf(settings, nodeCount) : [] };
}

function refusalOf(settings: ClusterSettings): string | null {
  const { partitions, leaseMs } = settings;
  if (!isWithin(partitions, 1, PARTITIONS_MAX)) {
    return `partitions is ${partitions}; allowed are whole numbers from 1 to ${PARTITIONS_MAX}`;
  }
  if (!isWithin(leaseMs, LEASE_MS_MIN, LEASE_MS_MAX)) {
    return `leaseMs is ${leaseMs}; allowed are whole numbers of milliseconds from ${LEASE_MS_MIN} to ${LEASE_MS_MAX}`;
  }
  return targetsFault(settings);
}

/** What is wrong with the settings that can be changed; null: nothing. */
export function targetsFault({ copies, minInSync, onLoss }: SettingsTargets): string | null {
  if (!isWithin(copies, 1, COPIES_MAX)) return `copies is ${copies}; allowed are whole numbers from 1 to ${COPIES_MAX}`;
  if (!isWithin(minInSync, 1, copies)) {
    return minInSync > copies
      ? `minInSync is ${minInSync} but copies is ${copies}, so no write could ever be acknowledged; allowed are 1 to ${copies}`
      : `minInSync is ${minInSync}; allowed are whole numbers from 1 to copies, which is ${copies}`;
  }
  if (onLoss !== 'offline' && onLoss !== 'reset') return `onLoss is '${onLoss}'; allowed are 'offline' and 'reset'`;
  return null;
}

function warningsOf({ copies, minInSync }: ClusterSettings, nodeCount: number): string[] {
  const warnings: string[] = [];
  const nodes = nodeCount === 1 ? '1 node' : `${nodeCount} nodes`;
  if (nodeCount < minInSync) {
    warnings.push(
      `with ${nodes} no partition can have the ${minInSync} copies in sync that minInSync asks for, so every write is refused: add nodes, or lower minInSync`,
    );
  } else if (nodeCount < copies) {
    warnings.push(
      `with ${nodes} a partition has ${nodeCount} of the ${copies} copies asked for: add nodes, or lower copies`,
    );
  }
  if (copies > 1 && minInSync === 1) {
    warnings.push(
      'with minInSync 1 a write is acknowledged even when a single node holds it; it is lost with that node until copies are made again',
    );
  }
  if (minInSync === copies && copies > 1) {
    warnings.push(
      `with minInSync equal to copies (${copies}) the loss of any node stops writes to its partitions until it is back or replaced`,
    );
  }
  return warnings;
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
