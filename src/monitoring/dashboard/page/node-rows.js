/** @import { ClusterNews, NodeSample, PeerSample } from '../feed.ts' */
/** @import { NodeReport } from '../../../command/cluster-report.ts' */
import { formatDuration, formatWhole } from './format.js';
import { lineOf } from './key-text.js';
import { hitRatioOf, peerSampleOf } from './sample-figures.js';

/**
 * @typedef {object} NodeRow A node of the cluster as a line of the table.
 * @property {string} id
 * @property {boolean} isSelf
 * @property {string} http `host:port`; '' where it is not known
 * @property {readonly string[]} marks leader, this node, draining
 * @property {string} note its address and zone
 * @property {string} health
 * @property {'ok' | 'warn' | 'bad'} level
 * @property {number} primaries
 * @property {number} replicas
 * @property {number} filling
 * @property {boolean} isAway it is down, or nothing is heard of it: what it does is not known
 * @property {string} lag
 * @property {PeerSample | null} load
 * @property {number | null} hitRatio
 * @property {number | null} memory used of the budget, 0 to 1
 * @property {string} stale how old its load is, where that is worth saying
 */

const STALE_MS = 5000;
/** Nodes tell how far they are several times a second: copies are never known to be younger than that. */
const LAG_MS = 500;

/**
 * @param {ClusterNews} news
 * @param {NodeSample | null} own what this node samples of itself
 * @param {ReadonlySet<string>} suspects nodes that are not heard of at the moment
 * @param {number} nowMs
 * @returns {NodeRow[]}
 */
export function nodeRows({ report, peers }, own, suspects, nowMs) {
  return [...report.nodes]
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .map((node) => {
      const peer = peers.find(({ node: id }) => id === node.id);
      const load = node.isSelf ? own && peerSampleOf(own) : (peer?.sample ?? null);
      const heardAtMs = node.isSelf ? (own?.atMs ?? null) : (peer?.heardAtMs ?? null);
      return rowOf(node, load, !node.isSelf && suspects.has(node.id), heardAtMs, nowMs);
    });
}

/**
 * @param {NodeReport} node
 * @param {PeerSample | null} told
 * @param {boolean} isSuspect
 * @param {number | null} heardAtMs
 * @param {number} nowMs
 * @returns {NodeRow}
 */
function rowOf(node, told, isSuspect, heardAtMs, nowMs) {
  const { id, isSelf, http, primaries, replicas, filling } = node;
  const address = node.tcp || node.bus || '?';
  const isUp = node.health === 'up';
  const isAway = isSuspect || levelOf(node) === 'bad';
  const load = isAway ? null : told;
  const isStale = heardAtMs !== null && nowMs - heardAtMs > STALE_MS;
  return {
    id,
    isSelf,
    http,
    marks: marksOf(node),
    note: lineOf(node.zone === null ? address : `${address} · ${node.zone}`, 80),
    health: isUp && isSuspect ? 'silent' : lineOf(node.health, 20),
    level: isUp && isSuspect ? 'warn' : levelOf(node),
    primaries,
    replicas,
    filling,
    isAway,
    lag: isAway ? '–' : lagText(node),
    load,
    hitRatio: load === null ? null : hitRatioOf(load),
    memory: load === null || load.budgetBytes === 0 ? null : load.usedBytes / load.budgetBytes,
    stale: isStale ? `last heard ${formatDuration(Math.round((nowMs - heardAtMs) / 1000) * 1000)} ago` : '',
  };
}

/** @param {NodeReport} node */
function marksOf({ isLeader, isSelf, isLeaving, isDraining }) {
  return [
    ...(isSelf ? ['this node'] : []),
    ...(isLeader ? ['leader'] : []),
    ...(isLeaving ? ['leaving'] : isDraining ? ['draining'] : []),
  ];
}

/**
 * @param {NodeReport} node
 * @returns {NodeRow['level']}
 */
function levelOf({ health, isDraining }) {
  if (health === 'up') return isDraining ? 'warn' : 'ok';
  return health === 'stopping' || health === 'stopped' ? 'warn' : 'bad';
}

/** @param {NodeReport} node */
function lagText({ lagRecords, lagMs }) {
  if (lagRecords !== null)
    return lagRecords === 0 ? '0' : `${formatWhole(lagRecords)} ${lagRecords === 1 ? 'write' : 'writes'}`;
  if (lagMs === null) return '–';
  return lagMs < LAG_MS ? '0' : `${formatDuration(Math.round(lagMs))} old`;
}
