import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../src/base/ports.ts';
import { Freshness } from '../../../src/base/view.ts';
import type { StoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { faultOf, writeKey } from './checked-value.ts';

/**
 * Reads tagged keys at full speed. Before it looks, it takes the seed below which all values were invalidated by then; a
 * value of an older seed is one that should not be there.
 */
const { memory, stop, floors, progress, keys, tags, readerIndex } = workerData as {
  memory: StoreMemory;
  stop: Int32Array;
  /** By tag: values of lower seeds were invalidated, and the call has returned; then likewise for soft invalidations. */
  floors: Int32Array;
  progress: Int32Array;
  keys: number;
  tags: number;
  readerIndex: number;
};
const reader = new StoreReader(memory, readerIndex, systemClock);
const key = Buffer.alloc(64);
const value = Buffer.alloc(4096);
let fault = '';
let seed = readerIndex + 1;

function random(below: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
  return Math.floor(((seed >>> 0) / 2 ** 32) * below);
}

function seedOf(number: number): number {
  reader.copyValue(value, 0);
  fault ||= faultOf(value, reader.entry.valueBytes, number);
  return value.readInt32LE(8);
}

while (Atomics.load(stop, 0) === 0 && fault === '') {
  for (let i = 0; i < 200; i++) {
    const number = random(keys);
    const tag = number % tags;
    const hard = Atomics.load(floors, tag);
    const soft = Atomics.load(floors, tags + tag);
    if (!reader.enter()) continue;
    const end = writeKey(key, number);
    const found = reader.lookup(key, 0, end) ? seedOf(number) : null;
    const freshness = reader.peekStale(key, 0, end);
    const stale = freshness === Freshness.stale ? seedOf(number) : null;
    reader.leave();
    if (found !== null && found < Math.max(hard, soft)) fault ||= `key ${number}: ${found}, below ${hard} and ${soft}`;
    if (stale !== null && stale < hard) fault ||= `key ${number}: ${stale} is stale, and below ${hard}`;
    if (found !== null) Atomics.add(progress, 0, 1);
    else if (stale !== null) Atomics.add(progress, 1, 1);
    else Atomics.add(progress, 2, 1);
  }
}
parentPort?.postMessage(fault);
