/** @import { MissRatioCurve } from '../feed.ts' */

/**
 * Where the points of a miss-ratio curve stand: 0 to 1 from the left, by the logarithm of the memory, and from the top,
 * by the hit ratio between round bounds that leave the curve room.
 *
 * @param {MissRatioCurve} curve
 */
export function curvePlot({ points }) {
  const logs = points.map(({ memory }) => Math.log2(memory));
  const leftmost = Math.min(...logs);
  const wholeWidth = Math.max(...logs) - leftmost || 1;
  const ratios = points.map(({ hitRatio }) => hitRatio);
  const { low, high, step } = boundsOf(Math.min(...ratios), Math.max(...ratios));
  const placed = points.map(({ memory, hitRatio }, at) => ({
    memory,
    hitRatio,
    x: ((logs[at] ?? 0) - leftmost) / wholeWidth,
    y: 1 - (hitRatio - low) / (high - low),
  }));
  const lines = [];
  for (let line = 0; low + line * step <= high + step / 2; line++) {
    const hitRatio = Math.round((low + line * step) * 1e6) / 1e6;
    lines.push({ hitRatio, y: 1 - (hitRatio - low) / (high - low) });
  }
  return { points: placed, lines };
}

/**
 * The hit ratio at a multiple of the memory; null where the curve does not tell.
 *
 * @param {MissRatioCurve} curve
 * @param {number} memory
 */
export function hitRatioAt({ points }, memory) {
  return points.find((point) => point.memory === memory)?.hitRatio ?? null;
}

/**
 * What the curve comes to, in a sentence.
 *
 * @param {MissRatioCurve} curve
 */
export function curveVerdict(curve) {
  const now = hitRatioAt(curve, 1);
  const half = hitRatioAt(curve, 0.5);
  const double = hitRatioAt(curve, 2);
  if (now === null || half === null || double === null) return '';
  const gain = double - now;
  const cost = now - half;
  // Points of a percent: 0.01 of all lookups.
  if (gain < 0.005 && cost < 0.005) return 'Memory is not what misses are from: half of it would do as well.';
  if (gain < 0.005) return 'More memory would hardly help.';
  const fewer = gain / Math.max(1 - now, 1e-9);
  return `Double the memory would spare ${Math.round(fewer * 100)} % of the misses.`;
}

/** @param {number} memory */
export function memoryLabel(memory) {
  const fractions = /** @type {Readonly<Record<number, string>>} */ ({ 0.25: '¼', 0.5: '½', 0.75: '¾', 1.5: '1½' });
  return `${fractions[memory] ?? memory}×`;
}

/**
 * Round bounds around two ratios, with two to six lines between them.
 *
 * @param {number} least
 * @param {number} greatest
 */
function boundsOf(least, greatest) {
  const span = Math.max(greatest - least, 0.02);
  const step = [0.01, 0.02, 0.05, 0.1, 0.2].find((each) => span / each <= 4) ?? 0.25;
  const low = Math.max(0, Math.floor((least - step / 4) / step) * step);
  const high = Math.min(1, Math.ceil((greatest + step / 4) / step) * step);
  return { low, high: high > low ? high : low + step, step };
}
