/** @import { ClusterReport, PartitionReport } from '../../../command/cluster-report.ts' */

/** @typedef {'offline' | 'few-copies' | 'moving' | 'well'} PartitionState */

/**
 * How many copies each partition is to have, as far as there are nodes for them.
 *
 * @param {ClusterReport} report
 */
export function copiesWanted({ settings, nodes }) {
  return Math.min(settings?.copies ?? 0, nodes.filter((node) => !node.isDraining).length);
}

/**
 * @param {PartitionReport} partition
 * @param {number} wanted
 * @returns {PartitionState}
 */
export function partitionState({ primary, inSync, replicas }, wanted) {
  if (primary === null) return 'offline';
  if (inSync.length < wanted) return 'few-copies';
  const isPlaced = primary === replicas[0] && inSync.length === replicas.length;
  return isPlaced && inSync.every((node) => replicas.includes(node)) ? 'well' : 'moving';
}

/** @type {Readonly<Record<PartitionState, string>>} */
export const partitionStateWords = {
  offline: 'offline',
  'few-copies': 'too few copies',
  moving: 'on its way',
  well: 'as it should be',
};

/**
 * All there is to say of a partition, in short pieces.
 *
 * @param {PartitionReport} partition
 * @param {number} wanted
 */
export function partitionFacts(partition, wanted) {
  const { slots, primary, epoch, inSync, replicas } = partition;
  const others = inSync.filter((node) => node !== primary);
  const filling = replicas.filter((node) => !inSync.includes(node));
  return {
    title: `Partition ${partition.partition}`,
    slots: slots[0] === slots[1] ? `slot ${slots[0]}` : `slots ${slots[0]}–${slots[1]}`,
    primary,
    epoch: `epoch ${epoch}`,
    others,
    filling,
    state: partitionStateWords[partitionState(partition, wanted)],
  };
}
