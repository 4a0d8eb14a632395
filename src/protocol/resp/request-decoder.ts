import { Args } from '../../command/args.ts';
import { decodeRoughInteger } from '../../command/decimal.ts';
import { isHttpWord } from './http-words.ts';
import { InlineSplitter } from './inline.ts';
import { argsMaxBeforeLogin, bulkBytesMaxBeforeLogin, lineBytesMax, type RequestLimits } from './limits.ts';

/** What `next` found. */
export const Decoded = {
  /** A command: its name and arguments are `args.bytes[nameStart..nameEnd)` and `args`. */
  command: 0,
  /** There is no whole command left; `feed` more. Nothing of the input is looked at any more. */
  incomplete: 1,
  /** `error` says why. The connection can only be closed: nothing is decoded from here on. */
  protocolError: 2,
  /** The head of an HTTP request, as a page in a browser can be made to send. Nothing is decoded from here on. */
  crossProtocol: 3,
} as const;
export type Decoded = (typeof Decoded)[keyof typeof Decoded];

const asterisk = 0x2a;
const dollar = 0x24;
const cr = 0x0d;
const lf = 0x0a;

/** Nine digits always fit; a length of more is over any limit, or invalid, which is seen at leisure. */
const digitsMax = 9;
// In place of a length, all negative.
const lengthIncomplete = -1;
const lengthTooLong = -2;
const lengthInvalid = -3;
const lengthNegative = -4;

/** A carry, or arguments, that grew beyond these are given back once their command is done. */
const carryBytesKept = 4096;
const argsKept = 1024;
const carryBytesMin = 256;
/**
 * A carry grows to what is known to come, but to no more than this many times what has come: who announces much has to
 * send some of it before it takes memory, and yet a value is moved only once or so.
 */
const carryGrowth = 8;
/** Behind a long argument there is often a short one: room for it saves moving the long one. */
const carrySlack = 64;
/** Where the end of a command is not known, so many bytes are put in the carry at a time. */
const stepBytesMin = 256;
const stepBytesMax = 4096;

const none = new Uint8Array(0);

/**
 * Takes commands in RESP, or inline, out of the bytes of one connection, however these are cut into pieces. What Redis
 * takes is taken, what it refuses is refused with the same words.
 *
 * A command that arrived in one piece is decoded where it lies, without a copy. One that did not is put together in the
 * *carry*, which holds that one command only: its pieces are copied there once and what was looked at is not looked at
 * again. What comes behind it is decoded in place again.
 */
export class RequestDecoder {
  /**
   * The arguments behind the name. Take it anew after each `next`; valid until the following `next` or `feed`. Holds on
   * to no memory between commands that came whole.
   */
  args = new Args();
  /** Range of the command's name in `args.bytes`. */
  nameStart = 0;
  nameEnd = 0;
  /** What is wrong, as Redis says it behind `ERR Protocol error: `; one character a byte. */
  error = '';
  /** Whether the connection has yet to log in: until then it may send only short commands. */
  isLoginDue = false;

  readonly #limits: RequestLimits;
  /** How far from its beginning a command may be for an argument of up to 99 bytes to fit whatever its length is. */
  readonly #shortEnd: number;
  readonly #inline = new InlineSplitter();
  /** What every `next` answers once it is something final. */
  #outcome: Decoded = Decoded.incomplete;

  #input: Uint8Array = none;
  #inputAt = 0;
  /** The input is a copy made here. */
  #isInputOwn = false;

  #carry: Uint8Array = none;
  #carryLength = 0;
  /** The carry's command was told: it is forgotten by the next call. */
  #isCarryDone = false;

