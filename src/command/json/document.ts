import type { ReplyWriter } from '../reply.ts';

/** Why bytes are no document. */
export interface DocumentFault {
  readonly code: 'invalid-json' | 'too-deep';
  readonly message: string;
}

/** Levels of arrays and objects a document may have. */
export const depthMax = 128;

export const NodeKind = { null: 0, false: 1, true: 2, number: 3, string: 4, array: 5, object: 6 } as const;
export type NodeKind = (typeof NodeKind)[keyof typeof NodeKind];

/** Words of one node. */
const stride = 7;
/** Flags beside the kind: the string, or the member's name, holds a backslash. */
const escapedValue = 0x10;
const escapedName = 0x20;

/**
 * A JSON text and what is where in it: nodes in the order of the text, a container before what it holds, each with the
 * range of bytes it takes. Values stay text, so that what a command does not touch keeps its bytes: numbers their
 * precision, members their order, `__proto__` a name like any other.
 *
 * The descendants of node n are the nodes n + 1 to `after(n)` - 1. Node 0 is the root.
 */
export class JsonDocument {
  bytes: Uint8Array = new Uint8Array(0);
  nodeCount = 0;
  /** Whether there is no blank between tokens, so that a node's bytes are its shortest text. */
  compact = true;
  /**
   * Word by word: kind and flags, start and end of the value (quotes and brackets included), start and end of the
   * member's name within its quotes (both -1 for what is no member), parent (-1 for the root), after.
   */
  #words = new Int32Array(64 * stride);

