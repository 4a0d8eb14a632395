import type { Args } from '../../command/args.ts';
import { type MessageReader, noId, Outcome } from '../../protocol/msgpack-rpc/message-reader.ts';
import { idOfBroken, MessageScanner, Scan } from '../../protocol/msgpack-rpc/message-scanner.ts';
import { type RpcRefusal, refuse } from '../../protocol/msgpack-rpc/refusal.ts';
import { KeptInput } from './kept-input.ts';

/** Before a user is known, a message has at most this: enough to log in. */
const LOGIN_BYTES_MAX = 16 * 1024;

/** What `next` found. */
export const Found = {
  /** Not a whole message. */
  nothing: 0,
  /** A message whose params are arguments as they stand. */
  plain: 1,
  /** Any other message. */
  whole: 2,
  /** A message that is answered with `refusal` on the reader's id. */
  refused: 3,
  /** Bytes that end the connection, after `refusal` on `brokenId`. */
  broken: 4,
} as const;
export type Found = (typeof Found)[keyof typeof Found];

const hasExt = refuse('invalid-argument', 'ext values are not taken');
const isTooDeep = refuse('too-deep', 'the message nests too deeply');

/** The messages of one connection, out of pieces that are cut anywhere. */
export class RpcInput {
  readonly kept = new KeptInput();
  /** Where the message found last lies in: the reader's ranges are of these. */
  bytes: Uint8Array = this.kept.bytes;
  refusal: RpcRefusal = hasExt;
  brokenId = noId;
  readonly #reader: MessageReader;
  readonly #args: Args;
  readonly #messageBytesMax: number;
  readonly #scanner: MessageScanner;

  /** `reader` and `args` may serve other connections between two messages. */
  constructor(reader: MessageReader, args: Args, messageBytesMax: number) {
    this.#reader = reader;
    this.#args = args;
    this.#messageBytesMax = messageBytesMax;
    this.#scanner = new MessageScanner(messageBytesMax);
  }

  /** Steps to the next message; `isLoggedIn`: whether it may be as large as any. */
  next(isLoggedIn: boolean): Found {
    const { kept } = this;
    const { bytes, start, end } = kept;
    if (start === end) return Found.nothing;
    this.bytes = bytes;
    const scanner = this.#scanner;
    if (!scanner.isAmid) {
      const next = this.#reader.readPlain(bytes, start, end, this.#args);
      if (next > 0 && next - start <= (isLoggedIn ? this.#messageBytesMax : LOGIN_BYTES_MAX)) {
        kept.start = next;
        return Found.plain;
      }
      scanner.messageBytesMax = isLoggedIn ? this.#messageBytesMax : LOGIN_BYTES_MAX;
      scanner.begin();
    }
    const next = scanner.scan(bytes, start, end);
    if (next === Scan.incomplete) return Found.nothing;
    if (next === Scan.broken) {
      this.refusal = scanner.fault as RpcRefusal;
      this.brokenId = idOfBroken(bytes, start, end);
      return Found.broken;
    }
    kept.start = next;
    return this.#whole(bytes, start);
  }

  #whole(bytes: Uint8Array, start: number): Found {
    const outcome = this.#reader.readWhole(bytes, start);
    if (outcome !== Outcome.message) {
      this.refusal = this.#reader.refusal;
      this.brokenId = noId;
      return outcome === Outcome.broken ? Found.broken : Found.refused;
    }
    if (this.#scanner.hasExt) this.refusal = hasExt;
    else if (this.#scanner.isTooDeep) this.refusal = isTooDeep;
    else return Found.whole;
    return Found.refused;
  }
}
