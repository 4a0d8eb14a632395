import type { Socket } from 'node:net';
import { unpack } from 'msgpackr';
import { copyBytes } from '../base/copy-bytes.ts';
import type { Load } from './bench-tally.ts';
import { type AnswerScanner, type Frame, KEY_DIGITS, Outcome } from './bench-wire.ts';
import { ConnectionError } from './connection.ts';

/** What an error is quoted up to. */
const FAULT_BYTES_MAX = 200;

/** One connection of a load: keeps up to `depth` requests under way, and checks every answer. */
export class LoadConnection {
  readonly #load: Load;
  readonly #socket: Socket;
  readonly #index: number;
  readonly #scanner: AnswerScanner;
  /** By slot of a request under way: when it was sent or due, its key, and whether it reads. */
  readonly #sinceMs: Float64Array;
  readonly #keys: Float64Array;
  readonly #isRead: Uint8Array;
  /** Slots not in use. Without ids, slots are used in turn instead, as answers come in turn. */
  readonly #free: number[];
  #underWay = 0;
  /** When an answer last made room on a connection that was full. */
  #roomSinceMs = 0;
  #sent = 0;
  #answered = 0;
  #rest: Buffer = Buffer.alloc(0);
  #onEnd: (error?: ConnectionError) => void = () => undefined;
  #onLogin: ((error?: ConnectionError) => void) | null = null;
  /** No request is left to be sent, and all are answered. */
  isDone = false;

