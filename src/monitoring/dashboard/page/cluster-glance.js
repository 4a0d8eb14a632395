/** @import { ClusterReport } from '../../../command/cluster-report.ts' */

/** @typedef {'ok' | 'warn' | 'bad'} Tone */

/**
 * The cluster in a few words.
 *
 * @param {ClusterReport} report
 * @returns {{tone: Tone, text: string}}
 */
export function clusterGlance({ nodes, partitions, settings, rebalance }) {
  const up = nodes.filter(({ health }) => health === 'up').length;
  const count = up === nodes.length ? `${up} ${up === 1 ? 'node' : 'nodes'}` : `${up} of ${nodes.length} nodes`;
  if (settings === null) return { tone: 'warn', text: `${count}, not formed yet` };
  const { total, offline, underReplicated } = partitions;
  if (offline > 0) return { tone: 'bad', text: `${count}, ${offline} of ${total} partitions offline` };
  if (underReplicated > 0)
    return { tone: 'warn', text: `${count}, ${underReplicated} of ${total} partitions lack copies` };
  if (up < nodes.length) return { tone: 'warn', text: count };
  return { tone: 'ok', text: rebalance.isBalanced ? count : `${count}, rebalancing` };
}