  kind(node: number): NodeKind {
    return ((this.#words[node * stride] as number) & 0xf) as NodeKind;
  }

  start(node: number): number {
    return this.#words[node * stride + 1] as number;
  }

  end(node: number): number {
    return this.#words[node * stride + 2] as number;
  }

  nameStart(node: number): number {
    return this.#words[node * stride + 3] as number;
  }

  nameEnd(node: number): number {
    return this.#words[node * stride + 4] as number;
  }

  parent(node: number): number {
    return this.#words[node * stride + 5] as number;
  }

  /** The first node behind the node and all its descendants: its next sibling if its parent has one. */
  after(node: number): number {
    return this.#words[node * stride + 6] as number;
  }

  isContainer(node: number): boolean {
    return this.kind(node) >= NodeKind.array;
  }

  childCount(node: number): number {
    if (!this.isContainer(node)) return 0;
    let count = 0;
    const end = this.after(node);
    for (let child = node + 1; child < end; child = this.after(child)) count++;
    return count;
  }

  /** The member of an object with that name; of several the last, as JSON.parse has it; -1 when there is none. */
  member(node: number, name: MemberName): number {
    let found = -1;
    const end = this.after(node);
    for (let child = node + 1; child < end; child = this.after(child)) {
      if (this.isNamed(child, name)) found = child;
    }
    return found;
  }

  isNamed(node: number, name: MemberName): boolean {
    if (((this.#words[node * stride] as number) & escapedName) !== 0 || name.hasBackslash) {
      return this.name(node) === name.text;
    }
    const start = this.nameStart(node);
    if (this.nameEnd(node) - start !== name.bytes.length) return false;
    for (let at = 0; at < name.bytes.length; at++) {
      if (this.bytes[start + at] !== name.bytes[at]) return false;
    }
    return true;
  }

  name(node: number): string {
    const escaped = ((this.#words[node * stride] as number) & escapedName) !== 0;
    return this.#text(this.nameStart(node), this.nameEnd(node), escaped);
  }

  /** The value of a string node. */
  string(node: number): string {
    const escaped = ((this.#words[node * stride] as number) & escapedValue) !== 0;
    return this.#text(this.start(node) + 1, this.end(node) - 1, escaped);
  }

  /** The value of a number node as the nearest double. */
  number(node: number): number {
    return Number(this.#text(this.start(node), this.end(node), false));
  }

  #text(start: number, end: number, escaped: boolean): string {
    const raw = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, end - start).toString('utf8');
    return escaped ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  /** Takes `bytes[start..end)`, which must stay as they are while the document is used. Null when it is one JSON text. */
  parse(bytes: Uint8Array, start: number, end: number): DocumentFault | null {
    this.bytes = bytes;
    this.nodeCount = 0;
    this.compact = true;
    // A large document's words are not kept for the small ones that follow.
    if (this.#words.length > wordsKept) this.#words = new Int32Array(64 * stride);
    return this.#parse(start, end);
  }

  /** One loop, no recursion: `node` is the container being filled, its parent is where to go on behind it. */
  #parse(start: number, end: number): DocumentFault | null {
    const bytes = this.bytes;
    let at = this.#skipBlank(start, end);
    let container = -1;
    let depth = 0;
    let isAscii = true;
    for (;;) {
      let nameStart = -1;
      let nameEnd = -1;
      let flags = 0;
      if (container >= 0 && this.kind(container) === NodeKind.object) {
        if (bytes[at] !== quote || at >= end) return unexpected(bytes, at, end);
        nameStart = at + 1;
        at = this.#skipString(at, end);
        if (at < 0) return badString;
        nameEnd = at - 1;
        if (this.#sawBackslash) flags |= escapedName;
        isAscii &&= !this.#sawNonAscii;
        at = this.#skipBlank(at, end);
        if (bytes[at] !== colon || at >= end) return unexpected(bytes, at, end);
        at = this.#skipBlank(at + 1, end);
      }
      if (at >= end) return unexpected(bytes, at, end);
      const node = this.#add(at, nameStart, nameEnd, container);
      let kind: NodeKind;
      const first = bytes[at] as number;
      if (first === openBrace || first === openBracket) {
        kind = first === openBrace ? NodeKind.object : NodeKind.array;
        if (++depth > depthMax) return tooDeep;
        this.#words[node * stride] = kind | flags;
        at = this.#skipBlank(at + 1, end);
        if (at < end && bytes[at] === (first === openBrace ? closeBrace : closeBracket)) {
          // Empty: closed below as any container is.
          container = node;
        } else {
          container = node;
          continue;
        }
      } else {
        if (first === quote) {
          kind = NodeKind.string;
          at = this.#skipString(at, end);
          if (at < 0) return badString;
          if (this.#sawBackslash) flags |= escapedValue;
          isAscii &&= !this.#sawNonAscii;
        } else if (first === 0x74 && isWordAt(bytes, at, end, 'true')) {
          kind = NodeKind.true;
          at += 4;
        } else if (first === 0x66 && isWordAt(bytes, at, end, 'false')) {
          kind = NodeKind.false;
          at += 5;
        } else if (first === 0x6e && isWordAt(bytes, at, end, 'null')) {
          kind = NodeKind.null;
          at += 4;
        } else {
          kind = NodeKind.number;
          const numberEnd = skipNumber(bytes, at, end);
          if (numberEnd < 0) return unexpected(bytes, at, end);
          at = numberEnd;
        }
        this.#words[node * stride] = kind | flags;
        this.#words[node * stride + 2] = at;
        this.#words[node * stride + 6] = this.nodeCount;
        at = this.#skipBlank(at, end);
      }
      // Behind a value, or at the closing bracket of an empty container: closes all that end here.
      for (;;) {
        if (container < 0) {
          if (at < end) return unexpected(bytes, at, end);
          return isAscii || isUtf8(bytes, start, end) ? null : badUtf8;
        }
        const close = this.kind(container) === NodeKind.object ? closeBrace : closeBracket;
        if (at < end && bytes[at] === close) {
          this.#words[container * stride + 2] = at + 1;
          this.#words[container * stride + 6] = this.nodeCount;
          container = this.parent(container);
          depth--;
          at = this.#skipBlank(at + 1, end);
        } else if (at < end && bytes[at] === comma) {
          at = this.#skipBlank(at + 1, end);
          break;
        } else return unexpected(bytes, at, end);
      }
    }
  }

  #add(start: number, nameStart: number, nameEnd: number, parent: number): number {
    const node = this.nodeCount++;
    const word = node * stride;
    if (word + stride > this.#words.length) {
      const words = new Int32Array(this.#words.length * 2);
      words.set(this.#words);
      this.#words = words;
    }
    this.#words[word + 1] = start;
    this.#words[word + 3] = nameStart;
    this.#words[word + 4] = nameEnd;
    this.#words[word + 5] = parent;
    return node;
  }

  #skipBlank(from: number, end: number): number {
    let at = from;
    while (at < end && isBlank(this.bytes[at] as number)) at++;
    if (at > from) this.compact = false;
    return at;
  }

  /** What the last `#skipString` met. */
  #sawBackslash = false;
  #sawNonAscii = false;

  /** Where the string that begins at `from` has ended; -1 when it is none. */
  #skipString(from: number, end: number): number {
    const bytes = this.bytes;
    this.#sawBackslash = false;
    this.#sawNonAscii = false;
    for (let at = from + 1; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === quote) return at + 1;
      if (byte < 0x20) return -1;
      if (byte >= 0x80) this.#sawNonAscii = true;
      if (byte === backslash) {
        this.#sawBackslash = true;
        at++;
        const escaped = at < end ? (bytes[at] as number) : 0;
        if (escaped === 0x75) {
          for (let digit = 0; digit < 4; digit++) {
            if (++at >= end || !isHexDigit(bytes[at] as number)) return -1;
          }
        } else if (!simpleEscapes.includes(escaped)) return -1;
      }
    }
    return -1;
  }
}

/** A member's name to look for, in the forms comparing needs. */
export class MemberName {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly hasBackslash: boolean;

  constructor(text: string) {
    this.text = text;
    this.bytes = new TextEncoder().encode(text);
    this.hasBackslash = text.includes('\\');
  }
}

/** Where the JSON number that begins at `from` has ended; -1 when there is none. */
export function skipNumber(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  if (at < end && bytes[at] === minus) at++;
  const whole = at;
  at = skipDigits(bytes, at, end);
  if (at === whole || (at > whole + 1 && bytes[whole] === digitZero)) return -1;
  if (at < end && bytes[at] === point) {
    const fraction = at + 1;
    at = skipDigits(bytes, fraction, end);
    if (at === fraction) return -1;
  }
  if (at < end && ((bytes[at] as number) | 0x20) === 0x65) {
    at++;
    if (at < end && (bytes[at] === minus || bytes[at] === plus)) at++;
    const exponent = at;
    at = skipDigits(bytes, exponent, end);
    if (at === exponent) return -1;
  }
  return at;
}

export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

export function documentFault(fault: DocumentFault, reply: ReplyWriter): void {
  reply.error(fault.code, fault.message);
}

const scratchDocument = new JsonDocument();

/** Checks that the bytes are one JSON text. */
export function parseDocument(bytes: Uint8Array, start: number, end: number): DocumentFault | null {
  return scratchDocument.parse(bytes, start, end);
}

const wordsKept = 1 << 16;
const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const minus = 0x2d;
const plus = 0x2b;
const point = 0x2e;
const digitZero = 0x30;
/** Quote, backslash, slash, b, f, n, r, t. */
const simpleEscapes = [0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74];

const tooDeep: DocumentFault = { code: 'too-deep', message: `JSON nests deeper than ${depthMax} levels` };
const badString: DocumentFault = { code: 'invalid-json', message: 'invalid JSON: a string is not closed or not valid' };
const badUtf8: DocumentFault = { code: 'invalid-json', message: 'invalid JSON: not UTF-8' };

function unexpected(bytes: Uint8Array, at: number, end: number): DocumentFault {
  if (at >= end) return { code: 'invalid-json', message: 'invalid JSON: it ends too early' };
  const byte = bytes[at] as number;
  const shown = byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte ${byte}`;
  return { code: 'invalid-json', message: `invalid JSON: unexpected ${shown}` };
}

function skipDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x39) at++;
  return at;
}

function isWordAt(bytes: Uint8Array, at: number, end: number, word: string): boolean {
  if (end - at < word.length) return false;
  for (let index = 0; index < word.length; index++) {
    if (bytes[at + index] !== word.charCodeAt(index)) return false;
  }
  return true;
}

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true });

function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  try {
    // A copy, as a decoder need not take shared memory, where commands arrive.
    strictDecoder.decode(bytes.slice(start, end));
    return true;
  } catch {
    return false;
  }
}
