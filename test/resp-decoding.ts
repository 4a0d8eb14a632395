import type { RequestLimits } from '../src/protocol/resp/limits.ts';
import { Decoded, RequestDecoder } from '../src/protocol/resp/request-decoder.ts';

export const wideLimits: RequestLimits = {
  argsMax: 1 << 20,
  bulkBytesMax: 1 << 26,
  commandBytesMax: 1 << 27,
};

/** What a stream of requests was decoded to: words as latin1 text, and how it ended. */
export interface Decoding {
  readonly commands: readonly (readonly string[])[];
  /** 'open' when the decoder waits for more. */
  readonly end: string;
}

/** Decodes `pieces`, each in memory that is overwritten as soon as the decoder may no longer look at it. */
export function decode(pieces: Iterable<Uint8Array>, limits: RequestLimits = wideLimits): Decoding {
  const decoder = new RequestDecoder(limits);
  const commands: string[][] = [];
  let end = 'open';
  for (const piece of pieces) {
    const lent = Uint8Array.from(piece);
    decoder.feed(lent);
    let decoded = decoder.next();
    for (; decoded === Decoded.command; decoded = decoder.next()) commands.push(wordsOf(decoder));
    if (decoded === Decoded.protocolError) end = decoder.error;
    if (decoded === Decoded.crossProtocol) end = 'HTTP';
    lent.fill(0x23);
  }
  return { commands, end };
}

/** The command a decoder has just told, its name first. */
export function wordsOf({ args, nameStart, nameEnd }: RequestDecoder): string[] {
  const words = [Buffer.from(args.bytes.subarray(nameStart, nameEnd)).toString('latin1')];
  for (let index = 0; index < args.count; index++) words.push(Buffer.from(args.view(index)).toString('latin1'));
  return words;
}

export function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** `bytes` in pieces of `size`. */
export function* piecesOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
