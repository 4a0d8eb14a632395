import { collectDefaultMetrics, Registry } from 'prom-client';
import { DURATION_BUCKETS, durationBoundsS, FrontEnd, frontEndNames } from '../base/counters.ts';
import type { NodeFacts } from './facts.ts';
import type { MetricRow } from './metric-row.ts';
import { durationMetric, metricTable } from './metric-table.ts';
import { labelsText, MetricsText } from './metrics-text.ts';

const PREFIX = 'fluxcache_';

/**
 * The page of `/metrics`, in the text format of Prometheus. Everything is read when the page is asked for, and each fact
 * once for a page: it is made on the thread that serves.
 */
export class Metrics {
  readonly contentType: string;
  readonly #facts: NodeFacts;
  readonly #rows: readonly MetricRow[];
  /** What prom-client knows of the process. */
  readonly #process = new Registry();

  constructor(facts: NodeFacts) {
    this.#facts = facts;
    const isOfCluster = facts.cluster() !== null;
    const keepsKeys = facts.persistence() !== null;
    this.#rows = metricTable.filter(
      (row) => (isOfCluster || row.isOfCluster !== true) && (keepsKeys || row.isOfPersistence !== true),
    );
    // The usual names of Node.js processes (process_…, nodejs_…), which common dashboards know.
    collectDefaultMetrics({ register: this.#process });
    // Ours say the same, and are numbers also when nothing was measured.
    for (const { name } of this.#process.getMetricsAsArray()) {
      if (name.startsWith('nodejs_eventloop_lag')) this.#process.removeSingleMetric(name);
    }
    this.contentType = this.#process.contentType;
  }

  async text(): Promise<string> {
    const facts = factsOfOnePage(this.#facts);
    const page = new MetricsText();
    for (const { name, type, help, read } of this.#rows) {
      page.family(PREFIX + name, type, help);
      read(facts, (labels, value) => page.sample(labels, value));
    }
    addDurations(facts, page);
    return `${page}${await this.#process.metrics()}`;
  }
}

/** The facts as they are now: what takes a while to find out is found out once, when it is first asked for. */
function factsOfOnePage(facts: NodeFacts): NodeFacts {
  return {
    ...facts,
    counters: once(facts.counters),
    shards: once(facts.shards),
    cluster: once(facts.cluster),
    eventLoopDelay: once(facts.eventLoopDelay),
  };
}

function once<Fact>(read: () => Fact): () => Fact {
  let found: { readonly fact: Fact } | null = null;
  return () => {
    found ??= { fact: read() };
    return found.fact;
  };
}

const bounds = [...durationBoundsS.map(String), '+Inf'];

/** The histogram whose buckets are counted in shared memory. Commands that were never run have no series. */
function addDurations(facts: NodeFacts, page: MetricsText): void {
  const counters = facts.counters();
  page.family(PREFIX + durationMetric.name, 'histogram', durationMetric.help);
  for (const [row, cmd] of facts.commandNames.entries()) {
    for (const protocol of frontEndNames) {
      if (counters.commandCount(row, FrontEnd[protocol]) === 0) continue;
      const buckets = counters.durationBuckets(row, FrontEnd[protocol]);
      const labels = labelsText({ cmd, protocol });
      let count = 0;
      for (let i = 0; i < DURATION_BUCKETS; i++) {
        count += buckets[i] as number;
        page.line('_bucket', `le="${bounds[i] as string}",${labels}`, count);
      }
      page.line('_sum', labels, counters.durationSumMs(row, FrontEnd[protocol]) / 1000);
      page.line('_count', labels, count);
    }
  }
}