  constructor(load: Load, socket: Socket, index: number) {
    const { depth } = load.plan;
    this.#load = load;
    this.#socket = socket;
    this.#index = index;
    this.#scanner = load.wire.scanner();
    this.#sinceMs = new Float64Array(depth);
    this.#keys = new Float64Array(depth);
    this.#isRead = new Uint8Array(depth);
    this.#free = Array.from({ length: depth }, (_, slot) => depth - 1 - slot);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const error = new ConnectionError('The server closed a connection within the run.');
      this.#onLogin?.(error);
      this.#onEnd(error);
    });
  }

  /** Logs in, where there is a password. */
  login(): Promise<void> {
    const { login } = this.#load.wire;
    if (login === null) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#onLogin = (error) => (error === undefined ? resolve() : reject(error));
      this.#socket.write(login);
    });
  }

  /** Sends and receives until nothing is left. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onEnd = (error) => {
        this.isDone = true;
        if (error === undefined) resolve();
        else reject(error);
      };
      this.send(performance.now());
    });
  }

  close(): void {
    this.#onEnd = () => undefined;
    this.#socket.destroy();
  }

  /** When the next request is to be sent; infinite when it has to wait for an answer, or nothing is left. */
  get nextDueMs(): number {
    const { plan, left } = this.#load;
    return left === 0 || this.isDone || this.#underWay === plan.depth ? Number.POSITIVE_INFINITY : this.#dueMs();
  }

  /** Sends as many requests as may be sent now, in one write. */
  send(nowMs: number): void {
    if (this.isDone) return;
    const load = this.#load;
    const { depth, rate, durationMs } = load.plan;
    if (nowMs - load.startMs >= durationMs) load.left = 0;
    const first = this.#sent;
    const slots: number[] = [];
    let size = 0;
    while (this.#underWay < depth && load.left > 0) {
      const sinceMs = rate > 0 ? this.#dueMs() : nowMs;
      if (sinceMs > nowMs) break;
      if (rate > 0 && sinceMs >= this.#roomSinceMs) load.recordLate(nowMs - sinceMs);
      const slot = load.wire.hasIds ? (this.#free.pop() as number) : this.#sent % depth;
      const isRead = load.nextIsRead();
      this.#sinceMs[slot] = sinceMs;
      this.#keys[slot] = load.nextKey();
      this.#isRead[slot] = isRead ? 1 : 0;
      slots.push(slot);
      size += (isRead ? load.wire.read : load.wire.write).bytes.length;
      this.#underWay++;
      this.#sent++;
      load.left--;
    }
    if (this.#sent > first) {
      const bytes = Buffer.allocUnsafe(size);
      let at = 0;
      for (const slot of slots) {
        at = this.#put(bytes, at, this.#isRead[slot] === 1 ? load.wire.read : load.wire.write, slot);
      }
      load.sentBytes += size;
      this.#socket.write(bytes);
    }
    if (this.#underWay === 0 && load.left === 0) this.#onEnd();
  }

  /** Request k of all connections of the thread together is due k / rate after the start; they take turns. */
  #dueMs(): number {
    const { plan, startMs } = this.#load;
    return startMs + ((this.#sent * plan.connections + this.#index) * 1000) / plan.rate;
  }

  #put(bytes: Buffer, at: number, frame: Frame, slot: number): number {
    copyBytes(frame.bytes, 0, bytes, at, frame.bytes.length);
    for (const digitsAt of frame.digitsAt) {
      let number = this.#keys[slot] as number;
      for (let digit = at + digitsAt + KEY_DIGITS - 1; number > 0; digit--) {
        bytes[digit] = 0x30 + (number % 10);
        number = Math.floor(number / 10);
      }
    }
    if (frame.idAt >= 0) bytes.writeUInt32BE(slot, at + frame.idAt);
    return at + frame.bytes.length;
  }

  #receive(chunk: Buffer): void {
    const load = this.#load;
    load.receivedBytes += chunk.length;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const nowMs = performance.now();
    let at = 0;
    while (at < bytes.length) {
      const next = this.#scanner.next(bytes, at, bytes.length);
      if (next < 0) break;
      if (this.#onLogin !== null) this.#endLogin(bytes, at, next);
      else this.#take(bytes, at, next, nowMs);
      at = next;
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at);
    if (this.#onLogin === null && !this.isDone && load.startMs > 0) this.send(nowMs);
  }

  #endLogin(bytes: Buffer, start: number, end: number): void {
    const settle = this.#onLogin;
    this.#onLogin = null;
    const isIn = this.#scanner.outcome === Outcome.stored;
    settle?.(isIn ? undefined : new ConnectionError(`Logging in was refused: ${quoted(bytes, start, end)}`));
  }

  #take(bytes: Buffer, start: number, end: number, nowMs: number): void {
    const load = this.#load;
    const { depth } = load.plan;
    const slot = load.wire.hasIds ? this.#scanner.id : this.#answered % depth;
    if (this.#underWay === 0 || slot >= depth) {
      load.fault('wrong', () => `an answer that nobody asked for: ${quoted(bytes, start, end)}`);
      return;
    }
    if (load.wire.hasIds) this.#free.push(slot);
    if (this.#underWay === depth) this.#roomSinceMs = nowMs;
    this.#underWay--;
    this.#answered++;
    const isRead = this.#isRead[slot] === 1;
    load.record(isRead, nowMs - (this.#sinceMs[slot] as number));
    if (isRead) load.reads++;
    else load.writes++;
    this.#check(bytes, start, end, slot, isRead);
  }

  #check(bytes: Buffer, start: number, end: number, slot: number, isRead: boolean): void {
    const load = this.#load;
    switch (this.#scanner.outcome) {
      case Outcome.error:
        load.fault('errors', () => quoted(bytes, start, end));
        return;
      case Outcome.stored:
        if (!isRead) return;
        break;
      case Outcome.miss:
        if (isRead) return;
        break;
      case Outcome.value:
        if (!isRead || !this.#isValueOf(bytes, this.#keys[slot] as number)) break;
        load.hits++;
        return;
    }
    const what = isRead ? 'a read' : 'a write';
    load.fault('wrong', () => `${what} of key ${this.#keys[slot]} was answered ${quoted(bytes, start, end)}`);
  }

  #isValueOf(bytes: Buffer, key: number): boolean {
    const { valueAt, valueBytes } = this.#scanner;
    if (valueBytes !== this.#load.plan.valueBytes) return false;
    if (valueBytes < KEY_DIGITS) return true;
    let number = 0;
    for (let at = valueAt; at < valueAt + KEY_DIGITS; at++) number = number * 10 + (bytes[at] as number) - 0x30;
    return number === key;
  }
}

function quoted(bytes: Buffer, start: number, end: number): string {
  // Only an answer of MessagePack-RPC, an array of four, begins so.
  const text = bytes[start] === 0x94 ? answerText(bytes.subarray(start, end)) : null;
  return text ?? JSON.stringify(bytes.toString('latin1', start, Math.min(end, start + FAULT_BYTES_MAX)));
}

/** The error of an answer of MessagePack-RPC, or else its result, as JSON; null when it is none. */
function answerText(answer: Buffer): string | null {
  try {
    const [, , error, result] = unpack(answer) as unknown[];
    return JSON.stringify(error ?? result).slice(0, FAULT_BYTES_MAX);
  } catch {
    return null;
  }
}
