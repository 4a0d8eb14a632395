/** @import { Failover, Happening } from '../feed.ts' */
import { failoverStages } from './failover-stages.js';
import { formatDuration } from './format.js';
import { lineOf } from './key-text.js';

/**
 * @typedef {Omit<Happening, 'kind'> & {readonly kind: Happening['kind'] | 'lost'}} HappeningRow
 */

/**
 * All that happened to the cluster, the latest first. Nodes tell losses as failovers, and of these all there is; here each
 * is a line among the others.
 *
 * @param {readonly Happening[]} happenings
 * @param {readonly Failover[]} failovers
 * @returns {HappeningRow[]}
 */
export function happeningRows(happenings, failovers) {
  const losses = failovers.flatMap((failover) => {
    const { node, fencedAtMs, suspectedAtMs } = failover;
    // One that is only suspected may be back in a moment.
    if (fencedAtMs === null) return [];
    return [{ ...lossOf(failover), node, by: '', atMs: suspectedAtMs ?? fencedAtMs }];
  });
  return [...happenings, ...losses].sort((one, other) => other.atMs - one.atMs);
}

/** @param {Failover} failover */
function lossOf(failover) {
  const { node, partitions, lostPartitions } = failover;
  const { totalMs } = failoverStages(failover, 0);
  const served = totalMs === null ? '' : `, served again after ${formatDuration(totalMs)}`;
  const taken = partitions === 0 ? served : `; other nodes took over ${counted(partitions)}${served}`;
  const lost = lostPartitions === 0 ? '' : `; ${counted(lostPartitions)} had no other copy`;
  return { kind: /** @type {const} */ ('lost'), partitions, text: `${lineOf(node, 60)} was lost${taken}${lost}` };
}

/** @param {number} partitions */
function counted(partitions) {
  return partitions === 1 ? '1 partition' : `${partitions} partitions`;
}
