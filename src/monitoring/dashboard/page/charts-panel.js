/** @import { Latency, NodeSample, Protocol } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
/** @import { Rows } from './sample-window.js' */
/** @import { ChartOptions, ChartSeries } from './time-chart.js' */
import { busiestCommands, otherCommands } from './busiest.js';
import { element } from './element.js';
import { formatBytes, formatDuration, formatNumber, formatShare } from './format.js';
import { SampleWindow } from './sample-window.js';
import { TimeChart } from './time-chart.js';

const COMMANDS_SHOWN = 7;

/** @type {readonly {name: Protocol, label: string, color: string}[]} */
const PROTOCOLS = [
  { name: 'http', label: 'HTTP', color: 'series-1' },
  { name: 'resp', label: 'RESP', color: 'series-2' },
  { name: 'msgpack', label: 'MessagePack', color: 'series-4' },
  { name: 'internal', label: 'internal', color: 'series-10' },
];

/** @type {readonly {name: 'entries' | 'index' | 'expiry' | 'dead' | 'retired' | 'control', color: string}[]} */
const MEMORY_KINDS = [
  { name: 'entries', color: 'series-1' },
  { name: 'index', color: 'series-2' },
  { name: 'expiry', color: 'series-6' },
  { name: 'dead', color: 'series-3' },
  { name: 'retired', color: 'series-8' },
  { name: 'control', color: 'series-10' },
];

/**
 * The charts of what the node did over time.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createChartsPanel(root, context) {
  const { samples, time } = context;
  const window = new SampleWindow(samples, time);
  /** @type {Protocol | null} */
  let latencyOf = null;
  const charts = [...options(() => latencyOf)].map((each) => new TimeChart(root, context, window, each));
  const latency = charts[2];
  latency?.tools.append(
    protocolChoice((protocol) => {
      latencyOf = protocol;
      latency.renew();
    }),
  );
  const repaint = () => {
    for (const chart of charts) chart.repaint();
  };
  samples.onChange(repaint);
  time.onChange(repaint);
  repaint();
}

/**
 * @param {() => Protocol | null} latencyOf
 * @returns {Iterable<ChartOptions>}
 */
function* options(latencyOf) {
  yield { ...rates('commands', 'Requests by command', busiestSeries()), legendLines: 2 };
  yield rates(
    'protocols',
    'Requests by protocol',
    protocolSeries(({ byProtocol }) => byProtocol),
  );
  yield {
    name: 'latency',
    title: 'Latency',
    format: formatDuration,
    kind: 'lines',
    scale: 'log',
    series: fixed([
      line('p50', 'series-2', (sample) => latencyIn(sample, latencyOf())?.p50Ms),
      line('p99', 'series-3', (sample) => latencyIn(sample, latencyOf())?.p99Ms),
      line('p99.9', 'series-5', (sample) => latencyIn(sample, latencyOf())?.p999Ms),
    ]),
  };
  yield {
    name: 'hits',
    title: 'Hit ratio',
    format: formatShare,
    kind: 'lines',
    scale: 'share',
    series: fixed([line('hit ratio', 'series-1', hitRatio)]),
  };
  yield {
    name: 'memory',
    title: 'Memory',
    unit: 'by use; dashed: the budget',
    format: formatBytes,
    kind: 'stack',
    scale: 'bytes',
    legendLines: 2,
    series: fixed([
      ...MEMORY_KINDS.map(({ name, color }) => line(name, color, ({ memory }) => memory[name])),
      { ...line('budget', 'muted', ({ memory }) => memory.budget), isLimit: true },
    ]),
  };
  yield {
    ...rates('evictions', 'Evictions and expiries', [
      line('evicted', 'series-5', ({ evicted }) => evicted),
      line('expired', 'series-3', ({ expired }) => expired),
    ]),
    unit: 'keys a second',
    scale: 'count',
    kind: 'lines',
  };
  yield {
    ...rates(
      'connections',
      'Connections',
      protocolSeries(({ connections }) => connections),
    ),
    unit: 'open now, without those of HTTP',
    scale: 'count',
  };
  yield {
    name: 'event-loop',
    title: 'Event-loop delay',
    format: formatDuration,
    kind: 'lines',
    scale: 'linear',
    series: fixed([
      line('p50', 'series-2', ({ eventLoop }) => eventLoop.p50Ms),
      line('p99', 'series-3', ({ eventLoop }) => eventLoop.p99Ms),
      line('longest', 'series-5', ({ eventLoop }) => eventLoop.maxMs),
    ]),
  };
  yield {
    ...rates('mailboxes', 'Mailbox depth', [
      line('all shards', 'series-1', ({ shards }) => shards.reduce((sum, { mailboxDepth }) => sum + mailboxDepth, 0)),
      line('deepest', 'series-4', ({ shards }) =>
        shards.reduce((most, shard) => Math.max(most, shard.mailboxDepth), 0),
      ),
    ]),
    unit: 'commands not yet answered',
    kind: 'lines',
    scale: 'count',
  };
  yield {
    name: 'network',
    title: 'Network',
    unit: 'a second',
    format: formatBytes,
    kind: 'lines',
    scale: 'bytes',
    series: fixed([
      line('received', 'series-1', ({ receivedBytes }) => receivedBytes),
      line('sent', 'series-2', ({ sentBytes }) => sentBytes),
    ]),
  };
  yield {
    ...rates('errors', 'Errors', [line('errors', 'series-5', ({ errors }) => errors)]),
    kind: 'lines',
    scale: 'count',
  };
  yield {
    ...rates('processors', 'Processors', [line('in use', 'series-4', ({ processors }) => processors)]),
    unit: 'in use by the whole process',
    kind: 'lines',
  };
}

