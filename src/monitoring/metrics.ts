import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { DURATION_BUCKETS, durationBoundsS, FrontEnd, frontEndNames } from '../base/counters.ts';
import type { NodeFacts } from './facts.ts';
import type { MetricRow } from './metric-row.ts';
import { durationMetric, metricTable } from './metric-table.ts';

const PREFIX = 'fluxcache_';

/** The page of `/metrics`, in the text format of Prometheus. Everything is read when the page is asked for. */
export class Metrics {
  readonly contentType: string;
  readonly #registry = new Registry();

  constructor(facts: NodeFacts) {
    const isOfCluster = facts.cluster() !== null;
    for (const row of metricTable) {
      if (isOfCluster || row.isOfCluster !== true) register(this.#registry, row, facts);
    }
    this.#registry.registerMetric(new SharedHistogram(facts));
    // The usual names of Node.js processes (process_…, nodejs_…), which common dashboards know.
    collectDefaultMetrics({ register: this.#registry });
    // Ours say the same, and are numbers also when nothing was measured.
    for (const { name } of this.#registry.getMetricsAsArray()) {
      if (name.startsWith('nodejs_eventloop_lag')) this.#registry.removeSingleMetric(name);
    }
    this.contentType = this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function register(registry: Registry, row: MetricRow, facts: NodeFacts): void {
  const name = PREFIX + row.name;
  const shape = { name, help: row.help, labelNames: [...row.labels], registers: [registry] };
  if (row.type === 'counter') {
    new Counter({
      ...shape,
      collect() {
        this.reset();
        row.read(facts, (labels, value) => this.inc(labels, value));
      },
    });
  } else {
    new Gauge({
      ...shape,
      collect() {
        this.reset();
        row.read(facts, (labels, value) => this.set(labels, value));
      },
    });
  }
}

type Sample = Awaited<ReturnType<Histogram['get']>>['values'][number];

/** A histogram whose buckets are counted in shared memory. Commands that were never run have no series. */
class SharedHistogram extends Histogram {
  readonly #facts: NodeFacts;
  /** Of the same name and help, and without values: nothing is ever observed by it. */
  readonly #empty: Histogram;

  constructor(facts: NodeFacts) {
    const { name, help, labels } = durationMetric;
    const shape = { name: PREFIX + name, help, labelNames: [...labels], buckets: [...durationBoundsS], registers: [] };
    super(shape);
    this.#facts = facts;
    this.#empty = new Histogram(shape);
  }

  override async get(): ReturnType<Histogram['get']> {
    const values = [...this.#samples()];
    return { ...(await this.#empty.get()), values };
  }

  /** Printing goes by this where it exists; see Registry.getMetricsAsString of prom-client. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get();
  }

  *#samples(): Generator<Sample> {
    const counters = this.#facts.counters();
    const name = PREFIX + durationMetric.name;
    for (const [row, cmd] of this.#facts.commandNames.entries()) {
      for (const protocol of frontEndNames) {
        const buckets = counters.durationBuckets(row, FrontEnd[protocol]);
        let count = 0;
        for (let i = 0; i < DURATION_BUCKETS; i++) {
          count += buckets[i] as number;
          buckets[i] = count;
        }
        if (count === 0) continue;
        for (let i = 0; i < DURATION_BUCKETS; i++) {
          const le = i < durationBoundsS.length ? (durationBoundsS[i] as number) : '+Inf';
          yield { metricName: `${name}_bucket`, labels: { le, cmd, protocol }, value: buckets[i] as number };
        }
        const sumS = counters.durationSumMs(row, FrontEnd[protocol]) / 1000;
        yield { metricName: `${name}_sum`, labels: { cmd, protocol }, value: sumS };
        yield { metricName: `${name}_count`, labels: { cmd, protocol }, value: count };
      }
    }
  }
}
