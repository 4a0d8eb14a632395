/** @import { NodeSample } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
/** @import { Rows, SampleWindow } from './sample-window.js' */
/** @import { Column } from './stack.js' */
import { powersAround, roundTop, sharesAbove } from './axis-range.js';
import { createCard } from './card.js';
import { ChartLegend } from './chart-legend.js';
import { element, setText } from './element.js';
import { formatTime } from './format.js';
import { painter } from './painter.js';
import { stack } from './stack.js';
import uPlot from './uPlot.esm.js';

/**
 * @typedef {object} ChartSeries
 * @property {string} label
 * @property {string} color name of a colour of theme.css
 * @property {(sample: NodeSample) => number | null} value
 * @property {boolean} [isLimit] a dashed line, the last of the series: no part of the stack, and not in the legend
 */

/**
 * @typedef {object} ChartOptions
 * @property {string} name for tests: `data-card`
 * @property {string} title
 * @property {string} [unit] behind the title
 * @property {(value: number | null) => string} format
 * @property {'stack' | 'lines'} kind
 * @property {'linear' | 'count' | 'bytes' | 'log' | 'share'} scale
 * @property {(rows: Rows) => readonly ChartSeries[]} series asked at each painting; a chart is made anew when labels change
 * @property {number} [legendLines] room kept for its legend
 */

const AXIS_WIDTH = 56;
const TIME_AXIS_HEIGHT = 26;
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
/** @type {Partial<Record<ChartOptions['scale'], number[]>>} */
const STEPS = {
  bytes: Array.from({ length: 51 }, (_, power) => 2 ** power),
  count: Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat(),
};

/** A chart of the node's samples: its card, legend and canvas. All of them share the time axis and the cursor. */
export class TimeChart {
  /** Of the card, for more tools. */
  tools;
  /** Asks for it to be painted. */
  repaint;
  /** @type {ChartOptions} */
  #options;
  /** @type {PanelContext} */
  #context;
  /** @type {SampleWindow} */
  #window;
  #legend = new ChartLegend();
  #plot = element('div', { class: 'plot' });
  /** @type {HTMLElement} */
  #note;
  /** @type {uPlot | null} */
  #chart = null;
  /** @type {readonly ChartSeries[]} */
  #series = [];
  /** Labels of what the user hid. @type {Set<string>} */
  #hidden = new Set();
  /** @type {Rows | null} */
  #rows = null;
  /** Values as they are, not stacked. @type {readonly Column[]} */
  #columns = [];

