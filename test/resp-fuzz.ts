import type { RequestLimits } from '../src/protocol/resp/limits.ts';
import { Decoded, RequestDecoder } from '../src/protocol/resp/request-decoder.ts';

/** Small, so that what passes them is met often. */
const limits: RequestLimits = { argsMax: 40, bulkBytesMax: 3000, commandBytesMax: 6000 };
/** The longest a command may be, with a line that has no end yet, and what a carry keeps free behind it. */
const carryBytesMax = (limits.commandBytesMax + 64 * 1024) * 2;

export interface FuzzReport {
  readonly frames: number;
  readonly commands: number;
  readonly refused: number;
}

/**
 * Makes streams of valid, mutated and random frames, `frames` in all, and decodes each whole and in random pieces: both
 * must tell the same commands and end alike, without throwing and within the limits. Throws with the stream when not.
 */
export function fuzz(frames: number, seed: number): FuzzReport {
  const random = new Random(seed);
  const buffer = Buffer.alloc(1 << 16);
  let made = 0;
  let commands = 0;
  let refused = 0;
  while (made < frames) {
    let length = 0;
    const count = 1 + random.below(8);
    for (let index = 0; index < count && length < 50_000; index++) length = writeFrame(random, buffer, length);
    made += count;
    const stream = buffer.subarray(0, length);
    const whole = decode(stream, () => stream.length);
    const pieceMax = 1 + random.below(length);
    const pieces = decode(stream, () => 1 + random.below(pieceMax));
    if (whole.digest !== pieces.digest || whole.end !== pieces.end || whole.commands !== pieces.commands) {
      throw new Error(`${JSON.stringify(stream.toString('latin1'))}: ${JSON.stringify([whole, pieces])}`);
    }
    commands += whole.commands;
    if (whole.end !== 'open') refused++;
  }
  return { frames: made, commands, refused };
}

/** Decodes a stream in pieces of the given sizes, to a number that stands for all words of all commands. */
function decode(stream: Uint8Array, nextSize: () => number): { digest: number; end: string; commands: number } {
  const decoder = new RequestDecoder(limits);
  let digest = 0;
  let commands = 0;
  let end = 'open';
  for (let at = 0; at < stream.length; ) {
    const to = Math.min(stream.length, at + nextSize());
    decoder.feed(stream.subarray(at, to));
    at = to;
    let decoded = decoder.next();
    for (; decoded === Decoded.command; decoded = decoder.next()) {
      digest = digestOf(decoder, digest);
      // A command takes at least a byte, so there cannot be more of them.
      if (++commands > stream.length) throw new Error('more commands than bytes');
    }
    if (decoder.carryBytes > carryBytesMax) throw new Error(`${decoder.carryBytes} bytes are taken`);
    if (decoded === Decoded.protocolError) end = decoder.error;
    else if (decoded === Decoded.crossProtocol) end = 'HTTP';
    else if (decoder.bufferedBytes > stream.length) throw new Error('more is held than was sent');
    if (end !== 'open' && decoder.next() !== decoded) throw new Error('a final outcome stays');
  }
  return { digest, end, commands };
}

function digestOf({ args, nameStart, nameEnd }: RequestDecoder, seed: number): number {
  let digest = mixed(seed, args.bytes, nameStart, nameEnd);
  for (let index = 0; index < args.count; index++) {
    digest = mixed(digest, args.bytes, args.start(index), args.end(index));
  }
  if (args.count >= limits.argsMax) throw new Error(`${args.count} arguments`);
  return digest;
}

function mixed(seed: number, bytes: Uint8Array, start: number, end: number): number {
  if (start > end || end > bytes.length) throw new Error(`the range ${start} to ${end} of ${bytes.length}`);
  let digest = Math.imul(seed ^ (end - start), 0x01000193);
  for (let at = start; at < end; at++) digest = Math.imul(digest ^ (bytes[at] as number), 0x01000193);
  return digest;
}

const snippets = [
  '\r\n',
  '*',
  '$',
  '*1\r\n',
  '$-1\r\n',
  '"',
  "'",
  '\\x4',
  '*0\r\n',
  '\0',
  '$3001\r\n',
  '*41\r\n',
  '\r',
  '\n',
];
const lines = [
  'PING\r\n',
  'SET a "b\\x41\\n c"\r\n',
  "ECHO 'it\\'s'\n",
  '\r\n',
  'POST / HTTP/1.1\r\n',
  'GET "a\r\n',
  ' \n',
];

function writeFrame(random: Random, buffer: Buffer, start: number): number {
  const kind = random.below(16);
  let end = start;
  if (kind === 0) {
    for (let left = random.below(40); left > 0; left--) buffer[end++] = random.below(256);
  } else if (kind === 1) {
    for (let left = random.below(12); left > 0; left--) end += buffer.write(random.of(snippets), end, 'latin1');
  } else if (kind === 2 || kind === 3) {
    end += buffer.write(random.of(lines), end, 'latin1');
  } else {
    const words = 1 + random.below(random.below(8) === 0 ? 39 : 5);
    end += buffer.write(`*${words}\r\n`, end, 'latin1');
    for (let left = words; left > 0; left--) {
      const bytes = random.below(random.below(64) === 0 ? 3000 : 24);
      end += buffer.write(`$${bytes}\r\n`, end, 'latin1');
      buffer.fill(random.below(256), end, end + bytes);
      end += bytes;
      end += buffer.write('\r\n', end, 'latin1');
      if (end - start > 5900) break;
    }
  }
  // One frame in eight is damaged.
  if (end > start && random.below(8) === 0) {
    const at = start + random.below(end - start);
    switch (random.below(3)) {
      case 0:
        buffer[at] = random.below(256);
        break;
      case 1:
        end = at;
        break;
      default:
        buffer.copyWithin(at + 1, at, end);
        buffer[at] = 0x30 + random.below(10);
        end++;
    }
  }
  return end;
}

class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to `bound` - 1; mulberry32. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mix = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mix ^= mix + Math.imul(mix ^ (mix >>> 7), mix | 61);
    return Math.floor((((mix ^ (mix >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  of(texts: readonly string[]): string {
    return texts[this.below(texts.length)] ?? '';
  }
}
