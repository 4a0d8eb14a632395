/** @import { MissRatioCurve } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { curvePlot, curveVerdict, hitRatioAt, memoryLabel } from './curve-plot.js';
import { element, fill, setText, svgElement } from './element.js';
import { formatBytes, formatNumber, formatShare } from './format.js';
import { painter } from './painter.js';

const margin = { top: 12, right: 18, bottom: 40, left: 46 };
const heightPx = 270;

/**
 * What share of lookups would find their key with more or less memory.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createCurvePanel(root, { feed }) {
  const { card, note, body } = createCard(root, { title: 'Hit ratio by memory', span: 6, name: 'curve' });
  const verdict = element('p', { class: 'curve-verdict' });
  const frame = element('div', { class: 'curve-frame' });
  const figures = element('dl', { class: 'figures curve-figures' });
  const empty = element('p', { class: 'empty', text: 'Too few lookups to say.' });
  body.append(verdict, figures, frame, empty);
  let widthPx = 0;
  const repaint = painter(card, () => {
    const curve = feed.last('access')?.curve ?? null;
    for (const part of [verdict, frame, figures]) part.hidden = curve === null;
    empty.hidden = curve !== null;
    if (curve === null) return;
    const budgetBytes = feed.last('hello')?.budgetBytes ?? 0;
    setText(
      note,
      `estimated from ${formatNumber(curve.sampledLookups)} lookups of ${formatShare(curve.samplingRate)} of the keys`,
    );
    setText(verdict, curveVerdict(curve));
    fill(figures, ...[0.5, 1, 2, 4].map((memory) => figure(curve, memory, budgetBytes)));
    if (widthPx > 0) fill(frame, picture(curve, budgetBytes, widthPx));
  });
  new ResizeObserver(([entry]) => {
    widthPx = Math.floor(entry?.contentRect.width ?? 0);
    repaint();
  }).observe(frame);
  feed.on('access', repaint);
}

/**
 * @param {MissRatioCurve} curve
 * @param {number} memory
 * @param {number} budgetBytes
 */
function figure(curve, memory, budgetBytes) {
  const title =
    memory === 1
      ? `now · ${formatBytes(budgetBytes)}`
      : `${memoryLabel(memory)} · ${formatBytes(memory * budgetBytes)}`;
  return element(
    'div',
    { class: memory === 1 ? 'figure figure--now' : 'figure', 'data-memory': memory },
    element('dt', { text: title }),
    element('dd', { text: formatShare(hitRatioAt(curve, memory)) }),
  );
}

/**
 * @param {MissRatioCurve} curve
 * @param {number} budgetBytes
 * @param {number} widthPx
 */
function picture(curve, budgetBytes, widthPx) {
  const { points, lines } = curvePlot(curve);
  const width = widthPx - margin.left - margin.right;
  const height = heightPx - margin.top - margin.bottom;
  const xOf = (/** @type {number} */ x) => margin.left + x * width;
  const yOf = (/** @type {number} */ y) => margin.top + y * height;
  const path = points
    .map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${xOf(x).toFixed(1)} ${yOf(y).toFixed(1)}`)
    .join('');
  const area = `${path}L${xOf(points.at(-1)?.x ?? 1)} ${margin.top + height}L${xOf(0)} ${margin.top + height}Z`;
  const isNarrow = width < 420;
  return svgElement(
    'svg',
    { class: 'curve', width: widthPx, height: heightPx, role: 'img', 'aria-label': curveText(curve) },
    ...lines.flatMap(({ hitRatio, y }) => [
      svgElement('line', { class: 'curve-grid', x1: xOf(0), x2: xOf(1), y1: yOf(y), y2: yOf(y) }),
      svgElement(
        'text',
        { class: 'curve-label', x: margin.left - 8, y: yOf(y) + 4, 'text-anchor': 'end' },
        `${Math.round(hitRatio * 100)}%`,
      ),
    ]),
    svgElement('path', { class: 'curve-area', d: area }),
    svgElement('path', { class: 'curve-line', d: path }),
    ...points.flatMap(({ memory, hitRatio, x, y }) => {
      const isNow = memory === 1;
      const text = isNow ? 'now' : memoryLabel(memory);
      // On a phone, labels of neighbours would touch.
      const isLabelled = !isNarrow || Number.isInteger(Math.log2(memory));
      return [
        isNow &&
          svgElement('line', { class: 'curve-now', x1: xOf(x), x2: xOf(x), y1: margin.top, y2: margin.top + height }),
        svgElement(
          'circle',
          { class: isNow ? 'curve-point curve-point--now' : 'curve-point', cx: xOf(x), cy: yOf(y), r: isNow ? 5 : 3.5 },
          svgElement('title', {}, `${formatBytes(memory * budgetBytes)}: ${formatShare(hitRatio)}`),
        ),
        isLabelled &&
          svgElement(
            'text',
            {
              class: isNow ? 'curve-label curve-label--now' : 'curve-label',
              x: xOf(x),
              y: margin.top + height + 18,
              'text-anchor': 'middle',
            },
            text,
          ),
        isLabelled &&
          !isNarrow &&
          svgElement(
            'text',
            { class: 'curve-label', x: xOf(x), y: margin.top + height + 33, 'text-anchor': 'middle' },
            formatBytes(memory * budgetBytes),
          ),
      ];
    }),
  );
}

/** @param {MissRatioCurve} curve */
function curveText({ points }) {
  const parts = points.map(({ memory, hitRatio }) => `${memory} times the memory: ${formatShare(hitRatio)}`);
  return `Estimated hit ratio. ${parts.join(', ')}`;
}
