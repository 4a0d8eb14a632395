import { Counters } from '../../base/counters.ts';
import { monotonicMs } from '../../base/monotonic.ts';
import type { EventLoopDelay, NodeFacts } from '../facts.ts';
import type { NodeSample } from './feed.ts';
import { type Reading, sampleBetween } from './sample-between.ts';

/** Between two samples. */
export const SAMPLE_INTERVAL_MS = 1000;
/** Samples that are kept: five minutes, of 1 KiB and 200 bytes a shard each. */
const SAMPLES_KEPT = 300;

/** Takes a sample of the node every second, always, so that whoever opens a dashboard sees how it came to be as it is. */
export class NodeSampler {
  readonly #facts: NodeFacts;
  readonly #eventLoop: () => EventLoopDelay;
  readonly #timer: NodeJS.Timeout;
  readonly #listeners = new Set<(sample: NodeSample) => void>();
  readonly #kept: NodeSample[] = [];
  #before: Reading | null = null;
  /** The block that the reading before the last was in. */
  #spare: Counters | null = null;

  /** `eventLoop` tells the delays since it was asked last, and is asked by nobody else. */
  constructor(facts: NodeFacts, eventLoop: () => EventLoopDelay) {
    this.#facts = facts;
    this.#eventLoop = eventLoop;
    this.#timer = setInterval(() => this.look(), SAMPLE_INTERVAL_MS);
    this.#timer.unref();
  }

  /** The oldest first. */
  get samples(): readonly NodeSample[] {
    return this.#kept;
  }

  get last(): NodeSample | null {
    return this.#kept.at(-1) ?? null;
  }

  /** Has `listener` called with each sample from now on, until the function that is returned is called. */
  onSample(listener: (sample: NodeSample) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes a sample; called by the timer. */
  look(): void {
    const after = this.#read();
    const before = this.#before;
    this.#before = after;
    if (before === null) return;
    const sample = sampleBetween(before, after);
    this.#spare = before.counters;
    if (this.#kept.length === SAMPLES_KEPT) this.#kept.shift();
    this.#kept.push(sample);
    for (const listener of this.#listeners) listener(sample);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #read(): Reading {
    const facts = this.#facts;
    const counted = facts.counters();
    const counters = this.#spare ?? Counters.create(counted.shape);
    this.#spare = null;
    counters.copyFrom(counted);
    const { user, system } = process.cpuUsage();
    return {
      atMs: facts.nowMs(),
      monotonicMs: monotonicMs(),
      counters,
      commandNames: facts.commandNames,
      protocols: facts.protocols(),
      shards: facts.shards(),
      eventLoop: this.#eventLoop(),
      processorMs: (user + system) / 1000,
      persistence: facts.persistence(),
      diskTroubles: facts.diskTroubles(),
    };
  }
}