  // How far the command in the making was read, so that it can go on with the next piece.
  /** Arguments still to come; 0 before their number is known. */
  #left = 0;
  #hasName = false;
  /** Bytes of the argument that begins at `#at`; -1 before its length is known. */
  #bulkBytes = -1;
  #at = 0;
  /** Up to where the current line was searched for its end. */
  #searchedTo = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
    // 99 bytes, the line that says so, and the end of a line.
    this.#shortEnd = limits.commandBytesMax - 99 - 5 - 2;
  }

  /** Bytes held that no command was made of yet. */
  get bufferedBytes(): number {
    return (this.#isCarryDone ? 0 : this.#carryLength) + this.#input.length - this.#inputAt;
  }

  /** Bytes of memory taken for a command that is not whole. */
  get carryBytes(): number {
    return this.#carry.length;
  }

  /** Hands over bytes that arrived. They are not copied: leave them alone until `next` is incomplete, or `keep`. */
  feed(bytes: Uint8Array): void {
    this.#forgetTold();
    if (this.#outcome !== Decoded.incomplete) return;
    const isUsedUp = this.#inputAt === this.#input.length;
    this.#input = isUsedUp ? bytes : joined(this.#input.subarray(this.#inputAt), bytes);
    this.#isInputOwn = !isUsedUp;
    this.#inputAt = 0;
  }

  /** Copies what is left of the input, when no further command can be taken now; the command told last is forgotten. */
  keep(): void {
    this.#forgetTold();
    if (this.#isInputOwn || this.#inputAt === this.#input.length) return;
    this.#input = new Uint8Array(this.#input.subarray(this.#inputAt));
    this.#inputAt = 0;
    this.#isInputOwn = true;
  }

  next(): Decoded {
    this.#forgetTold();
    if (this.#outcome !== Decoded.incomplete) return this.#outcome;
    if (this.#carryLength > 0) {
      const decoded = this.#nextOfCarry();
      if (decoded !== Decoded.incomplete || this.#carryLength > 0) return decoded;
    }
    const input = this.#input;
    const end = input.length;
    while (this.#inputAt < end) {
      const start = this.#inputAt;
      const decoded = this.#decode(input, start, end);
      if (decoded === Decoded.command) {
        this.#inputAt = this.#at;
        // Neither an empty line nor an empty array is a command.
        if (!this.#hasName) continue;
        this.#hasName = false;
      } else if (decoded === Decoded.incomplete) {
        this.#beginCarry(start);
      }
      return decoded;
    }
    this.#dropInput();
    this.args.clear(none);
    return Decoded.incomplete;
  }

  /** Decodes what begins at `start`, from where it was left. When it is whole, `#at` is behind it. */
  #decode(bytes: Uint8Array, start: number, end: number): Decoded {
    return bytes[start] === asterisk ? this.#array(bytes, start, end) : this.#line(bytes, start, end);
  }

  #array(bytes: Uint8Array, start: number, end: number): Decoded {
    const { args } = this;
    let left = this.#left;
    let at = this.#at;
    let bulkBytes = this.#bulkBytes;
    if (left === 0) {
      left = this.#length(bytes, start, end);
      if (left === lengthIncomplete) return Decoded.incomplete;
      if (left === lengthTooLong) return this.#refuse('too big mbulk count string');
      if (left === lengthInvalid || left > this.#limits.argsMax) return this.#refuse('invalid multibulk length');
      if (left > argsMaxBeforeLogin && this.isLoginDue) return this.#refuse('unauthenticated multibulk length');
      if (left <= 0) return Decoded.command;
      at = this.#at;
      args.clear(bytes);
      this.#left = left;
    }
    const { bulkBytesMax } = this.#limits;
    const shortEnd = start + this.#shortEnd;
    while (left > 0) {
      if (bulkBytes < 0) {
        bulkBytes = at + 5 < end && at < shortEnd ? shortLength(bytes, at) : -1;
        if (bulkBytes >= 0 && bulkBytes <= bulkBytesMax) {
          at += bulkBytes < 10 ? 4 : 5;
        } else {
          bulkBytes = this.#bulkLength(bytes, start, at, end);
          if (bulkBytes < 0) {
            this.#left = left;
            this.#bulkBytes = -1;
            this.#at = at;
            return bulkBytes === lengthIncomplete ? Decoded.incomplete : Decoded.protocolError;
          }
          at = this.#at;
        }
      }
      const bulkEnd = at + bulkBytes;
      // As in Redis, the two bytes behind an argument are stepped over, whatever they are.
      if (bulkEnd + 2 > end) {
        this.#left = left;
        this.#bulkBytes = bulkBytes;
        this.#at = at;
        return Decoded.incomplete;
      }
      if (this.#hasName) {
        args.push(at, bulkEnd);
      } else {
        this.nameStart = at;
        this.nameEnd = bulkEnd;
        this.#hasName = true;
      }
      at = bulkEnd + 2;
      bulkBytes = -1;
      left--;
    }
    this.#at = at;
    this.#left = 0;
    this.#bulkBytes = -1;
    return isHttpWord(bytes, this.nameStart, this.nameEnd) ? this.#finish(Decoded.crossProtocol) : Decoded.command;
  }

  /** The length of the argument whose line is at `at`, checked; `#at` is then behind the line. Negative: none. */
  #bulkLength(bytes: Uint8Array, start: number, at: number, end: number): number {
    const length = this.#length(bytes, at, end);
    if (length === lengthIncomplete) return length;
    if (length === lengthTooLong) this.#refuse('too big bulk count string');
    else if (bytes[at] !== dollar) this.#refuse(`expected '$', got '${shown(bytes[at] as number)}'`);
    else if (length < 0 || length > this.#limits.bulkBytesMax) this.#refuse('invalid bulk length');
    else if (length > bulkBytesMaxBeforeLogin && this.isLoginDue) this.#refuse('unauthenticated bulk length');
    else if (this.#at - start + length + 2 > this.#limits.commandBytesMax) this.#refuse('too big request');
    else return length;
    return lengthInvalid;
  }

  /** The number in the line at `at`, behind its first byte; `#at` is then behind the line. Negative: there is none. */
  #length(bytes: Uint8Array, at: number, end: number): number {
    let to = at + 1;
    const digitsEnd = to + digitsMax < end ? to + digitsMax : end;
    let value = 0;
    while (to < digitsEnd) {
      const digit = (bytes[to] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      to++;
    }
    const isWhole = to + 1 < end && bytes[to] === cr;
    if (isWhole && to > at + 1 && (to === at + 2 || bytes[at + 1] !== 0x30)) {
      this.#at = to + 2;
      return value;
    }
    return this.#unusualLength(bytes, at, end);
  }

  /** As `#length`, for what is no plain number in a whole line. */
  #unusualLength(bytes: Uint8Array, at: number, end: number): number {
    const lineEnd = this.#find(cr, bytes, at, end);
    if (lineEnd < 0) return lineEnd;
    // As in Redis, a line ends with the byte behind the carriage return, whatever that is.
    if (lineEnd + 1 === end) return lengthIncomplete;
    this.#searchedTo = 0;
    this.#at = lineEnd + 2;
    const value = decodeRoughInteger(bytes, at + 1, lineEnd);
    return Number.isNaN(value) ? lengthInvalid : value < 0 ? lengthNegative : value;
  }

  /** Decodes an inline command. */
  #line(bytes: Uint8Array, start: number, end: number): Decoded {
    const lineEnd = this.#find(lf, bytes, start, end);
    if (lineEnd === lengthIncomplete) return Decoded.incomplete;
    if (lineEnd === lengthTooLong) return this.#refuse('too big inline request');
    this.#searchedTo = 0;
    this.#at = lineEnd + 1;
    const textEnd = lineEnd > start && bytes[lineEnd - 1] === cr ? lineEnd - 1 : lineEnd;
    const words = this.#inline.split(bytes, start, textEnd, this.args);
    if (words < 0) return this.#refuse('unbalanced quotes in request');
    if (words > this.#limits.argsMax) return this.#refuse('too big inline request');
    if (words === 0) return Decoded.command;
    this.nameStart = this.#inline.nameStart;
    this.nameEnd = this.#inline.nameEnd;
    if (isHttpWord(this.args.bytes, this.nameStart, this.nameEnd)) return this.#finish(Decoded.crossProtocol);
    this.#hasName = true;
    return Decoded.command;
  }

  /** Where the first `byte` of the line at `at` is; `lengthIncomplete` or `lengthTooLong` when there is none. */
  #find(byte: number, bytes: Uint8Array, at: number, end: number): number {
    const searchEnd = at + lineBytesMax + 1;
    const to = Math.min(searchEnd, end);
    let from = Math.max(at, this.#searchedTo);
    // Most lines are so short that a loop is faster than a view.
    for (const shortTo = Math.min(to, from + 128); from < shortTo; from++) {
      if (bytes[from] === byte) return from;
    }
    const found = from < to ? bytes.subarray(0, to).indexOf(byte, from) : -1;
    if (found >= 0) return found;
    if (searchEnd <= end) return lengthTooLong;
    this.#searchedTo = end;
    return lengthIncomplete;
  }

  /** Goes on with the command in the carry, with as much of the input as it needs. */
  #nextOfCarry(): Decoded {
    for (;;) {
      const decoded = this.#decode(this.#carry, 0, this.#carryLength);
      if (decoded === Decoded.command) {
        // What was put in the carry beyond its command goes back: it came from this input, or the command would have
        // been whole before.
        this.#inputAt -= this.#carryLength - this.#at;
        this.#isCarryDone = true;
        if (!this.#hasName) {
          this.#forgetTold();
          return Decoded.incomplete;
        }
        this.#hasName = false;
        return decoded;
      }
      if (decoded !== Decoded.incomplete) return decoded;
      const rest = this.#input.length - this.#inputAt;
      if (rest === 0) {
        this.#dropInput();
        return decoded;
      }
      const missing = this.#bulkBytes < 0 ? 0 : this.#at + this.#bulkBytes + 2 - this.#carryLength;
      const step = Math.max(missing, stepBytesMin, Math.min(this.#carryLength, stepBytesMax));
      this.#addToCarry(this.#inputAt, this.#inputAt + Math.min(rest, step));
    }
  }

  /** Puts the rest of the input, where a command begins that is not whole, in the carry. */
  #beginCarry(start: number): void {
    const known = this.#bulkBytes < 0 ? 0 : this.#at + this.#bulkBytes - start;
    this.#forgetProgress();
    this.#reserveCarry(this.#input.length - start, known);
    this.#addToCarry(start, this.#input.length);
    this.#dropInput();
    this.args.clear(none);
  }

  #addToCarry(start: number, end: number): void {
    this.#reserveCarry(this.#carryLength + end - start, this.#bulkBytes < 0 ? 0 : this.#at + this.#bulkBytes);
    this.#carry.set(this.#input.subarray(start, end), this.#carryLength);
    this.#carryLength += end - start;
    this.#inputAt = end;
  }

  /** Makes room for `needed` bytes, and for the `known` that will be needed as far as that is not too much more. */
  #reserveCarry(needed: number, known: number): void {
    if (needed <= this.#carry.length) return;
    const wanted = known > needed ? Math.min(known + carrySlack, needed * carryGrowth) : Math.ceil(needed * 1.5);
    const carry = new Uint8Array(Math.max(carryBytesMin, needed, wanted));
    carry.set(this.#carry.subarray(0, this.#carryLength));
    this.#carry = carry;
    // Ranges stay as they are: only the buffer they point into is another.
    if (this.#left > 0) this.args.bytes = carry;
  }

  /** Makes an end of the command that was told by the last call. */
  #forgetTold(): void {
    if (this.args.count > argsKept && this.#left === 0) this.args = new Args();
    if (!this.#isCarryDone) return;
    this.#isCarryDone = false;
    this.#carryLength = 0;
    if (this.#carry.length > carryBytesKept) this.#carry = none;
    this.#forgetProgress();
  }

  #forgetProgress(): void {
    this.#left = 0;
    this.#hasName = false;
    this.#bulkBytes = -1;
    this.#searchedTo = 0;
  }

  #dropInput(): void {
    this.#input = none;
    this.#inputAt = 0;
  }

  #refuse(error: string): Decoded {
    this.error = error;
    return this.#finish(Decoded.protocolError);
  }

  #finish(outcome: Decoded): Decoded {
    this.#outcome = outcome;
    this.#carry = none;
    this.#carryLength = 0;
    this.#dropInput();
    this.args.clear(none);
    return outcome;
  }
}

/** The length of one or two digits in the line at `at`; -1 when it is none. At least six bytes are there. */
function shortLength(bytes: Uint8Array, at: number): number {
  const first = (bytes[at + 1] as number) - 0x30;
  const second = bytes[at + 2] as number;
  if (bytes[at] !== dollar || first < 0 || first > 9) return -1;
  if (second === cr) return first;
  const digit = second - 0x30;
  return digit >= 0 && digit <= 9 && first !== 0 && bytes[at + 3] === cr ? first * 10 + digit : -1;
}

/** A byte as it stands in an error: what would end the line is made a blank, and C's text ends at a zero byte. */
function shown(byte: number): string {
  return byte === cr || byte === lf ? ' ' : String.fromCharCode(byte);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
