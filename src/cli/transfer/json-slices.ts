/** Where a member of an object stands in its text. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * Where the value of the object's member of this name stands in `text`, which is known to be a JSON object: of several
 * of one name the last, as JSON.parse has it. With it a document is taken as it is written, with all its digits.
 */
export function memberSlice(text: string, name: string): Slice | null {
  let found: Slice | null = null;
  let at = text.indexOf('{') + 1;
  for (;;) {
    at = skipSpace(text, at);
    if (text.charCodeAt(at) !== quote) return found;
    const nameEnd = endOfString(text, at);
    const isMeant = (JSON.parse(text.slice(at, nameEnd)) as string) === name;
    at = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = endOfValue(text, at);
    if (isMeant) found = { start: at, end };
    at = skipSpace(text, end) + 1;
  }
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return at;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at + 1;
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === quote) return endOfString(text, start);
  if (first !== 0x7b && first !== 0x5b) {
    // A number, or one of the three words.
    const rest = /[\s,}\]]/g;
    rest.lastIndex = start;
    return rest.exec(text)?.index ?? text.length;
  }
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === quote) {
      at = endOfString(text, at);
      continue;
    }
    at++;
    if (unit === 0x7b || unit === 0x5b) depth++;
    else if ((unit === 0x7d || unit === 0x5d) && --depth === 0) break;
  }
  return at;
}
