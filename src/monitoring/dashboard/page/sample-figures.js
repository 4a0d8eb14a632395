/** @import { NodeSample, PeerSample } from '../feed.ts' */

/**
 * Commands a second, of all protocols.
 *
 * @param {NodeSample} sample
 */
export function commandsOf({ byProtocol }) {
  return sumOf(byProtocol);
}

/**
 * The share of lookups that found their key; null: there were none.
 *
 * @param {{readonly hits: number, readonly misses: number}} sample
 */
export function hitRatioOf({ hits, misses }) {
  return hits + misses > 0 ? hits / (hits + misses) : null;
}

/**
 * Open now, of the protocols whose connections are counted.
 *
 * @param {NodeSample} sample
 */
export function connectionsOf({ connections }) {
  return sumOf(connections);
}

/**
 * What is to be known of that count; '' where it has all.
 *
 * @param {NodeSample | undefined} sample
 */
export function connectionsNote(sample) {
  return sample?.connections.http === undefined ? 'HTTP not counted' : '';
}

/**
 * What a node shows others of itself.
 *
 * @param {NodeSample} sample
 * @returns {PeerSample}
 */
export function peerSampleOf(sample) {
  const { hits, misses, latency, keys, memory, eventLoop, processors } = sample;
  return {
    commands: commandsOf(sample),
    hits,
    misses,
    p99Ms: latency?.p99Ms ?? null,
    keys,
    usedBytes: memory.budget - memory.free,
    budgetBytes: memory.budget,
    connections: connectionsOf(sample),
    eventLoopMaxMs: eventLoop.maxMs,
    processors,
  };
}

/** @param {Readonly<Record<string, number>>} amounts */
function sumOf(amounts) {
  return Object.values(amounts).reduce((sum, amount) => sum + amount, 0);
}
