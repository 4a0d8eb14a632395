import { countAt, headBytesOf, idAt, kindOf, WireKind } from '../base/msgpack-wire.ts';
import { MessageScanner, Scan } from '../protocol/msgpack-rpc/message-scanner.ts';
import { encodeRequest } from '../protocol/resp/request-encoder.ts';
import type { BenchPlan } from './bench-plan.ts';

/** Digits of a key's number. */
export const KEY_DIGITS = 12;
const digitsOfZero = '0'.repeat(KEY_DIGITS);
const messageBytesMax = 2 ** 30;

/** A request encoded beforehand: copied, and the number of the key written into it, for each request. */
export interface Frame {
  readonly bytes: Buffer;
  /** Where the digits of the key's number stand. */
  readonly digitsAt: readonly number[];
  /** Where the request's id stands, a big-endian word; -1 without one. */
  readonly idAt: number;
}

export const Outcome = { stored: 0, value: 1, miss: 2, error: 3, strange: 4 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Finds where answers end and what they say, without making anything of them. */
export interface AnswerScanner {
  /** Looks at the answer at `bytes[start..]`. Returns where it ends; -1 when it is not whole yet. */
  next(bytes: Buffer, start: number, end: number): number;
  readonly outcome: Outcome;
  /** Of a value: where it begins and how long it is. */
  readonly valueAt: number;
  readonly valueBytes: number;
  /** The request's id; -1 when answers come in the order of requests. */
  readonly id: number;
}

/** A protocol as the load speaks it. */
export interface Wire {
  readonly read: Frame;
  readonly write: Frame;
  /** Sent first, and answered by one answer; null when nothing has to be said. */
  readonly login: Uint8Array | null;
  readonly hasIds: boolean;
  scanner(): AnswerScanner;
}

/** Keys name the size of their values, so that what another run left behind is not taken for a wrong answer. */
function keyOf(plan: BenchPlan): string {
  return (plan.keyPrefix ?? `bench:${plan.valueBytes}:`) + digitsOfZero;
}

/** A value begins with the number of its key, if there is room for it. */
function valueText(plan: BenchPlan): string {
  return (plan.valueBytes < KEY_DIGITS ? '' : digitsOfZero).padEnd(plan.valueBytes, 'x');
}

function frame(bytes: Uint8Array, idAt: number): Frame {
  const buffer = Buffer.from(bytes);
  const digitsAt: number[] = [];
  let at = buffer.indexOf(digitsOfZero);
  while (at >= 0) {
    digitsAt.push(at);
    at = buffer.indexOf(digitsOfZero, at + KEY_DIGITS);
  }
  return { bytes: buffer, digitsAt, idAt };
}

export function wireOf(plan: BenchPlan): Wire {
  switch (plan.protocol) {
    case 'resp':
      return respWire(plan);
    case 'msgpack':
      return msgpackWire(plan);
    case 'http':
      return httpWire(plan);
  }
}

function respWire(plan: BenchPlan): Wire {
  const { user, password } = plan.target;
  const key = keyOf(plan);
  const expiry = plan.ttlSeconds > 0 ? ['EX', plan.ttlSeconds] : [];
  const name = user === undefined ? [] : [user];
  return {
    read: frame(encodeRequest(['GET', key]), -1),
    write: frame(encodeRequest(['SET', key, valueText(plan), ...expiry]), -1),
    login: password === undefined ? null : encodeRequest(['AUTH', ...name, password]),
    hasIds: false,
    scanner: () => new RespScanner(),
  };
}

/** The answers of GET, SET and AUTH in RESP. */
class RespScanner implements AnswerScanner {
  outcome: Outcome = Outcome.strange;
  valueAt = 0;
  valueBytes = 0;
  readonly id = -1;

  next(bytes: Buffer, start: number, end: number): number {
    const lineEnd = bytes.indexOf(0x0a, start);
    if (lineEnd < 0 || lineEnd >= end) return -1;
    switch (bytes[start]) {
      case 0x2b: // +
        this.outcome = Outcome.stored;
        return lineEnd + 1;
      case 0x2d: // -
        this.outcome = Outcome.error;
        return lineEnd + 1;
      case 0x5f: // _
        this.outcome = Outcome.miss;
        return lineEnd + 1;
      case 0x24: {
        if (bytes[start + 1] === 0x2d) {
          this.outcome = Outcome.miss;
          return lineEnd + 1;
        }
        let length = 0;
        for (let at = start + 1; at < lineEnd - 1; at++) length = length * 10 + (bytes[at] as number) - 0x30;
        const next = lineEnd + 1 + length + 2;
        if (next > end) return -1;
        this.outcome = Outcome.value;
        this.valueAt = lineEnd + 1;
        this.valueBytes = length;
        return next;
      }
      default:
        this.outcome = Outcome.strange;
        return lineEnd + 1;
    }
  }
}

function msgpackWire(plan: BenchPlan): Wire {
  const { user, password } = plan.target;
  const key = packText(keyOf(plan));
  const expiry = plan.ttlSeconds > 0 ? [packText('EX'), packText(String(plan.ttlSeconds))] : [];
  const login = [...(user === undefined ? [] : [packText(user)]), packText(password ?? '')];
  return {
    read: packRequest('get', [key]),
    write: packRequest('set', [key, packText(valueText(plan)), ...expiry]),
    login: password === undefined ? null : packRequest('auth', login).bytes,
    hasIds: true,
    scanner: () => new MsgpackScanner(),
  };
}

/** `[0, id, method, params]` with an id of four bytes. */
function packRequest(method: string, params: readonly Buffer[]): Frame {
  const head = Buffer.from([0x94, 0x00, 0xce, 0, 0, 0, 0]);
  const all = [head, packText(method), Buffer.from([0x90 | params.length]), ...params];
  return frame(Buffer.concat(all), 3);
}

function packText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length < 32) return Buffer.concat([Buffer.from([0xa0 | bytes.length]), bytes]);
  const head = Buffer.alloc(5, 0xdb);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** The answers of get, set and auth in MessagePack-RPC: `[1, id, error, result]`. */
