import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../src/base/ports.ts';
import type { StoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { faultOf, writeKey } from './checked-value.ts';

/** Reads at full speed until told to stop and reports the first value that is not whole. */
const { memory, stop, progress, keys, stayers, readerIndex, staySure } = workerData as {
  memory: StoreMemory;
  stop: Int32Array;
  progress: Int32Array;
  keys: number;
  stayers: number;
  readerIndex: number;
  /** Nothing is evicted: the stayers must be found at any time. */
  staySure: boolean;
};
const reader = new StoreReader(memory, readerIndex, systemClock);
const key = Buffer.alloc(64);
const value = Buffer.alloc(200_000);
let reads = 0;
let hits = 0;
let scans = 0;
let pairs = 0;
let refused = 0;
let fault = '';
let seed = readerIndex * 7919;

function random(below: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
  return Math.floor(((seed >>> 0) / 2 ** 32) * below);
}

function read(number: number): boolean {
  reads++;
  if (!reader.lookup(key, 0, writeKey(key, number))) return false;
  hits++;
  reader.copyValue(value, 0);
  fault ||= faultOf(value, reader.entry.valueBytes, number);
  return true;
}

function readSome(): void {
  if (!reader.enter()) {
    refused++;
    return;
  }
  for (let i = 0; i < 20; i++) read(random(keys));
  const stayer = keys + random(stayers);
  const found = read(stayer);
  if (!reader.leave()) refused++;
  else if (!found && staySure) fault ||= `stayer ${stayer} is absent`;
}

function readPair(): void {
  if (!reader.enter()) {
    refused++;
    return;
  }
  const first = read(-1) ? value.readInt32LE(8) : 0;
  const second = read(-2) ? value.readInt32LE(8) : 0;
  if (!reader.leave()) refused++;
  else {
    pairs++;
    if (staySure && first !== second) fault ||= `a pair of acts ${first} and ${second}`;
  }
}

function scanAll(): void {
  const seen = new Set<string>();
  let cursor = 0;
  let isWhole = false;
  while (!isWhole && Atomics.load(stop, 0) === 0) {
    // A scan goes on over many turns; a refusal only means to ask again, unless all has ended meanwhile.
    if (!reader.enter()) continue;
    const next = reader.scan(cursor, 100, (bytes, start, end) => {
      const name = Buffer.from(bytes.subarray(start, end)).toString('latin1');
      if (seen.has(name)) fault ||= `scan visits ${name} twice`;
      seen.add(name);
    });
    reader.leave();
    cursor = next;
    isWhole = cursor === 0;
  }
  if (!isWhole) return;
  scans++;
  // Only what a run is to have seen counts for its end: found keys and pairs as well.
  if (hits > 1000 && pairs > 0) Atomics.add(progress, readerIndex, 1);
  for (let number = keys; staySure && number < keys + stayers; number++) {
    if (!seen.has(`key:${number}`)) fault ||= `scan misses stayer ${number}`;
  }
}

while (Atomics.load(stop, 0) === 0 && fault === '') {
  for (let i = 0; i < 100 && fault === ''; i++) {
    readSome();
    readPair();
  }
  scanAll();
}
parentPort?.postMessage({ fault, reads, hits, scans, pairs, refused });
