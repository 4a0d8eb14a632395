import { createLookupSample, LookupSampleReader, LookupSampler } from '../src/base/lookup-sample.ts';
import type { PutRequest } from '../src/base/view.ts';
import { AccessWatch, MEMORY_WINDOW_MS } from '../src/monitoring/access/access-watch.ts';
import { MEMORY_FACTORS, MEMORY_FACTORS_OF_METRICS } from '../src/monitoring/access/memory-factors.ts';
import { storeTotalsOf } from '../src/monitoring/access/store-totals.ts';
import { createStoreMemory } from '../src/store/arena.ts';
import { StoreReader } from '../src/store/reader.ts';
import { StoreWriter } from '../src/store/writer.ts';
import { defineBench, numberListOption, numberOption } from './bench.ts';
import { generatedStreams, openStreams } from './key-streams.ts';
import { lruHitRatio } from './simulated-caches.ts';

/** The estimate of the hit ratio at other memory (src/monitoring/access), against stores that have that memory. */

const KEY_BYTES = 16;
const MIB = 2 ** 20;
/** Lookups between two collections of samples, and the time that they stand for: 2000 a second. */
const STEP = 500;
const STEP_MS = 250;
const TOLD = MEMORY_FACTORS_OF_METRICS.filter((factor) => factor !== 1);
/** Points of percent that an estimate may err by. */
const ERROR_MAX = 10;

export const bench = defineBench({
  options: {
    streams: {
      doc: `streams to generate, of ${Object.keys(generatedStreams).join(', ')}`,
      default: 'zipf,scan,shift,loop',
    },
    trace: { doc: 'measure on these trace files instead (commas between)', default: '' },
    shares: { doc: 'memory, in percent of what all distinct entries take', default: '5,10,20' },
    requests: { doc: 'requests at most, of each stream or trace', default: '600000' },
    'value-bytes': { doc: 'value size', default: '1024' },
    followed: { doc: 'keys that are followed at most', default: '16384' },
    quick: { doc: 'a short run: one stream, one share, few requests', default: false },
  },
  async run(given, report) {
    const requests = given.quick ? 60_000 : numberOption('requests', given.requests, 1000);
    const shares = given.quick ? [10] : numberListOption('shares', given.shares, 0.01);
    const valueBytes = numberOption('value-bytes', given['value-bytes'], 1);
    const followed = numberOption('followed', given.followed, 64);
    const errors: number[] = [];
    const table = report.table(
      'Hit ratio in percent with so many times the memory: of a store that has it, and estimated',
      [
        { name: 'stream' },
        { name: 'MiB', digits: 1 },
        { name: 'keys followed %', digits: 1 },
        { name: 'at 1', digits: 1 },
        ...TOLD.flatMap((factor) => [
          { name: `at ${factor}`, digits: 1 },
          { name: 'estimated', digits: 1 },
          { name: 'by LRU', digits: 1 },
        ]),
        { name: 'largest error', digits: 1 },
      ],
    );
    for (const stream of openStreams(given.quick ? 'zipf' : given.streams, given.trace, requests)) {
      for (const share of shares) {
        const bytes = Math.max(4 * MIB, (stream.distinct * share * (KEY_BYTES + valueBytes)) / 100);
        report.progress(`${stream.name}, ${(bytes / MIB).toFixed(1)} MiB`);
        const { watch, hitRatio: base, entries } = replay(stream.keys, bytes, valueBytes, followed);
        const curve = watch?.curve();
        if (curve === null || curve === undefined) throw new Error('too little was looked up');
        const cells: number[] = [];
        let worst = 0;
        const lruAtOne = lruHitRatio(stream.keys, entries);
        for (const { memory, hitRatio } of curve.points) {
          if (memory === 1) continue;
          const real = replay(stream.keys, bytes * memory, valueBytes, 0).hitRatio;
          worst = Math.max(worst, Math.abs(hitRatio - real));
          if (!TOLD.includes(memory)) continue;
          const lru = lruHitRatio(stream.keys, Math.round(entries * memory));
          const scaled = memory < 1 ? (base * lru) / lruAtOne : 1 - ((1 - base) * (1 - lru)) / (1 - lruAtOne);
          cells.push(100 * real, 100 * hitRatio, 100 * scaled);
        }
        errors.push(100 * worst);
        table.row(stream.name, bytes / MIB, 100 * curve.samplingRate, 100 * base, ...cells, 100 * worst);
      }
    }
    report.note(
      `estimated at ${MEMORY_FACTORS.filter((factor) => factor !== 1).join(', ')} times the memory; the error is in points of percent`,
    );
    report.note('by LRU: what a simulation of LRU says, scaled to what was measured at 1, as the estimate is');
    report.check(Math.max(...errors) < ERROR_MAX, `an estimate errs by ${ERROR_MAX} points or more`);
  },
});

interface Replay {
  /** Where keys are followed. */
  readonly watch: AccessWatch | null;
  /** Where the last lookups weigh most, as in the estimate. */
  readonly hitRatio: number;
  /** Entries at the end. */
  readonly entries: number;
}

/** Replays the stream, cache-aside, on a store of so many bytes. */
function replay(keys: Uint32Array, budgetBytes: number, valueBytes: number, followed: number): Replay {
  let nowMs = 1_700_000_000_000;
  const clock = { nowMs: () => nowMs };
  const memory = createStoreMemory({
    budgetBytes: Math.round(budgetBytes),
    readersMax: 1,
    eviction: 'flux',
    hashKey: [0x0123_4567, 0x09ab_cdef],
  });
  // One ring: what is looked up and what is written is done by one thread here.
  const handle = createLookupSample();
  const sampler = followed === 0 ? null : new LookupSampler(handle, 7);
  const writer = new StoreWriter(memory, clock, false, sampler);
  const reader = new StoreReader(memory, 0, clock, sampler);
  const options = { clock, separator: ':', prefixesMax: 10, metricsPrefixes: [], followedKeysMax: followed };
  const samples = [new LookupSampleReader(handle)];
  const totals = () => storeTotalsOf([memory]);
  const watch = followed === 0 ? null : new AccessWatch({ ...options, samples, totals });
  const request = requestOf(valueBytes);
  const key = Buffer.from(request.key);
  request.key = key;
  let hits = 0;
  let lookups = 0;
  for (const [index, number] of keys.entries()) {
    key.write(`key:${String(number).padStart(KEY_BYTES - 4, '0')}`, 'latin1');
    reader.enter();
    const isFound = reader.lookup(key, 0, KEY_BYTES);
    reader.leave();
    lookups++;
    if (isFound) hits++;
    else writer.put(request);
    if (index % STEP !== 0) continue;
    nowMs += STEP_MS;
    hits *= Math.exp(-STEP_MS / MEMORY_WINDOW_MS);
    lookups *= Math.exp(-STEP_MS / MEMORY_WINDOW_MS);
    watch?.collect();
  }
  watch?.stop();
  return { watch, hitRatio: hits / lookups, entries: reader.keyCount };
}

function requestOf(valueBytes: number): PutRequest {
  const key = Buffer.alloc(KEY_BYTES);
  return {
    key,
    keyStart: 0,
    keyEnd: KEY_BYTES,
    value: Buffer.alloc(valueBytes, 'v'),
    valueStart: 0,
    valueEnd: valueBytes,
    type: 0,
    expiresAtMs: 0,
    contentType: key,
    contentTypeStart: 0,
    contentTypeEnd: 0,
  };
}
