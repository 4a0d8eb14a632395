import { Counters } from '../base/counters.ts';
import type { FillFacts, NodeFacts, StoreFacts } from './facts.ts';

/** Counts of stores that grow as long as the node runs. */
const growing = [
  'hits',
  'misses',
  'expiredKeys',
  'evictedKeys',
  'staleHits',
  'invalidatedEntries',
] as const satisfies readonly (keyof StoreFacts)[];
const fillResults = ['granted', 'filled', 'lost'] as const satisfies readonly (keyof FillFacts)[];
type FillResult = (typeof fillResults)[number];
export type Growing = (typeof growing)[number];

/**
 * What was counted since CONFIG RESETSTAT, or since the start: for INFO. The counts themselves never go back, because
 * those who scrape metrics rely on it.
 */
export class Statistics {
  readonly #facts: NodeFacts;
  #counters: Counters | null = null;
  readonly #stores = new Map<Growing, number>();
  readonly #fills = new Map<FillResult, number>();

  constructor(facts: NodeFacts) {
    this.#facts = facts;
  }

  reset(): void {
    const now = this.#facts.counters();
    this.#counters = Counters.sum(now.shape, [now]);
    for (const field of growing) this.#stores.set(field, sumOf(this.#facts, field));
    for (const result of fillResults) this.#fills.set(result, fillsOf(this.#facts, result));
  }

  counters(): Counters {
    const now = this.#facts.counters();
    return this.#counters === null ? now : Counters.difference(now, this.#counters);
  }

  ofStores(field: Growing): number {
    return sumOf(this.#facts, field) - (this.#stores.get(field) ?? 0);
  }

  ofFills(result: FillResult): number {
    return fillsOf(this.#facts, result) - (this.#fills.get(result) ?? 0);
  }
}

function fillsOf(facts: NodeFacts, result: FillResult): number {
  let total = 0;
  for (const { store } of facts.shards()) total += store.fills[result];
  return total;
}

/** Over all shards. */
export function sumOf(facts: NodeFacts, field: Exclude<keyof StoreFacts, 'memory' | 'fills'>): number {
  let total = 0;
  for (const { store } of facts.shards()) total += store[field];
  return total;
}
