import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../src/base/ports.ts';
import type { PutRequest, PutStatus } from '../../../src/base/view.ts';
import type { StoreMemory } from '../../../src/store/arena.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { CHECKED_BYTES_MIN, writeChecked, writeKey } from './checked-value.ts';

/** Does everything a writer can, at full speed, until told to stop; then checks the structure. */
const { memory, stop, keys, stayers } = workerData as {
  memory: StoreMemory;
  stop: Int32Array;
  keys: number;
  /** Keys from `keys` on that are overwritten and never absent. */
  stayers: number;
};
const writer = new StoreWriter(memory, systemClock);
const key = Buffer.alloc(64);
const value = Buffer.alloc(200_000);
const request: PutRequest = {
  key,
  keyStart: 0,
  keyEnd: 0,
  value,
  valueStart: 0,
  valueEnd: 0,
  type: 0,
  expiresAtMs: 0,
  contentType: key,
  contentTypeStart: 0,
  contentTypeEnd: 0,
};
let seed = 1;
let acts = 0;

function random(below: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
  return Math.floor(((seed >>> 0) / 2 ** 32) * below);
}

function lengthOf(chance: number): number {
  if (chance < 2) return CHECKED_BYTES_MIN + random(150_000);
  if (chance < 100) return CHECKED_BYTES_MIN + random(6000);
  return CHECKED_BYTES_MIN + random(200);
}

function put(number: number, expiresAtMs: number): PutStatus {
  request.keyEnd = writeKey(key, number);
  request.valueEnd = lengthOf(random(1000));
  request.expiresAtMs = expiresAtMs;
  writeChecked(value, request.valueEnd, number, acts);
  return writer.put(request);
}

/** Two keys whose values are written together, and so must be read with equal seeds. */
function putPair(): void {
  if (!writer.beginGroup(2, 200)) return;
  for (const number of [-1, -2]) {
    request.keyEnd = writeKey(key, number);
    request.valueEnd = 32 + (acts % 40);
    request.expiresAtMs = 0;
    writeChecked(value, request.valueEnd, number, acts);
    writer.put(request);
  }
  writer.endGroup();
}

for (let number = keys; number < keys + stayers; number++) put(number, 0);
putPair();
parentPort?.postMessage('ready');

while (Atomics.load(stop, 0) === 0) {
  for (let i = 0; i < 200; i++) {
    acts++;
    const chance = random(100);
    if (chance < 60) put(random(keys), 0);
    else if (chance < 75) put(random(keys), Date.now() + random(100));
    else if (chance < 85) writer.remove(key, 0, writeKey(key, random(keys)));
    else if (chance < 90) writer.setExpiry(key, 0, writeKey(key, random(keys)), Date.now() + random(1000));
    else if (chance < 98) put(keys + random(stayers), 0);
    else putPair();
  }
  writer.expireDue(Date.now(), 200);
  writer.maintain();
}
writer.validate();
parentPort?.postMessage({ acts });
