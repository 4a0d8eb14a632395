import { utf8SequenceLength, writeUtf8 } from '../../base/utf8.ts';
import type { ArgsBuilder } from './args-builder.ts';
import { type Refusal, refuse } from './refusal.ts';

/**
 * Reads one JSON text (RFC 8259) straight from its bytes: nothing becomes a JavaScript value, so a number keeps its
 * digits, `__proto__` is a name like any other, and nesting costs a bit a level rather than a stack frame.
 *
 * A cursor: each method reads one thing at `at` and returns false, with `refusal` set, when it is not there.
 */
export class JsonScanner {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  refusal: Refusal | null = null;
  readonly depthMax: number;
  /** One bit of knowledge a level: 1 when the container is an object. */
  readonly #isObject: Uint8Array;

  constructor(depthMax: number) {
    this.depthMax = depthMax;
    this.#isObject = new Uint8Array(depthMax + 1);
  }

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.refusal = null;
  }

  /** Skips white space and returns the byte there; -1 at the end. */
  peek(): number {
    const bytes = this.bytes;
    const end = this.end;
    let at = this.at;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at;
        return byte;
      }
      at++;
    }
    this.at = at;
    return -1;
  }

  /**
   * Decodes the string whose quote is at `at` and appends its text, as UTF-8, to `target`. Decoding never makes a
   * string longer, so `target` has room enough when it has as much as the whole text.
   */
  string(target: ArgsBuilder): boolean {
    const { bytes, end } = this;
    const out = target.bytes;
    let to = target.length;
    let at = this.at + 1;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === 0x22) {
        this.at = at + 1;
        target.length = to;
        return true;
      }
      if (byte === 0x5c) {
        const codePoint = this.#escape(at);
        if (codePoint < 0) return false;
        to = writeUtf8(codePoint, out, to);
        at = this.at;
      } else if (byte < 0x20) {
        return this.#controlCharacter(at);
      } else if (byte < 0x80) {
        out[to++] = byte;
        at++;
      } else {
        const length = utf8SequenceLength(bytes, at, end);
        if (length === 0) return this.#notUtf8(at);
        for (let index = 0; index < length; index++) out[to++] = bytes[at++] as number;
      }
    }
    return this.#endsInside('a string');
  }

  /** Checks the value at `at`, of any kind and to any depth up to the limit, and moves behind it. */
  value(): boolean {
    const isObject = this.#isObject;
    let depth = 0;
    for (;;) {
      const byte = this.peek();
      if (byte === 0x7b || byte === 0x5b) {
        if (depth === this.depthMax) {
          return this.#fail(refuse('too-deep', `The JSON text nests deeper than ${this.depthMax} levels.`));
        }
        depth++;
        isObject[depth] = byte === 0x7b ? 1 : 0;
        this.at++;
        const first = this.peek();
        if (first !== (byte === 0x7b ? 0x7d : 0x5d)) {
          if (byte === 0x7b && !this.#name(first)) return false;
          continue;
        }
        this.at++;
        depth--;
      } else if (!this.#scalar(byte)) {
        return false;
      }
      // A value is complete: close what ends with it, or step to the next element.
      for (;;) {
        if (depth === 0) return true;
        const next = this.peek();
        const inObject = isObject[depth] === 1;
        if (next === 0x2c) {
          this.at++;
          if (inObject && !this.#name(this.peek())) return false;
          break;
        }
        if (next !== (inObject ? 0x7d : 0x5d)) return this.unexpected(inObject ? "',' or '}'" : "',' or ']'");
        this.at++;
        depth--;
      }
    }
  }

  /** Checks the number at `at` and moves behind it. */
  number(): boolean {
    const { bytes, end } = this;
    let at = this.at;
    if (bytes[at] === 0x2d) at++;
    if (at < end && bytes[at] === 0x30) at++;
    else {
      const digits = at;
      while (at < end && isDigit(bytes[at] as number)) at++;
      if (at === digits) return this.#unexpectedAt(at, 'a digit');
    }
    if (at < end && bytes[at] === 0x2e) {
      const digits = ++at;
      while (at < end && isDigit(bytes[at] as number)) at++;
      if (at === digits) return this.#unexpectedAt(at, 'a digit');
    }
    if (at < end && ((bytes[at] as number) | 0x20) === 0x65) {
      at++;
      if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at++;
      const digits = at;
      while (at < end && isDigit(bytes[at] as number)) at++;
      if (at === digits) return this.#unexpectedAt(at, 'a digit');
    }
    this.at = at;
    return true;
  }

  /** Reads `true`, `false` or `null`, all ASCII. */
  literal(word: string): boolean {
    for (let index = 0; index < word.length; index++) {
      if (this.at + index >= this.end || this.bytes[this.at + index] !== word.charCodeAt(index)) {
        return this.unexpected('a value');
      }
    }
    this.at += word.length;
    return true;
  }

  /** Sets `refusal`: something else stands at `at`, or nothing more. */
  unexpected(wanted: string): boolean {
    return this.#unexpectedAt(this.at, wanted);
  }

  #scalar(byte: number): boolean {
    switch (byte) {
      case 0x22:
        return this.#skipString();
      case 0x74:
        return this.literal('true');
      case 0x66:
        return this.literal('false');
      case 0x6e:
        return this.literal('null');
      default:
        return byte === 0x2d || isDigit(byte) ? this.number() : this.unexpected('a value');
    }
  }

  #name(first: number): boolean {
    if (first !== 0x22) return this.unexpected('a name in double quotes');
    if (!this.#skipString()) return false;
    if (this.peek() !== 0x3a) return this.unexpected("':'");
    this.at++;
    return true;
  }

  #skipString(): boolean {
    const { bytes, end } = this;
    let at = this.at + 1;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === 0x22) {
        this.at = at + 1;
        return true;
      }
      if (byte === 0x5c) {
        if (!this.#skipEscape(at)) return false;
        at = this.at;
      } else if (byte < 0x20) {
        return this.#controlCharacter(at);
      } else if (byte < 0x80) {
        at++;
      } else {
        const length = utf8SequenceLength(bytes, at, end);
        if (length === 0) return this.#notUtf8(at);
        at += length;
      }
    }
    return this.#endsInside('a string');
  }

  /** Inside a nested value a lone surrogate may stay as it is written: only the escape's form is checked. */
  #skipEscape(at: number): boolean {
    const letter = at + 1 < this.end ? (this.bytes[at + 1] as number) : -1;
    if (letter === 0x75) {
      if (this.#hex4(at + 2) < 0) return this.#unexpectedAt(at, 'four hexadecimal digits behind \\u');
      this.at = at + 6;
      return true;
    }
    if (simpleEscape(letter) < 0) return this.#unexpectedAt(at, 'one of the escapes of JSON');
    this.at = at + 2;
    return true;
  }

  /** The code point of the escape at `at`, the cursor behind it; -1 when it is none. */
  #escape(at: number): number {
    const letter = at + 1 < this.end ? (this.bytes[at + 1] as number) : -1;
    if (letter !== 0x75) {
      if (!this.#skipEscape(at)) return -1;
      return simpleEscape(letter);
    }
    const unit = this.#hex4(at + 2);
    if (unit < 0) return this.#unexpectedAt(at, 'four hexadecimal digits behind \\u') ? 0 : -1;
    this.at = at + 6;
    if (unit < 0xd800 || unit > 0xdfff) return unit;
    const isPair = unit < 0xdc00 && this.bytes[at + 6] === 0x5c && this.bytes[at + 7] === 0x75 && at + 12 <= this.end;
    const low = isPair ? this.#hex4(at + 8) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
      this.#fail(refuse('invalid-json', `The escape at byte ${at} is half a surrogate pair, which is no text.`));
      return -1;
    }
    this.at = at + 12;
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  }

  #hex4(at: number): number {
    if (at + 4 > this.end) return -1;
    let unit = 0;
    for (let index = at; index < at + 4; index++) {
      const byte = this.bytes[index] as number;
      const letter = byte | 0x20;
      if (isDigit(byte)) unit = (unit << 4) | (byte - 0x30);
      else if (letter >= 0x61 && letter <= 0x66) unit = (unit << 4) | (letter - 0x57);
      else return -1;
    }
    return unit;
  }

  #unexpectedAt(at: number, wanted: string): boolean {
    if (at >= this.end) return this.#endsInside(`the text, where ${wanted} is due`);
    const byte = this.bytes[at] as number;
    const found = byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16)}`;
    return this.#fail(refuse('invalid-json', `The body is no JSON: ${found} at byte ${at}, where ${wanted} is due.`));
  }

  #controlCharacter(at: number): boolean {
    return this.#fail(
      refuse('invalid-json', `The body is no JSON: a control character at byte ${at} must be escaped.`),
    );
  }

  #notUtf8(at: number): boolean {
    return this.#fail(refuse('invalid-json', `The body is no JSON: byte ${at} is not UTF-8.`));
  }

  #endsInside(what: string): boolean {
    return this.#fail(refuse('invalid-json', `The body is no JSON: it ends inside ${what}.`));
  }

  #fail(refusal: Refusal): boolean {
    this.refusal = refusal;
    return false;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** What a backslash and this letter stand for; -1 for letters that are no escape. */
function simpleEscape(letter: number): number {
  switch (letter) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return letter;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return -1;
  }
}
