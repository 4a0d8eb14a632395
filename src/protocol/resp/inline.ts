import type { Args } from '../../command/args.ts';

const doubleQuote = 0x22;
const singleQuote = 0x27;
const backslash = 0x5c;

/** Words with quotes in a line no longer than this are written to a buffer that is used again. */
const wordBytesKept = 1024;

/** Splits one line into words as Redis does, and keeps the buffer that words with quotes are written to. */
export class InlineSplitter {
  nameStart = 0;
  nameEnd = 0;
  #words: Uint8Array = new Uint8Array(0);

  /**
   * Fills `args` with the words of `bytes[start..end)`, a line without its end, and the name's range with the first.
   * Returns the number of words, the name included; -1 when quotes are not balanced.
   *
   * Words lie in the line itself while there are no quotes, else in a copy.
   */
  split(bytes: Uint8Array, start: number, end: number, args: Args): number {
    for (let at = start; at < end; at++) {
      const byte = bytes[at];
      if (byte === doubleQuote || byte === singleQuote) return this.#splitQuoted(bytes, start, end, args);
    }
    args.clear(bytes);
    let count = 0;
    for (let at = skipBlanks(bytes, start, end); at < end; at = skipBlanks(bytes, at, end)) {
      const wordStart = at;
      while (at < end && !endsWord(bytes[at] as number)) at++;
      this.#add(args, count++, wordStart, at);
    }
    return count;
  }

  #splitQuoted(bytes: Uint8Array, start: number, end: number, args: Args): number {
    // Neither quotes nor escapes make a word longer.
    const room = end - start;
    if (room > this.#words.length && room <= wordBytesKept) this.#words = new Uint8Array(wordBytesKept);
    const words = room > wordBytesKept ? new Uint8Array(room) : this.#words;
    args.clear(words);
    let count = 0;
    let to = 0;
    for (let at = skipBlanks(bytes, start, end); at < end; at = skipBlanks(bytes, at, end)) {
      const wordStart = to;
      while (at < end && !endsWord(bytes[at] as number)) {
        const byte = bytes[at++] as number;
        if (byte !== doubleQuote && byte !== singleQuote) {
          words[to++] = byte;
          continue;
        }
        let isClosed = false;
        while (at < end && !isClosed) {
          const quoted = bytes[at++] as number;
          if (quoted === byte) isClosed = true;
          else if (quoted !== backslash || at === end) words[to++] = quoted;
          else if (byte === singleQuote) words[to++] = bytes[at] === singleQuote ? (bytes[at++] as number) : backslash;
          else {
            const isHex = bytes[at] === 0x78 && at + 2 < end && hexPair(bytes, at + 1) >= 0;
            words[to++] = isHex ? hexPair(bytes, at + 1) : unescaped(bytes[at] as number);
            at += isHex ? 3 : 1;
          }
        }
        if (!isClosed || (at < end && !isBlank(bytes[at] as number))) return -1;
        break;
      }
      this.#add(args, count++, wordStart, to);
    }
    return count;
  }

  #add(args: Args, index: number, start: number, end: number): void {
    if (index > 0) {
      args.push(start, end);
      return;
    }
    this.nameStart = start;
    this.nameEnd = end;
  }
}

/** C's isspace: what stands between words. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Inside a word, vertical tab and form feed are bytes like others. */
function endsWord(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(bytes[at] as number)) at++;
  return at;
}

function hexPair(bytes: Uint8Array, at: number): number {
  const high = hexDigit(bytes[at] as number);
  const low = hexDigit(bytes[at + 1] as number);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** What a backslash and this byte stand for in double quotes. */
function unescaped(byte: number): number {
  switch (byte) {
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    case 0x62:
      return 0x08;
    case 0x61:
      return 0x07;
    default:
      return byte;
  }
}