class MsgpackScanner implements AnswerScanner {
  outcome: Outcome = Outcome.strange;
  valueAt = 0;
  valueBytes = 0;
  id = 0;
  readonly #messages = new MessageScanner(messageBytesMax);

  next(bytes: Buffer, start: number, end: number): number {
    this.#messages.begin();
    const next = this.#messages.scan(bytes, start, end);
    if (next === Scan.incomplete) return -1;
    this.outcome = Outcome.strange;
    // What is no MessagePack cannot be stepped over; neither can what follows.
    if (next < 0) return end;
    if (bytes[start] !== 0x94 || bytes[start + 1] !== 1) return next;
    this.id = idAt(bytes, start + 2);
    const errorAt = start + 2 + headBytesOf(bytes[start + 2] as number);
    if (bytes[errorAt] !== 0xc0) {
      this.outcome = Outcome.error;
      return next;
    }
    const marker = bytes[errorAt + 1] as number;
    const kind = kindOf(marker);
    if (kind === WireKind.nil) {
      this.outcome = Outcome.miss;
    } else if (kind === WireKind.str || kind === WireKind.bin) {
      this.valueAt = errorAt + 1 + headBytesOf(marker);
      this.valueBytes = countAt(bytes, errorAt + 1);
      const isOk = this.valueBytes === 2 && bytes[this.valueAt] === 0x4f && bytes[this.valueAt + 1] === 0x4b;
      this.outcome = isOk ? Outcome.stored : Outcome.value;
    }
    return next;
  }
}

function httpWire(plan: BenchPlan): Wire {
  const { user, password, host, port } = plan.target;
  const key = keyOf(plan);
  const credentials =
    password === undefined
      ? ''
      : user === undefined
        ? `Authorization: Bearer ${password}\r\n`
        : `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`;
  const head = `Host: ${host}:${port}\r\n${credentials}`;
  const ttl = plan.ttlSeconds > 0 ? `,"ttl":${plan.ttlSeconds}` : '';
  const body = `{"key":"${key}","value":"${valueText(plan)}"${ttl}}`;
  const type = 'Content-Type: application/json\r\n';
  return {
    read: frame(Buffer.from(`GET /get?key=${key} HTTP/1.1\r\n${head}\r\n`), -1),
    write: frame(Buffer.from(`POST /set HTTP/1.1\r\n${head}${type}Content-Length: ${body.length}\r\n\r\n${body}`), -1),
    login: null,
    hasIds: false,
    scanner: () => new HttpScanner(),
  };
}

const valueField = Buffer.from('"value":"');
const okField = Buffer.from('{"ok":true');

/** The answers of GET /get and POST /set. */
class HttpScanner implements AnswerScanner {
  outcome: Outcome = Outcome.strange;
  valueAt = 0;
  valueBytes = 0;
  readonly id = -1;

  next(bytes: Buffer, start: number, end: number): number {
    const headEnd = bytes.indexOf('\r\n\r\n', start, 'latin1');
    if (headEnd < 0 || headEnd + 4 > end) return -1;
    const head = bytes.toString('latin1', start, headEnd);
    const bodyAt = headEnd + 4;
    const next = bodyAt + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (next > end) return -1;
    const status = head.slice(9, 12);
    const fieldAt = bytes.indexOf(valueField, bodyAt);
    if (status === '404') this.outcome = Outcome.miss;
    else if (status !== '200') this.outcome = Outcome.error;
    else if (bytes.indexOf(okField, bodyAt) === bodyAt) this.outcome = Outcome.stored;
    else if (fieldAt < 0 || fieldAt >= next) this.outcome = Outcome.strange;
    else {
      this.outcome = Outcome.value;
      this.valueAt = fieldAt + valueField.length;
      this.valueBytes = bytes.indexOf(0x22, this.valueAt) - this.valueAt;
    }
    return next;
  }
}
