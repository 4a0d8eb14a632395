/** @import { Failover } from '../feed.ts' */

/**
 * @typedef {object} Stage
 * @property {'suspected' | 'fenced' | 'promoted' | 'first-write' | 'ended'} name
 * @property {string} title
 * @property {number | null} atMs null: not seen
 * @property {number | null} offsetMs since the first stage that was seen
 * @property {number} place 0 to 1, where it stands between the first and the last; never before the one in front of it,
 *   as clocks of nodes differ a little
 */

/**
 * @typedef {object} Span The time between two stages that were seen.
 * @property {Stage['name']} name of the stage that ends it
 * @property {number} from
 * @property {number} to
 * @property {number} ms
 */

/**
 * The stages of a failover and where they stand on a line.
 *
 * @param {Failover} failover
 * @param {number} nowMs one that goes on is drawn as far as that
 */
export function failoverStages(failover, nowMs) {
  /** @type {readonly (readonly [Stage['name'], string, number | null])[]} */
  const seen = [
    ['suspected', 'Suspected', failover.suspectedAtMs],
    ['fenced', 'Fenced', failover.fencedAtMs],
    ['promoted', 'Promoted', failover.promotedAtMs],
    ['first-write', 'First write', failover.firstWriteAtMs],
    ['ended', 'All served', failover.endedAtMs],
  ];
  const times = seen.flatMap(([, , atMs]) => (atMs === null ? [] : [atMs]));
  const startMs = Math.min(...times);
  const isOver = failover.endedAtMs !== null;
  const endMs = isOver ? Math.max(...times) : Math.max(nowMs, ...times);
  const wholeMs = endMs - startMs;
  let place = 0;
  /** @type {Stage[]} */
  const stages = seen.map(([name, title, atMs]) => {
    if (atMs === null) return { name, title, atMs, offsetMs: null, place };
    const offsetMs = atMs - startMs;
    place = Math.max(place, wholeMs > 0 ? offsetMs / wholeMs : 0);
    return { name, title, atMs, offsetMs, place };
  });
  const known = stages.filter((stage) => stage.atMs !== null);
  /** @type {Span[]} */
  const spans = [];
  for (const [at, stage] of known.entries()) {
    const before = known[at - 1];
    if (before === undefined) continue;
    spans.push({ name: stage.name, from: before.place, to: stage.place, ms: (stage.atMs ?? 0) - (before.atMs ?? 0) });
  }
  return { stages, spans, isOver, startMs: times.length === 0 ? null : startMs, totalMs: isOver ? wholeMs : null };
}

/**
 * What became of the keys.
 *
 * @param {Failover} failover
 */
export function keysLostText({ keysLost, lostPartitions }) {
  if (keysLost === 0 && lostPartitions === 0) return '0';
  if (keysLost !== null) return String(keysLost);
  const partitions = lostPartitions === 1 ? '1 partition' : `${lostPartitions} partitions`;
  return `those of ${partitions} without another copy`;
}

/**
 * Who took how much, the greatest share first: `n1 (43), n3 (42)`.
 *
 * @param {Failover} failover
 */
export function takenByText({ takenBy }) {
  return Object.entries(takenBy)
    .sort(([one, ofOne], [other, ofOther]) => ofOther - ofOne || (one < other ? -1 : 1))
    .map(([node, partitions]) => `${node} (${partitions})`)
    .join(', ');
}
