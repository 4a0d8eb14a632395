import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../src/base/ports.ts';
import type { StoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';

/** Looks for two keys at once until told to stop, and reports how often it saw both, none, or one of them. */
const { memory, stop, progress, keys } = workerData as {
  memory: StoreMemory;
  stop: Int32Array;
  /** How often both, none and one were seen, then how often reading was declined. */
  progress: Int32Array;
  /** The first is the first to go. */
  keys: [string, string];
};
const reader = new StoreReader(memory, 0, systemClock);
const [first, second] = keys.map((key) => Buffer.from(key)) as [Buffer, Buffer];

while (Atomics.load(stop, 0) === 0) {
  let isDeclined = !reader.enter();
  let seen = 0;
  if (!isDeclined) {
    if (reader.peek(first, 0, first.length)) seen++;
    if (reader.peek(second, 0, second.length)) seen++;
    isDeclined = !reader.leave();
  }
  Atomics.add(progress, isDeclined ? 3 : seen === 2 ? 0 : seen === 0 ? 1 : 2, 1);
}
parentPort?.postMessage('done');
