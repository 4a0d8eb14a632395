import type { ErrorCode } from '../../base/errors.ts';
import { Marker } from '../../base/msgpack-wire.ts';
import {
  headBytesMax,
  integerBytesMax,
  ValueWriter,
  writeBinHead,
  writeInteger,
  writeStrHead,
} from '../../base/msgpack-writer.ts';
import { isUtf8 } from '../../base/utf8.ts';
import { type ReadView, ValueType } from '../../base/view.ts';
import { ReplyKind, ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { replyWithValue } from '../../command/storing.ts';
import { noId } from './message-reader.ts';
import { ReplyValue } from './reply-value.ts';

/** Where messages are written: a connection, or a buffer of a test. */
export interface RpcOutput {
  /** Where `reserve` made room. Take it anew after each call. */
  readonly bytes: Uint8Array;
  /** Room for `count` bytes at `bytes[returned..)`. */
  reserve(count: number): number;
  /** Takes back the last `count` bytes of what was reserved last. */
  giveBack(count: number): void;
}

/** How a result is made of a reply. */
export const ResultForm = {
  plain: 0,
  /** With the version that the command wrote. */
  version: 1,
  /** Of `entry`. */
  entry: 2,
} as const;
export type ResultForm = (typeof ResultForm)[keyof typeof ResultForm];

/** `[1, id, nil,` */
const frontBytesMax = 2 + integerBytesMax + 1;

/** Writes responses. One for all connections of a thread: nothing is kept from one call to the next. */
export class ResponseEncoder {
  readonly #writer = new ValueWriter();
  readonly #value = new ReplyValue(this.#writer);
  readonly #found = new ReplyWriter();
  readonly #reader = new ReplyReader();
  /** The words of the output written to last: a view costs more than to look it up. */
  #words: Int32Array = new Int32Array(0);
  #wordsOf: Uint8Array | null = null;

  /**
   * The response of a GET that found its key, from shared memory to the output: answers how many bytes it has. 0: nothing
   * is written, and the value was kept for `kept`.
   */
  found(id: number, view: ReadView, output: RpcOutput): number {
    const { type, valueBytes } = view.entry;
    if (type !== ValueType.string && type !== ValueType.bytes) {
      this.#found.clear();
      replyWithValue(view, this.#found);
      return 0;
    }
    const reserved = frontBytesMax + headBytesMax + valueBytes;
    const at = output.reserve(reserved);
    const { bytes } = output;
    let to = writeFront(id, bytes, at);
    const isText = type === ValueType.string;
    const from = to + (isText ? writeStrHead(valueBytes, bytes, to) : writeBinHead(valueBytes, bytes, to));
    view.copyValue(bytes, from);
    to = from + valueBytes;
    if (isText && !this.#isText(bytes, from, to)) {
      // The same bytes once more, behind the head that they need.
      const head = writeFront(id, bytes, at);
      const start = head + writeBinHead(valueBytes, bytes, head);
      view.copyValue(bytes, start);
      to = start + valueBytes;
    }
    output.giveBack(at + reserved - to);
    return to - at;
  }

  /** The response with the value that `found` kept last. */
  kept(id: number, output: RpcOutput): void {
    this.#reader.openWritten(this.#found);
    this.reply(id, this.#reader, ResultForm.plain, 0, output);
  }

  /** Answers how many bytes it has. */
  nil(id: number, output: RpcOutput): number {
    const reserved = frontBytesMax + 1;
    const at = output.reserve(reserved);
    const { bytes } = output;
    const to = writeFront(id, bytes, at);
    bytes[to] = Marker.nil;
    output.giveBack(at + reserved - to - 1);
    return to + 1 - at;
  }

  /** The response for a reply, of which the first part was stepped to. `nowMs` counts for `entry` only. */
  reply(id: number, reply: ReplyReader, form: ResultForm, nowMs: number, output: RpcOutput): void {
    if (form === ResultForm.plain && reply.kind === ReplyKind.status && reply.end - reply.start < 0x20) {
      this.#word(id, reply, output);
      return;
    }
    const writer = this.#writer;
    writer.clear();
    if (reply.kind === ReplyKind.error) {
      this.#value.error(reply.errorCode, reply.text);
      this.#sendError(id, output);
      return;
    }
    this.#write(reply, form, nowMs);
    this.#sendResult(id, output);
  }

  /** `id` of {@link noId}: of a message that has none. */
  error(id: number, code: ErrorCode, message: string, output: RpcOutput): void {
    this.#writer.clear();
    this.#value.error(code, message);
    this.#sendError(id, output);
  }

  /** The response whose result is `values`, which holds a whole value. */
  result(id: number, values: ValueWriter, output: RpcOutput): void {
    this.#writer.clear();
    this.#writer.append(values.bytes, 0, values.length);
    this.#sendResult(id, output);
  }

  /** `[error, result]` of an operation of a batch, in memory of its own. */
  pair(reply: ReplyReader, form: ResultForm, nowMs: number): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    writer.array(2);
    if (reply.kind === ReplyKind.error) this.#value.error(reply.errorCode, reply.text);
    else writer.nil();
    if (reply.kind === ReplyKind.error) writer.nil();
    else this.#write(reply, form, nowMs);
    return writer.copy();
  }

  errorPair(code: ErrorCode, message: string): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    writer.array(2);
    this.#value.error(code, message);
    writer.nil();
    return writer.copy();
  }

  /** `[2, name, rest]` of a push `[name, …rest]`, in memory of its own. */
  notification(push: ReplyReader): Uint8Array {
    const writer = this.#writer;
    const elements = push.count;
    writer.clear();
    writer.array(3);
    writer.integer(2);
    push.next();
    writer.text(push.bytes, push.start, push.end);
    writer.array(elements - 1);
    for (let left = elements - 1; left > 0; left--) {
      push.next();
      this.#value.write(push);
    }
    return writer.copy();
  }

  #write(reply: ReplyReader, form: ResultForm, nowMs: number): void {
    if (form === ResultForm.entry) this.#value.writeEntry(reply, nowMs);
    else if (form === ResultForm.version) this.#value.writeWithVersion(reply);
    else this.#value.write(reply);
  }

  #word(id: number, reply: ReplyReader, output: RpcOutput): void {
    const length = reply.end - reply.start;
    const reserved = frontBytesMax + 1 + length;
    const at = output.reserve(reserved);
    const { bytes } = output;
    let to = writeFront(id, bytes, at);
    bytes[to++] = Marker.fixStr | length;
    for (let index = 0; index < length; index++) bytes[to++] = reply.bytes[reply.start + index] as number;
    output.giveBack(at + reserved - to);
  }

  #sendResult(id: number, output: RpcOutput): void {
    const { bytes: source, length } = this.#writer;
    const reserved = frontBytesMax + length;
    const at = output.reserve(reserved);
    const { bytes } = output;
    const to = writeFront(id, bytes, at);
    bytes.set(source.subarray(0, length), to);
    output.giveBack(at + reserved - to - length);
  }

  #sendError(id: number, output: RpcOutput): void {
    const { bytes: source, length } = this.#writer;
    const reserved = frontBytesMax + length;
    const at = output.reserve(reserved);
    const { bytes } = output;
    // The nil of the front is that of the result, behind the error.
    let to = writeFront(id, bytes, at) - 1;
    bytes.set(source.subarray(0, length), to);
    to += length;
    bytes[to] = Marker.nil;
    output.giveBack(at + reserved - to - 1);
  }

  /** Whether the bytes are UTF-8; ASCII, four bytes a step. */
  #isText(bytes: Uint8Array, start: number, end: number): boolean {
    if (bytes !== this.#wordsOf) {
      this.#wordsOf = bytes;
      const isAligned = (bytes.byteOffset & 3) === 0;
      this.#words = isAligned ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : new Int32Array(0);
    }
    if (this.#words.length === 0) return isUtf8(bytes, start, end);
    const words = this.#words;
    let seen = 0;
    let at = start;
    for (; at < end && (at & 3) !== 0; at++) seen |= bytes[at] as number;
    if ((seen & 0x80) !== 0) return isUtf8(bytes, start, end);
    seen = 0;
    for (; at + 4 <= end; at += 4) seen |= words[at >> 2] as number;
    for (; at < end; at++) seen |= bytes[at] as number;
    return (seen & 0x80808080) === 0 || isUtf8(bytes, start, end);
  }
}

/** Writes `[1, id, nil,` and returns the offset behind it. */
function writeFront(id: number, target: Uint8Array, at: number): number {
  target[at] = Marker.fixArray | 4;
  target[at + 1] = 1;
  let to = at + 2;
  if (id === noId) target[to++] = Marker.nil;
  else to += writeInteger(id, target, to);
  target[to] = Marker.nil;
  return to + 1;
}