/**
 * A chart of rates, stacked.
 *
 * @param {string} name
 * @param {string} title
 * @param {readonly ChartSeries[] | ((rows: Rows) => readonly ChartSeries[])} series
 * @returns {ChartOptions}
 */
function rates(name, title, series) {
  return {
    name,
    title,
    unit: 'a second',
    format: formatNumber,
    kind: 'stack',
    scale: 'linear',
    series: typeof series === 'function' ? series : fixed(series),
  };
}

/** @param {readonly ChartSeries[]} series */
function fixed(series) {
  return () => series;
}

/**
 * @param {string} label
 * @param {string} color
 * @param {(sample: NodeSample) => number | null | undefined} value
 * @returns {ChartSeries}
 */
function line(label, color, value) {
  return { label, color, value: (sample) => value(sample) ?? null };
}

/** The busiest commands, and all others. */
function busiestSeries() {
  /** @type {string[]} */
  let shown = [];
  /** @param {Rows} rows */
  return ({ samples }) => {
    shown = busiestCommands(samples, shown, COMMANDS_SHOWN);
    const isShown = new Set(shown);
    const hasOthers = samples.some((sample) => sample !== null && otherCommands(sample, isShown) > 0);
    const series = shown.map((name, at) => line(name, `series-${at + 1}`, ({ byCommand }) => byCommand[name] ?? 0));
    if (hasOthers || series.length === 0) {
      series.push(line('other', 'series-10', (sample) => otherCommands(sample, isShown)));
    }
    return series;
  };
}

/**
 * The protocols that were used.
 *
 * @param {(sample: NodeSample) => Partial<Record<Protocol, number>>} values
 */
function protocolSeries(values) {
  /** @type {Set<Protocol>} */
  const seen = new Set();
  /** @param {Rows} rows */
  return ({ samples }) => {
    for (const { name } of PROTOCOLS) {
      if (!seen.has(name) && samples.some((sample) => sample !== null && values(sample)[name] !== undefined))
        seen.add(name);
    }
    if (seen.size === 0) return [line('HTTP', 'series-1', () => 0)];
    return PROTOCOLS.filter(({ name }) => seen.has(name)).map(({ name, label, color }) =>
      line(label, color, (sample) => values(sample)[name] ?? 0),
    );
  };
}

/**
 * @param {NodeSample} sample
 * @param {Protocol | null} protocol null: all
 * @returns {Latency | null | undefined}
 */
function latencyIn(sample, protocol) {
  return protocol === null ? sample.latency : sample.latencyByProtocol[protocol];
}

/** @param {NodeSample} sample */
export function hitRatio({ hits, misses }) {
  return hits + misses > 0 ? hits / (hits + misses) : null;
}

/** @param {(protocol: Protocol | null) => void} choose */
function protocolChoice(choose) {
  const select = element(
    'select',
    {
      class: 'select select--small',
      'aria-label': 'Latency of which protocol',
      on: { change: () => choose(PROTOCOLS.find(({ name }) => name === select.value)?.name ?? null) },
    },
    element('option', { value: '', text: 'All protocols' }),
    ...PROTOCOLS.map(({ name, label }) => element('option', { value: name, text: label })),
  );
  return select;
}
