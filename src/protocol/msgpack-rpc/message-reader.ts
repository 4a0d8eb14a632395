import {
  countAt,
  headBytesOf,
  idAt,
  kindOf,
  Marker,
  skipValue,
  uint16At,
  uint32At,
  WireKind,
} from '../../base/msgpack-wire.ts';
import type { Args } from '../../command/args.ts';
import { type RpcRefusal, refuse } from './refusal.ts';

/** What `readWhole` found. */
export const Outcome = {
  /** A request or a notification, its fields set. */
  message: 0,
  /** A message that is answered with `refusal` on its id, if it has one. */
  refused: 1,
  /** The other end does not speak the protocol: nothing more is to be read. */
  broken: 2,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Of a message that is answered by nothing. */
export const noId = -1;

/** Reads the frame of messages; a record that is refilled for every message. Ranges are of the bytes last read. */
export class MessageReader {
  /** {@link noId} for a notification. */
  id = noId;
  methodStart = 0;
  methodEnd = 0;
  paramCount = 0;
  /** Where the first param begins. */
  paramsStart = 0;
  /** Of the params `readPlain` found: whether one of them is bin. */
  hasBin = false;
  refusal: RpcRefusal = refuse('protocol', '');

  /**
   * Reads the usual message straight from the bytes: params that are str or bin only, which are pushed to `args`, and
   * markers as encoders choose them. Answers where the message ends; 0, having read nothing, when it is any other or
   * not whole.
   */
  readPlain(bytes: Uint8Array, start: number, end: number, args: Args): number {
    // The shortest message there is has 5 bytes; of longer ones each read below is within `end` or found not to be.
    if (end - start < 5) return 0;
    let at = start + 2;
    const marker = bytes[start] as number;
    const type = bytes[start + 1] as number;
    if (marker === 0x94 && type === 0) {
      const first = bytes[at] as number;
      if (first < Marker.fixMap) {
        this.id = first;
        at += 1;
      } else if (first === Marker.uint16) {
        this.id = uint16At(bytes, at + 1);
        at += 3;
      } else if (first === Marker.uint32) {
        this.id = uint32At(bytes, at + 1);
        at += 5;
      } else if (first === Marker.uint8) {
        this.id = bytes[at + 1] as number;
        at += 2;
      } else return 0;
    } else if (marker === 0x93 && type === 2) this.id = noId;
    else return 0;

    const method = bytes[at] as number;
    if (at >= end || (method & 0xe0) !== Marker.fixStr) return 0;
    this.methodStart = at + 1;
    at += 1 + (method & 0x1f);
    this.methodEnd = at;
    if (at >= end) return 0;
    const params = bytes[at] as number;
    let count = params & 0x0f;
    if (params === Marker.array16) {
      count = uint16At(bytes, at + 1);
      at += 3;
    } else if ((params & 0xf0) === Marker.fixArray) at += 1;
    else return 0;
    if (at > end) return 0;
    this.paramCount = count;
    this.paramsStart = at;
    this.hasBin = false;
    args.clear(bytes);
    for (; count > 0; count--) {
      if (at >= end) return 0;
      const kind = bytes[at] as number;
      let length: number;
      if ((kind & 0xe0) === Marker.fixStr) {
        length = kind & 0x1f;
        at += 1;
      } else if (kind === Marker.str8 || kind === Marker.bin8) {
        // Zero behind the end of the buffer.
        length = (bytes[at + 1] as number) | 0;
        at += 2;
      } else if (kind === Marker.str16 || kind === Marker.bin16) {
        length = uint16At(bytes, at + 1);
        at += 3;
      } else if (kind === Marker.str32 || kind === Marker.bin32) {
        length = uint32At(bytes, at + 1);
        at += 5;
      } else return 0;
      if (kind >= Marker.bin8 && kind <= Marker.bin32) this.hasBin = true;
      // Where a length was cut off it is less than it will be, but its end is beyond `end` all the same.
      if (at + length > end) return 0;
      args.push(at, at + length);
      at += length;
    }
    return at;
  }

  /** Reads the frame of a message that a scanner found whole. */
  readWhole(bytes: Uint8Array, start: number): Outcome {
    const elements = countAt(bytes, start);
    let at = start + headBytesOf(bytes[start] as number);
    const type = idAt(bytes, at);
    at = skipValue(bytes, at);
    this.id = noId;
    if (elements === 4 && type === 0) {
      this.id = idAt(bytes, at);
      if (this.id < 0) return this.#refuse(Outcome.broken, 'protocol', 'an id is a whole number from 0 to 4294967295');
      at = skipValue(bytes, at);
    } else if (elements !== 3 || type !== 2) {
      const found = type === 1 ? 'no responses' : 'requests of type 0 and notifications of type 2';
      return this.#refuse(Outcome.broken, 'protocol', `a client sends ${found}`);
    }
    const method = at;
    at = skipValue(bytes, at);
    if (kindOf(bytes[method] as number) !== WireKind.str) {
      return this.#refuse(Outcome.refused, 'bad-request', 'the method must be a str');
    }
    this.methodStart = method + headBytesOf(bytes[method] as number);
    this.methodEnd = at;
    return this.#params(bytes, at);
  }

  /** Reads `[method, params]`, an operation of a batch, as it does a message. */
  readOperation(bytes: Uint8Array, start: number): Outcome {
    const wanted = 'an operation is [method, params]';
    this.id = noId;
    if (kindOf(bytes[start] as number) !== WireKind.array || countAt(bytes, start) !== 2) {
      return this.#refuse(Outcome.refused, 'bad-request', wanted);
    }
    const method = start + headBytesOf(bytes[start] as number);
    const at = skipValue(bytes, method);
    if (kindOf(bytes[method] as number) !== WireKind.str) return this.#refuse(Outcome.refused, 'bad-request', wanted);
    this.methodStart = method + headBytesOf(bytes[method] as number);
    this.methodEnd = at;
    return this.#params(bytes, at);
  }

  #params(bytes: Uint8Array, at: number): Outcome {
    const marker = bytes[at] as number;
    if (kindOf(marker) !== WireKind.array) {
      return this.#refuse(Outcome.refused, 'bad-request', 'the params must be an array');
    }
    this.paramCount = countAt(bytes, at);
    this.paramsStart = at + headBytesOf(marker);
    return Outcome.message;
  }

  #refuse(outcome: Outcome, code: RpcRefusal['code'], message: string): Outcome {
    this.refusal = refuse(code, message);
    return outcome;
  }
}
