const STAR = 0x2a;
const QUESTION = 0x3f;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;

/**
 * Whether bytes `start` to `end` match a pattern as Redis's KEYS takes it, byte by byte: `*` any bytes, `?` one byte,
 * `[ab]` `[a-z]` `[^a]` one byte of (not of) a set, `\` makes the next byte literal. A set that is not closed reaches
 * to the pattern's end.
 *
 * A mismatch goes back to the last `*` only, which suffices, so the time is at most the product of the two lengths.
 */
export function globMatches(pattern: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const patternEnd = pattern.length;
  let p = 0;
  let at = start;
  /** Pattern position behind the last star, and where the bytes it has not swallowed begin; -1 before any star. */
  let behindStar = -1;
  let swallowedTo = start;
  while (at < end) {
    if (p < patternEnd && pattern[p] === STAR) {
      behindStar = ++p;
      swallowedTo = at;
      continue;
    }
    const next = p < patternEnd ? matchOne(pattern, p, bytes[at] as number) : -1;
    if (next > 0) {
      p = next;
      at++;
    } else if (behindStar >= 0) {
      p = behindStar;
      at = ++swallowedTo;
    } else {
      return false;
    }
  }
  while (p < patternEnd && pattern[p] === STAR) p++;
  return p === patternEnd;
}

/** The pattern position behind the element at `p` if that matches `byte`, else -1. */
function matchOne(pattern: Uint8Array, p: number, byte: number): number {
  const element = pattern[p] as number;
  if (element === QUESTION) return p + 1;
  if (element === OPEN) return matchSet(pattern, p + 1, byte);
  // A backslash at the very end stands for itself.
  const at = element === BACKSLASH && p + 1 < pattern.length ? p + 1 : p;
  return pattern[at] === byte ? at + 1 : -1;
}

function matchSet(pattern: Uint8Array, from: number, byte: number): number {
  let p = from;
  const isNegated = pattern[p] === CARET;
  if (isNegated) p++;
  let isMember = false;
  while (p < pattern.length && pattern[p] !== CLOSE) {
    // As in Redis, a byte behind a backslash stands for itself and begins no range.
    const isLiteral = pattern[p] === BACKSLASH && p + 1 < pattern.length;
    if (isLiteral) p++;
    const first = pattern[p] as number;
    let last = first;
    if (!isLiteral && pattern[p + 1] === DASH && p + 2 < pattern.length) {
      last = pattern[p + 2] as number;
      p += 2;
    }
    if (byte >= Math.min(first, last) && byte <= Math.max(first, last)) isMember = true;
    p++;
  }
  if (isMember === isNegated) return -1;
  return Math.min(p + 1, pattern.length);
}