  /**
   * @param {HTMLElement} root
   * @param {PanelContext} context
   * @param {SampleWindow} window
   * @param {ChartOptions} options
   */
  constructor(root, context, window, options) {
    this.#options = options;
    this.#context = context;
    this.#window = window;
    const { title, unit = '', name, legendLines = 1 } = options;
    const { card, note, tools, body } = createCard(root, { title, note: unit, span: 4, name });
    this.#note = note;
    this.tools = tools;
    card.classList.add('card--chart');
    this.#legend.root.style.setProperty('--lines', String(legendLines));
    this.#plot.setAttribute('role', 'img');
    this.#plot.setAttribute('aria-label', `${title} over time`);
    body.append(this.#plot, this.#legend.root);
    this.repaint = painter(card, () => this.#paint());
    new ResizeObserver(() => this.#fit()).observe(this.#plot);
    context.theme.onChange(() => this.#chart?.redraw(false));
  }

  /** Paints even when no sample is new: what series show is another. */
  renew() {
    this.#rows = null;
    this.repaint();
  }

  #paint() {
    const rows = this.#window.rows;
    if (rows === this.#rows) return;
    this.#rows = rows;
    const series = this.#options.series(rows);
    const isSame =
      series.length === this.#series.length && series.every(({ label }, at) => label === this.#series[at]?.label);
    this.#series = series;
    this.#columns = series.map(({ value }) => rows.samples.map((sample) => (sample === null ? null : value(sample))));
    if (this.#chart === null || !isSame) this.#build();
    else this.#chart.setData(this.#data());
    this.#tell();
  }

  #build() {
    this.#chart?.destroy();
    const named = this.#series.filter(({ isLimit = false }) => !isLimit);
    this.#legend.build(named, {
      toggle: (index) => this.#toggle(index),
      focus: (index) => this.#chart?.setSeries(index === null ? null : index + 1, { focus: true }),
      isShown: (index) => this.#isShown(index),
    });
    this.#chart = new uPlot(this.#plotOptions(), this.#data(), this.#plot);
  }

  /** @returns {uPlot.AlignedData} */
  #data() {
    const { times = [] } = this.#rows ?? {};
    if (this.#options.kind === 'lines') return [[...times], ...this.#columns];
    const stacked = stack(this.#columns, (index) => this.#isShown(index) && this.#series[index]?.isLimit !== true);
    return [
      [...times],
      ...stacked.map((column, index) =>
        this.#series[index]?.isLimit === true ? (this.#columns[index] ?? []) : column,
      ),
    ];
  }

  /** @param {number} index */
  #isShown(index) {
    return !this.#hidden.has(this.#series[index]?.label ?? '');
  }

  /** @param {number} index */
  #toggle(index) {
    const label = this.#series[index]?.label ?? '';
    const isShown = this.#hidden.delete(label);
    if (!isShown) this.#hidden.add(label);
    this.#chart?.setSeries(index + 1, { show: isShown });
    this.#chart?.setData(this.#data());
    return isShown;
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#plot;
    if (this.#chart === null || width === 0) return;
    if (this.#chart.width !== width || this.#chart.height !== height) this.#chart.setSize({ width, height });
  }

  /** Says the values under the cursor, or the latest. */
  #tell() {
    const index = this.#chart?.cursor.idx;
    const isPointed = index !== null && index !== undefined && (this.#chart?.cursor.left ?? -1) >= 0;
    const { times = [] } = this.#rows ?? {};
    const row = isPointed ? index : times.length - 1;
    this.#legend.set(this.#columns.map((column) => this.#options.format(column[row] ?? null)));
    const at = times[row];
    setText(this.#note, isPointed && at !== undefined ? formatTime(at * 1000) : (this.#options.unit ?? ''));
  }

  /** @returns {uPlot.Options} */
  #plotOptions() {
    const { theme, time } = this.#context;
    const { kind, scale, format } = this.#options;
    const font = `11px ${getComputedStyle(document.documentElement).fontFamily}`;
    /** @type {uPlot.Axis.Grid} */
    const grid = { stroke: () => theme.color('grid'), width: 1 };
    const steps = STEPS[scale];
    /** @type {uPlot.Axis} */
    const axis = { stroke: () => theme.color('axis'), font, grid, ticks: { show: false } };
    return {
      width: this.#plot.clientWidth,
      height: this.#plot.clientHeight,
      padding: [8, 6, 0, 0],
      legend: { show: false },
      focus: { alpha: 0.2 },
      cursor: {
        y: false,
        points: { size: 7 },
        drag: { x: true, y: false, setScale: false },
        bind: {
          dblclick: () => () => {
            time.resume();
            return null;
          },
        },
        sync: { key: 'time', filters: { pub: isPointing, sub: isPointing } },
      },
      scales: {
        x: { time: true, range: () => [(this.#rows?.fromMs ?? 0) / 1000, (this.#rows?.untilMs ?? 1) / 1000] },
        y:
          scale === 'log'
            ? { distr: 3, log: 10, range: (_chart, min, max) => powersAround(min, max) }
            : { range: (_chart, min, max) => rangeOf(scale, min, max) },
      },
      axes: [
        {
          ...axis,
          size: TIME_AXIS_HEIGHT,
          gap: 4,
          // Seconds are told of short times alone.
          space: (_chart, _axis, min, max) => (max - min > 150 ? 44 : 64),
          incrs: TIME_STEPS,
          values: (_chart, splits, _axis, _space, step) =>
            splits.map((at) => (step < 60 ? formatTime(at * 1000) : formatTime(at * 1000).slice(0, -3))),
        },
        {
          ...axis,
          size: AXIS_WIDTH,
          gap: 6,
          space: scale === 'log' ? 22 : 34,
          ...(steps === undefined ? {} : { incrs: steps }),
          ...(scale === 'log' ? { grid: { ...grid, filter: powersOnly }, filter: powersOnly } : {}),
          values: (_chart, splits) =>
            splits.map((value) => (value === null ? '' : scale === 'share' ? sharePlain(value) : format(value))),
        },
      ],
      series: [{}, ...this.#series.map((series, index) => this.#seriesOptions(series, index))],
      bands:
        kind === 'stack'
          ? this.#series.flatMap(({ isLimit = false }, index) =>
              index === 0 || isLimit ? [] : [{ series: /** @type {[number, number]} */ ([index + 1, index]) }],
            )
          : [],
      hooks: {
        setCursor: [() => this.#tell()],
        setSelect: [
          (chart) => {
            if (chart.select.width < 4) return;
            const from = chart.posToVal(chart.select.left, 'x') * 1000;
            const until = chart.posToVal(chart.select.left + chart.select.width, 'x') * 1000;
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            time.zoom(from, until);
          },
        ],
      },
    };
  }

  /**
   * @param {ChartSeries} series
   * @param {number} index
   * @returns {uPlot.Series}
   */
  #seriesOptions({ label, color, isLimit = false }, index) {
    const { theme } = this.#context;
    const isArea = this.#options.kind === 'stack' && !isLimit;
    const isAlone = this.#series.length === 1;
    return {
      label,
      show: this.#isShown(index),
      points: { show: false },
      // Areas have no line: that of one without height would be the edge of the one below.
      ...(isArea
        ? { width: 0, fill: () => theme.color(color, 0.72) }
        : { width: 1.5, stroke: () => theme.color(color) }),
      ...(isAlone && !isArea ? { fill: () => theme.color(color, 0.1) } : {}),
      ...(isLimit ? { dash: [4, 4] } : {}),
    };
  }
}

/**
 * Lines of a logarithmic axis at powers of ten alone.
 *
 * @param {uPlot} _chart
 * @param {number[]} splits
 */
function powersOnly(_chart, splits) {
  return splits.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-6 ? value : null));
}

/**
 * @param {'linear' | 'count' | 'bytes' | 'share'} scale
 * @param {number | null} min
 * @param {number | null} max
 * @returns {[number, number]}
 */
function rangeOf(scale, min, max) {
  if (scale === 'share') return sharesAbove(min ?? 0);
  if (scale === 'count') return [0, Math.max(3, roundTop(max ?? 0))];
  return [0, roundTop(max ?? 0, scale === 'bytes' ? 1024 : 1000)];
}

/** @param {number} share without digits that say nothing */
function sharePlain(share) {
  return `${Number((share * 100).toFixed(2))}%`;
}

/** @param {string} type charts tell each other where the pointer is, and nothing else */
function isPointing(type) {
  return type === 'mousemove' || type === 'mouseleave';
}
