import type { Clock } from '../../base/ports.ts';
import { moduleBeside } from '../../base/spawn-thread.ts';
import type { Job, JobPool } from '../../jobs/job-pool.ts';
import type { StoreMemory } from '../../store/arena.ts';
import { readStatistics } from '../../store/statistics.ts';
import type { KeyspaceNews } from '../dashboard/feed.ts';
import type { KeyspaceSource } from '../dashboard/sources.ts';
import type { AnalysisInput, AnalysisOutput, AnalysisState } from './analyse-keyspace.ts';
import type { MetricsPrefix, SurveySettings } from './keyspace-survey.ts';

/** From the end of an analysis to the next while somebody looks. */
const WATCHED_INTERVAL_MS = 10_000;
/** Keys that are looked at in one analysis. */
const KEYS_WANTED = 200_000;
/** It takes seconds; only a thread that hangs takes so long. */
const TIMEOUT_MS = 120_000;

export interface KeyspaceWatchOptions {
  readonly jobs: Pick<JobPool, 'run'>;
  /** By shard. */
  readonly memories: readonly StoreMemory[];
  /** The slot of jobs in all of them. */
  readonly reader: number;
  /** From the end of an analysis to the next; 0: none but while somebody looks. */
  readonly intervalMs: number;
  /** While somebody looks; default: 10 s. */
  readonly watchedIntervalMs?: number;
  readonly keysWanted?: number;
  readonly settings: SurveySettings;
  readonly clock: Clock;
}

/**
 * Has the keys of this node analysed now and then, one analysis at a time. The first comes after one interval, or as soon as
 * somebody looks.
 */
export class KeyspaceWatch implements KeyspaceSource {
  readonly #options: KeyspaceWatchOptions;
  readonly #job: Job = {
    name: 'keyspace analysis',
    entry: moduleBeside('./keyspace-job', import.meta.url),
    timeoutMs: TIMEOUT_MS,
  };
  #news: KeyspaceNews | null = null;
  #metricsPrefixes: readonly MetricsPrefix[] = [];
  #state: AnalysisState = { cursors: [], largest: [] };
  #watchers = 0;
  /** When the last analysis ended; while there was none, when this began. */
  #endedMs = performance.now();
  #hasBegun = false;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(options: KeyspaceWatchOptions) {
    this.#options = options;
    this.#schedule();
  }

  news(): KeyspaceNews | null {
    return this.#news;
  }

  metricsPrefixes(): readonly MetricsPrefix[] {
    return this.#metricsPrefixes;
  }

  watch(): () => void {
    this.#watchers++;
    this.#schedule();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#watchers--;
      this.#schedule();
    };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#schedule();
    await this.#running;
  }

  /** Sets the timer anew for what is wanted now. */
  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isStopped || this.#running !== null) return;
    const { intervalMs, watchedIntervalMs = WATCHED_INTERVAL_MS } = this.#options;
    const isWatched = this.#watchers > 0;
    if (!isWatched && intervalMs === 0) return;
    const waitMs = isWatched ? Math.min(watchedIntervalMs, intervalMs || watchedIntervalMs) : intervalMs;
    const dueMs = isWatched && !this.#hasBegun ? 0 : this.#endedMs + waitMs - performance.now();
    this.#timer = setTimeout(() => this.#begin(), Math.max(0, dueMs));
    this.#timer.unref();
  }

  #begin(): void {
    this.#timer = null;
    this.#hasBegun = true;
    this.#running = this.#analyse().then(() => {
      this.#running = null;
      this.#endedMs = performance.now();
      this.#schedule();
    });
  }

  async #analyse(): Promise<void> {
    const { jobs, memories, reader, settings, clock, keysWanted = KEYS_WANTED } = this.#options;
    if (memories.every((memory) => readStatistics(memory).keys === 0)) {
      this.#tellEmpty(clock.nowMs());
      return;
    }
    const input: AnalysisInput = { memories, reader, settings, keysWanted, state: this.#state };
    const result = await jobs.run<AnalysisOutput>(this.#job, input);
    if (result.kind !== 'done') return;
    const { news, metricsPrefixes, state } = result.output;
    this.#news = news;
    this.#metricsPrefixes = metricsPrefixes;
    this.#state = state;
  }

  /** No thread is started to find out that there is nothing. */
  #tellEmpty(atMs: number): void {
    this.#news = { atMs, tookMs: 0, sampledKeys: 0, keys: 0, prefixes: [], largest: [], types: {} };
    this.#metricsPrefixes = this.#options.settings.metricsPrefixes.map((prefix) => ({ prefix, keys: 0, bytes: 0 }));
    this.#state = { cursors: [], largest: [] };
  }
}
