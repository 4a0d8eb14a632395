import { createLookupSample, LookupSampleReader, LookupSampler } from '../../../../src/base/lookup-sample.ts';
import type { PutRequest } from '../../../../src/base/view.ts';
import { AccessWatch } from '../../../../src/monitoring/access/access-watch.ts';
import { storeTotalsOf } from '../../../../src/monitoring/access/store-totals.ts';
import { createStoreMemory, type EvictionName } from '../../../../src/store/arena.ts';
import { StoreReader } from '../../../../src/store/reader.ts';
import { StoreWriter } from '../../../../src/store/writer.ts';

const VALUE_BYTES = 1000;
const NO_BYTES = new Uint8Array(0);

export interface WatchedStoreOptions {
  readonly budgetBytes: number;
  readonly eviction?: EvictionName;
  readonly metricsPrefixes?: readonly string[];
}

/** A store of one thread whose lookups and writes are watched, with a clock that stands still until it is moved. */
export class WatchedStore {
  readonly watch: AccessWatch;
  readonly writer: StoreWriter;
  hits = 0;
  lookups = 0;
  nowMs = 1_750_000_000_000;
  readonly #reader: StoreReader;

  constructor({ budgetBytes, eviction = 'flux', metricsPrefixes = [] }: WatchedStoreOptions) {
    const clock = { nowMs: () => this.nowMs };
    const memory = createStoreMemory({ budgetBytes, readersMax: 1, eviction, hashKey: [0x0123_4567, 0x09ab_cdef] });
    const handle = createLookupSample();
    const sampler = new LookupSampler(handle, 7);
    this.writer = new StoreWriter(memory, clock, false, sampler);
    this.#reader = new StoreReader(memory, 0, clock, sampler);
    this.watch = new AccessWatch({
      clock,
      samples: [new LookupSampleReader(handle)],
      totals: () => storeTotalsOf([memory]),
      separator: ':',
      prefixesMax: 10,
      metricsPrefixes,
    });
  }

  look(name: string): boolean {
    const key = Buffer.from(name);
    this.#reader.enter();
    const found = this.#reader.lookup(key, 0, key.length);
    this.#reader.leave();
    this.lookups++;
    if (found) this.hits++;
    return found;
  }

  put(name: string, expiresAtMs = 0): void {
    const key = Buffer.from(name);
    const request: PutRequest = {
      key,
      keyStart: 0,
      keyEnd: key.length,
      value: Buffer.alloc(VALUE_BYTES),
      valueStart: 0,
      valueEnd: VALUE_BYTES,
      type: 0,
      expiresAtMs,
      contentType: NO_BYTES,
      contentTypeStart: 0,
      contentTypeEnd: 0,
    };
    this.writer.put(request);
  }

  remove(name: string): void {
    const key = Buffer.from(name);
    this.writer.remove(key, 0, key.length);
  }

  /** So much time passes, and what was sampled is taken in. */
  pass(spanMs = 250): void {
    this.nowMs += spanMs;
    this.watch.collect();
  }
}
