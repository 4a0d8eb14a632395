import type { RecordableHistogram } from 'node:perf_hooks';
import type { KeyOrder } from './bench-options.ts';
import type { Target } from './target.ts';

type BenchProtocol = 'resp' | 'msgpack' | 'http';

/** What one thread of a run is to do. Goes to a worker thread as it is. */
export interface BenchPlan {
  readonly target: Target;
  readonly protocol: BenchProtocol;
  readonly connections: number;
  readonly depth: number;
  /** Requests of this thread; infinite when the duration ends the run. */
  readonly requests: number;
  readonly durationMs: number;
  readonly valueBytes: number;
  readonly keys: number;
  /** What stands before the twelve digits of a key. By default it names the size of the values. */
  readonly keyPrefix?: string;
  readonly order: KeyOrder;
  /** Where this thread begins, and ends, when keys are taken in order. */
  readonly firstKey: number;
  /** Share of reads, from 0 to 1. */
  readonly readShare: number;
  readonly ttlSeconds: number;
  /** Requests a second of this thread; 0: as fast as answers come. */
  readonly rate: number;
  readonly seed: number;
}

/** What one thread did. */
export interface BenchResult {
  /** On the clock of the machine, in milliseconds. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly reads: number;
  readonly hits: number;
  readonly writes: number;
  readonly errors: number;
  /** Answers that are no errors and not what must come, either. */
  readonly wrong: number;
  /** The first error, or what was wrong first; empty when nothing was. */
  readonly firstFault: string;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Of nanoseconds. */
  readonly readTimes: RecordableHistogram;
  readonly writeTimes: RecordableHistogram;
  readonly lateTimes: RecordableHistogram;
}

/** What a worker thread tells. */
export type BenchMessage =
  | { readonly kind: 'progress'; readonly requests: number }
  | { readonly kind: 'result'; readonly result: BenchResult }
  | { readonly kind: 'failure'; readonly message: string };
