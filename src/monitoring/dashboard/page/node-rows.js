/** @import { ClusterNews, NodeSample, PeerSample } from '../feed.ts' */
/** @import { NodeReport } from '../../../command/cluster-report.ts' */
import { formatDuration, formatWhole } from './format.js';
import { lineOf } from './key-text.js';

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
 * @property {string} lag
 * @property {PeerSample | null} load
 * @property {number | null} hitRatio
 * @property {number | null} memory used of the budget, 0 to 1
 * @property {string} stale how old its load is, where that is worth saying
 */

const STALE_MS = 5000;

/**
 * @param {ClusterNews} news
 * @param {NodeSample | null} own what this node samples of itself
 * @param {number} nowMs
 * @returns {NodeRow[]}
 */
export function nodeRows({ report, peers }, own, nowMs) {
  return [...report.nodes]
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .map((node) => {
      const peer = peers.find(({ node: id }) => id === node.id);
      const load = node.isSelf ? own && ownLoad(own) : (peer?.sample ?? null);
      const heardAtMs = node.isSelf ? (own?.atMs ?? null) : (peer?.heardAtMs ?? null);
      return rowOf(node, load, heardAtMs, nowMs);
    });
}

/**
 * @param {NodeReport} node
 * @param {PeerSample | null} load
 * @param {number | null} heardAtMs
 * @param {number} nowMs
 * @returns {NodeRow}
 */
function rowOf(node, load, heardAtMs, nowMs) {
  const { id, isSelf, http, primaries, replicas, filling } = node;
  const address = node.tcp || node.bus || '?';
  const lookups = load === null ? 0 : load.hits + load.misses;
  const isStale = heardAtMs !== null && nowMs - heardAtMs > STALE_MS;
  return {
    id,
    isSelf,
    http,
    marks: marksOf(node),
    note: lineOf(node.zone === null ? address : `${address} · ${node.zone}`, 80),
    health: lineOf(node.health, 20),
    level: levelOf(node),
    primaries,
    replicas,
    filling,
    lag: lagText(node),
    load,
    hitRatio: load === null || lookups === 0 ? null : load.hits / lookups,
    memory: load === null || load.budgetBytes === 0 ? null : load.usedBytes / load.budgetBytes,
    stale: isStale ? `load of ${formatDuration(Math.round((nowMs - heardAtMs) / 1000) * 1000)} ago` : '',
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
  if (lagRecords !== null) return lagRecords === 0 ? '0' : `${formatWhole(lagRecords)} writes`;
  return lagMs === null ? '–' : formatDuration(Math.round(lagMs));
}

/**
 * @param {NodeSample} sample
 * @returns {PeerSample}
 */
function ownLoad({ byProtocol, hits, misses, latency, keys, memory, connections, eventLoop, processors }) {
  return {
    commands: sumOf(byProtocol),
    hits,
    misses,
    p99Ms: latency?.p99Ms ?? null,
    keys,
    usedBytes: memory.budget - memory.free,
    budgetBytes: memory.budget,
    connections: sumOf(connections),
    eventLoopMaxMs: eventLoop.maxMs,
    processors,
    ready: true,
  };
}

/** @param {Readonly<Record<string, number>>} amounts */
function sumOf(amounts) {
  return Object.values(amounts).reduce((sum, amount) => sum + amount, 0);
}
