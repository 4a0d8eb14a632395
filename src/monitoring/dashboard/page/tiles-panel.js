/** @import { NodeSample } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
import { hitRatio } from './charts-panel.js';
import { element, setText } from './element.js';
import { formatBytes, formatDuration, formatNumber, formatShare, formatWhole } from './format.js';
import { painter } from './painter.js';
import { createSparkline } from './sparkline.js';

/** Samples in a tile's small line: a minute. */
const SPARK_SAMPLES = 60;
/** Longer than this, the main thread keeps clients waiting. */
const LOOP_WARN_MS = 100;

/**
 * @typedef {object} TileOptions
 * @property {string} name
 * @property {string} title
 * @property {(sample: NodeSample) => number | null} value
 * @property {(value: number | null) => string} format
 * @property {(sample: NodeSample, minute: readonly NodeSample[]) => string} detail
 * @property {(sample: NodeSample) => boolean} [isWarning]
 */

/** @type {readonly TileOptions[]} */
const TILES = [
  {
    name: 'requests',
    title: 'Requests a second',
    value: commands,
    format: formatNumber,
    detail: (_sample, minute) => `peak ${formatNumber(Math.max(...minute.map(commands)))}`,
  },
  {
    name: 'latency',
    title: 'Latency p99',
    value: ({ latency }) => latency?.p99Ms ?? null,
    format: formatDuration,
    detail: ({ latency }) => `p50 ${formatDuration(latency?.p50Ms)}`,
  },
  {
    name: 'hits',
    title: 'Hit ratio',
    value: hitRatio,
    format: formatShare,
    detail: ({ hits, misses }) => `${formatNumber(hits + misses)} lookups/s`,
  },
  {
    name: 'memory',
    title: 'Memory',
    value: ({ memory }) => memory.budget - memory.free,
    format: formatBytes,
    detail: ({ memory }) => `${formatShare(1 - memory.free / memory.budget)} of ${formatBytes(memory.budget)}`,
  },
  {
    name: 'keys',
    title: 'Keys',
    value: ({ keys }) => keys,
    format: formatNumber,
    detail: ({ expiringKeys }) => `${formatNumber(expiringKeys)} expire`,
  },
  {
    name: 'connections',
    title: 'Connections',
    value: ({ connections }) => Object.values(connections).reduce((sum, count) => sum + count, 0),
    format: formatWhole,
    detail: ({ connections }) => (connections.http === undefined ? 'without those of HTTP' : '\u00a0'),
  },
  {
    name: 'event-loop',
    title: 'Event-loop delay p99',
    value: ({ eventLoop }) => eventLoop.p99Ms,
    format: formatDuration,
    detail: ({ processors }) => `${processors.toFixed(2)} processors`,
    isWarning: ({ eventLoop }) => eventLoop.p99Ms > LOOP_WARN_MS,
  },
  {
    name: 'errors',
    title: 'Errors a second',
    value: ({ errors }) => errors,
    format: formatNumber,
    detail: (_sample, minute) =>
      `${formatNumber(Math.round(minute.reduce((sum, { errors, spanMs }) => sum + (errors * spanMs) / 1000, 0)))} in a minute`,
    isWarning: ({ errors }) => errors > 0,
  },
];

/**
 * The figures that say how the node is, each with its last minute.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createTilesPanel(root, { samples }) {
  const tiles = TILES.map(createTile);
  const frame = element('section', { class: 'tiles', 'aria-label': 'Now' }, ...tiles.map((tile) => tile.root));
  root.append(frame);
  const repaint = painter(frame, () => {
    const minute = samples.all.slice(-SPARK_SAMPLES);
    const latest = minute.at(-1);
    if (latest !== undefined) for (const { paint } of tiles) paint(latest, minute);
  });
  samples.onChange(repaint);
  repaint();
}

/** @param {TileOptions} options */
function createTile({ name, title, value, format, detail, isWarning }) {
  const figure = element('span', { class: 'tile-value', text: format(null) });
  const small = element('span', { class: 'tile-detail', text: '\u00a0' });
  const spark = createSparkline();
  const root = element(
    'div',
    { class: 'tile', 'data-tile': name },
    element('span', { class: 'tile-title', text: title }),
    figure,
    small,
    spark.root,
  );
  /**
   * @param {NodeSample} latest
   * @param {readonly NodeSample[]} minute
   */
  const paint = (latest, minute) => {
    setText(figure, format(value(latest)));
    setText(small, detail(latest, minute));
    root.classList.toggle('tile--warn', isWarning?.(latest) ?? false);
    spark.set(minute.map(value), SPARK_SAMPLES);
  };
  return { root, paint };
}

/** @param {NodeSample} sample */
function commands({ byProtocol }) {
  return Object.values(byProtocol).reduce((sum, rate) => sum + rate, 0);
}
