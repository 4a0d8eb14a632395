/** @import { NodeSample } from '../feed.ts' */

/** A name has to have this many times what one that is shown has to take its place: places do not change all the time. */
const AHEAD = 1.25;

/**
 * The busiest commands of the samples, those that are shown already first, in the order they have.
 *
 * @param {readonly (NodeSample | null)[]} samples
 * @param {readonly string[]} shown
 * @param {number} count
 * @returns {string[]}
 */
export function busiestCommands(samples, shown, count) {
  /** @type {Map<string, number>} */
  const totals = new Map();
  for (const sample of samples) {
    for (const [name, rate] of Object.entries(sample?.byCommand ?? {})) {
      if (name !== 'other') totals.set(name, (totals.get(name) ?? 0) + rate);
    }
  }
  const kept = shown.filter((name) => totals.has(name));
  const isKept = new Set(kept);
  const others = [...totals].filter(([name]) => !isKept.has(name)).sort(([, a], [, b]) => b - a);
  for (const [name, total] of others) {
    if (kept.length < count) {
      kept.push(name);
      continue;
    }
    const least = kept.reduce((low, each) => ((totals.get(each) ?? 0) < (totals.get(low) ?? 0) ? each : low));
    if (total <= (totals.get(least) ?? 0) * AHEAD) break;
    kept[kept.indexOf(least)] = name;
  }
  return kept;
}

/**
 * What a sample has of all commands but those.
 *
 * @param {NodeSample} sample
 * @param {ReadonlySet<string>} shown
 */
export function otherCommands(sample, shown) {
  let sum = 0;
  for (const [name, rate] of Object.entries(sample.byCommand)) if (!shown.has(name)) sum += rate;
  return sum;
}
