/** @import { Failover } from '../feed.ts' */

/** A first write this long after everything is served tells when somebody wrote, and nothing of the failover. */
const LATER_MS = 2000;

/**
 * @typedef {object} Stage
 * @property {'suspected' | 'fenced' | 'promoted' | 'first-write' | 'ended'} name
 * @property {string} title
 * @property {number | null} atMs null: not seen
 * @property {number | null} offsetMs since the first stage that was seen
 * @property {number} place 0 to 1, where it stands between the first and the last; never before the one in front of it,
 *   as clocks of nodes differ a little
 * @property {boolean} isLater it came long after the failover was over, and has no place on the line
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
  /** @type {(readonly [Stage['name'], string, number | null])[]} */
  const seen = [
    ['suspected', 'Last sign of life', failover.suspectedAtMs],
    ['fenced', 'Fenced', failover.fencedAtMs],
    ['promoted', 'Promoted', failover.promotedAtMs],
    ['first-write', 'First write', failover.firstWriteAtMs],
    ['ended', 'All served', failover.endedAtMs],
  ];
  // Partitions are served again when they have a primary: nobody may want to write to them so soon.
  const isWrittenLater = failover.firstWriteAtMs !== null && failover.firstWriteAtMs > (failover.endedAtMs ?? Infinity);
  if (isWrittenLater) seen.push(...seen.splice(3, 1));
  const isMuchLater = isWrittenLater && (failover.firstWriteAtMs ?? 0) > (failover.endedAtMs ?? 0) + LATER_MS;
  const times = seen.flatMap(([name, , atMs]) =>
    atMs === null || (isMuchLater && name === 'first-write') ? [] : [atMs],
  );
  const startMs = Math.min(...times);
  const isOver = failover.endedAtMs !== null;
  const endMs = isOver ? Math.max(...times) : Math.max(nowMs, ...times);
  const wholeMs = endMs - startMs;
  let place = 0;
  /** @type {Stage[]} */
  const stages = seen.map(([name, title, atMs]) => {
    const isLater = isMuchLater && name === 'first-write';
    if (atMs === null) return { name, title, atMs, offsetMs: null, place, isLater };
    const offsetMs = atMs - startMs;
    if (!isLater) place = Math.max(place, wholeMs > 0 ? offsetMs / wholeMs : 0);
    return { name, title, atMs, offsetMs, place, isLater };
  });
  const known = stages.filter((stage) => stage.atMs !== null && !stage.isLater);
  /** @type {Span[]} */
  const spans = [];
  for (const [at, stage] of known.entries()) {
    const before = known[at - 1];
    if (before === undefined) continue;
    spans.push({ name: stage.name, from: before.place, to: stage.place, ms: (stage.atMs ?? 0) - (before.atMs ?? 0) });
  }
  return {
    stages,
    spans,
    isOver,
    startMs: times.length === 0 ? null : startMs,
    totalMs: isOver ? (failover.endedAtMs ?? 0) - startMs : null,
  };
}

/**
 * What became of the keys.
 *
 * @param {Failover} failover
 */
export function keysLostText({ keysLost, lostPartitions }) {
  if (keysLost !== null) return String(keysLost);
  if (lostPartitions === 0) return 'not known';
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
