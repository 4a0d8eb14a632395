import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { UsageError } from './bench.ts';

const TRACE_BYTES_MAX = 2 ** 31;

/** Requests in order; a request is a key, numbered from 0 by its first appearance. */
export interface KeyStream {
  name: string;
  keys: Uint32Array;
  distinct: number;
}

/** The streams that can be generated, by name. */
export const generatedStreams = {
  /** Zipf, exponent 0.99: what caches mostly see. */
  zipf: (requests: number) => {
    const next = zipf(50_000, 0.99);
    return fill(requests, () => next());
  },
  /** Zipf, and now and then 2000 keys in a row out of 40 000 that nobody else asks for. */
  scan: (requests: number) => {
    const next = zipf(20_000, 0.99);
    let scanned = 0;
    return fill(requests, (i) => (i % 6000 < 4000 ? next() : 1_000_000 + (scanned++ % 40_000)));
  },
  /** Zipf whose favourites change: every tenth of the run the hottest fifth of the keys goes and as many new ones come. */
  shift: (requests: number) => {
    const next = zipf(20_000, 0.99);
    const phase = Math.ceil(requests / 10);
    return fill(requests, (i) => next() + 4000 * Math.floor(i / phase));
  },
  /** Zipf over 5000 keys, mixed half and half with a loop over 8000 others. */
  loop: (requests: number) => {
    const next = zipf(5000, 0.9);
    let looped = 0;
    return fill(requests, () => (random() < 0.5 ? next() : 1_000_000 + (looped++ % 8000)));
  },
} as const;
type GeneratedStream = keyof typeof generatedStreams;

function generate(name: GeneratedStream, requests: number): KeyStream {
  seed = 0x9e37_79b9;
  return numbered(name, generatedStreams[name](requests));
}

/**
 * Reads a trace: text with a decimal key a line (other lines are skipped), or, if the name ends in `.xz`, big-endian
 * 32-bit integers; `.gz` and `.xz` are unpacked, the latter by the program `xz`.
 * @throws {UsageError} when the file cannot be read.
 */
function readTrace(path: string, requestsMax: number): KeyStream {
  const name = basename(path).replace(/\.trace|\.gz|\.xz|\.txt/g, '');
  const bytes = unpack(path);
  if (path.endsWith('.xz')) {
    const count = Math.min(requestsMax, bytes.length >> 2);
    return numbered(
      name,
      Float64Array.from({ length: count }, (_, i) => bytes.readUInt32BE(i * 4)),
    );
  }
  const lines = bytes.toString('latin1').split('\n', requestsMax * 2);
  const keys = lines.map((line) => line.trim()).filter((line) => /^\d+$/.test(line));
  if (keys.length === 0) throw new UsageError(`--trace: ${path} holds no line with a decimal key`);
  return numbered(name, Float64Array.from(keys.slice(0, requestsMax), Number));
}

function unpack(path: string): Buffer {
  try {
    if (path.endsWith('.gz')) return gunzipSync(readFileSync(path));
    if (!path.endsWith('.xz')) return readFileSync(path);
  } catch (error) {
    throw new UsageError(`--trace: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { status, error, stdout, stderr } = spawnSync('xz', ['-dc', path], { maxBuffer: TRACE_BYTES_MAX });
  if (error !== undefined) throw new UsageError(`--trace: ${path} needs the program xz: ${error.message}`);
  if (status !== 0) throw new UsageError(`--trace: ${stderr.toString().trim()}`);
  return stdout;
}

function numbered(name: string, keys: Float64Array): KeyStream {
  const numbers = new Map<number, number>();
  const dense = new Uint32Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    let number = numbers.get(key);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(key, number);
    }
    dense[i] = number;
  }
  return { name, keys: dense, distinct: numbers.size };
}

function fill(requests: number, next: (i: number) => number): Float64Array {
  return Float64Array.from({ length: requests }, (_, i) => next(i));
}

/** Ranks from 0 on, rank r with probability in proportion to 1 / (r + 1)^exponent. */
function zipf(ranks: number, exponent: number): () => number {
  const sums = new Float64Array(ranks);
  let total = 0;
  for (let rank = 0; rank < ranks; rank++) {
    total += (rank + 1) ** -exponent;
    sums[rank] = total;
  }
  return () => {
    const at = random() * total;
    let low = 0;
    let high = ranks - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

let seed = 1;

/** xorshift32, so that every run and every cache sees the same requests. */
function random(): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 0) / 2 ** 32;
}

/** The streams of a benchmark's options `streams` and `trace`, commas between; files, when any are given, in place of the others. */
export function openStreams(names: string, traces: string, requests: number): KeyStream[] {
  if (traces !== '') return traces.split(',').map((path) => readTrace(path, requests));
  return names.split(',').map((name) => {
    if (!Object.hasOwn(generatedStreams, name)) {
      throw new UsageError(`--streams: ${name} is none of ${Object.keys(generatedStreams).join(', ')}`);
    }
    return generate(name as GeneratedStream, requests);
  });
}
