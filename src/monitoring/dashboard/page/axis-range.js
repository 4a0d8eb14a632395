/** Steps of a scale that people read easily, within a power of ten. */
const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/**
 * The top of a scale from zero: a round number above `max`, so that it does not move with each sample.
 *
 * @param {number} max
 * @param {number} base of the unit that is shown: 1000 or 1024
 */
export function roundTop(max, base = 1000) {
  if (!(max > 0)) return 1;
  const unit = base === 1000 ? 1 : base ** Math.max(0, Math.floor(Math.log(max) / Math.log(base)));
  const left = max / unit;
  const power = 10 ** Math.floor(Math.log10(left));
  const step = STEPS.find((each) => each * power >= left * 1.04) ?? 15;
  return step * power * unit;
}

/**
 * Whole powers of ten around the values: at least two of them apart.
 *
 * @param {number} min
 * @param {number} max
 * @returns {[number, number]}
 */
export function powersAround(min, max) {
  if (!(min > 0) || !(max > 0)) return [0.01, 1];
  const low = Math.floor(Math.log10(min) + 1e-9);
  const high = Math.ceil(Math.log10(max) - 1e-9);
  return [10 ** low, 10 ** Math.max(high, low + 2)];
}

/**
 * The part of 0 to 1 that the values are in: all of it, or the upper part when they stay there.
 *
 * @param {number} min
 * @returns {[number, number]}
 */
export function sharesAbove(min) {
  return [[0.99, 0.95, 0.9, 0.75, 0.5].find((floor) => min >= floor + (1 - floor) * 0.1) ?? 0, 1];
}
