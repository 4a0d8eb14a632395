import { svgElement } from './element.js';

const WIDTH = 100;
const HEIGHT = 24;

/** A small line without axes, from zero up to its highest value. */
export function createSparkline() {
  const area = svgElement('path', { class: 'spark-area' });
  const line = svgElement('path', { class: 'spark-line' });
  const root = svgElement(
    'svg',
    { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    area,
    line,
  );
  return {
    root,
    /**
     * @param {readonly (number | null)[]} values the latest at the right edge; null: there is none
     * @param {number} count how many fill the width
     */
    set(values, count) {
      const { path, first, last } = sparkPath(values, count);
      line.setAttribute('d', path);
      area.setAttribute('d', path === '' ? '' : `${path}L${last} ${HEIGHT}L${first} ${HEIGHT}Z`);
    },
  };
}

/**
 * @param {readonly (number | null)[]} values
 * @param {number} count
 */
export function sparkPath(values, count) {
  const shown = values.slice(-count);
  const max = shown.reduce((/** @type {number} */ top, value) => Math.max(top, value ?? 0), 0);
  let path = '';
  let first = 0;
  let last = 0;
  for (const [index, value] of shown.entries()) {
    if (value === null) continue;
    const x = round(WIDTH - ((shown.length - 1 - index) * WIDTH) / (count - 1));
    const y = round(max > 0 ? HEIGHT - 1 - (value / max) * (HEIGHT - 3) : HEIGHT - 1);
    if (path === '') first = x;
    last = x;
    path += `${path === '' ? 'M' : 'L'}${x} ${y}`;
  }
  return { path, first, last };
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
