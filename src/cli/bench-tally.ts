import { createHistogram } from 'node:perf_hooks';
import { keyChooser, randomFrom } from './bench-keys.ts';
import type { BenchPlan } from './bench-plan.ts';
import { type Wire, wireOf } from './bench-wire.ts';

/** The longest time told apart, in nanoseconds: longer ones count as this. */
const TIME_NS_MAX = 3600e9;

/** What the connections of a thread share. */
export class Load {
  readonly plan: BenchPlan;
  readonly wire: Wire;
  /** Requests not sent yet. */
  left: number;
  reads = 0;
  hits = 0;
  writes = 0;
  errors = 0;
  wrong = 0;
  firstFault = '';
  sentBytes = 0;
  receivedBytes = 0;
  startMs = 0;
  readonly readTimes = createHistogram({ lowest: 1, highest: TIME_NS_MAX, figures: 3 });
  readonly writeTimes = createHistogram({ lowest: 1, highest: TIME_NS_MAX, figures: 3 });
  /** With a rate: how much later than due a request was sent that had nothing to wait for. */
  readonly lateTimes = createHistogram({ lowest: 1, highest: TIME_NS_MAX, figures: 3 });
  readonly nextKey: () => number;
  readonly nextIsRead: () => boolean;

  constructor(plan: BenchPlan) {
    this.plan = plan;
    this.wire = wireOf(plan);
    this.left = plan.requests;
    const random = randomFrom(plan.seed);
    this.nextKey = keyChooser(plan.order, plan.keys, random, plan.firstKey);
    const { readShare } = plan;
    this.nextIsRead = readShare === 0 ? () => false : readShare === 1 ? () => true : () => random() < readShare;
  }

  get answered(): number {
    return this.reads + this.writes;
  }

  record(isRead: boolean, elapsedMs: number): void {
    if (isRead) this.readTimes.record(nanoseconds(elapsedMs));
    else this.writeTimes.record(nanoseconds(elapsedMs));
  }

  recordLate(lateMs: number): void {
    this.lateTimes.record(nanoseconds(lateMs));
  }

  fault(kind: 'errors' | 'wrong', text: () => string): void {
    if (this.firstFault === '') this.firstFault = text();
    this[kind]++;
  }
}

function nanoseconds(ms: number): number {
  return Math.min(TIME_NS_MAX, Math.max(1, Math.round(ms * 1e6)));
}
