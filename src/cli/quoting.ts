/** How bytes are shown and typed as text within quotes, as redis-cli does it. */

const escapesOut: ReadonlyMap<number, string> = new Map([
  [0x5c, '\\\\'],
  [0x22, '\\"'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
  [0x07, '\\a'],
  [0x08, '\\b'],
]);
const escapesIn: ReadonlyMap<string, number> = new Map([
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['b', 0x08],
  ['a', 0x07],
]);

/** Bytes in double quotes: printable ASCII as it is, all else escaped. */
export function quoteBytes(bytes: Uint8Array): string {
  let text = '"';
  for (const byte of bytes) text += escapeByte(byte);
  return `${text}"`;
}

export function escapeByte(byte: number): string {
  const known = escapesOut.get(byte);
  if (known !== undefined) return known;
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}

/**
 * Cuts a line into arguments at white space. Within double quotes \n \r \t \b \a \xff and a backslash before any other
 * character are escapes; within single quotes only \' is. Null when a quote is left open, or when something other than
 * white space follows a closed one. A line of bytes rather than text is given, and taken apart, as Latin-1.
 */
export function splitLine(line: string, encoding: 'utf8' | 'latin1' = 'utf8'): Buffer[] | null {
  const args: Buffer[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isSpace(line[at] as string)) at++;
    if (at >= line.length) return args;
    const parts: Buffer[] = [];
    let plain = '';
    const flush = () => {
      if (plain !== '') parts.push(Buffer.from(plain, encoding));
      plain = '';
    };
    let isOpen = true;
    while (isOpen && at < line.length && !isSpace(line[at] as string)) {
      const quote = line[at] as string;
      if (quote !== '"' && quote !== "'") {
        plain += quote;
        at++;
        continue;
      }
      at++;
      for (;;) {
        if (at >= line.length) return null;
        const char = line[at] as string;
        at++;
        if (char === quote) break;
        const next = line[at];
        if (char !== '\\' || next === undefined) {
          plain += char;
        } else if (quote === "'") {
          plain += next === "'" ? next : char;
          if (next === "'") at++;
        } else {
          const hex = /^x([\da-f]{2})/i.exec(line.slice(at, at + 3));
          if (hex !== null) {
            flush();
            parts.push(Buffer.from(hex[1] as string, 'hex'));
            at += 3;
          } else {
            plain += String.fromCharCode(escapesIn.get(next) ?? next.charCodeAt(0));
            at++;
          }
        }
      }
      if (at < line.length && !isSpace(line[at] as string)) return null;
      isOpen = false;
    }
    flush();
    args.push(Buffer.concat(parts));
  }
}

function isSpace(char: string): boolean {
  return char === ' ' || (char >= '\t' && char <= '\r') || char === '\0';
}
