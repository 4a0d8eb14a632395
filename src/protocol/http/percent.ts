import { writeUtf8 } from '../../base/utf8.ts';

/**
 * Decodes the percent-encoded text `text[start..end)` (RFC 3986) to `target[at..]` and returns the offset behind it; -1
 * when a % is not followed by two hexadecimal digits. Characters beyond ASCII, which a URI must not hold but many
 * clients send, stand for their UTF-8. `plusIsSpace` is for query strings. `target` needs room for three bytes a unit.
 */
export function decodePercent(
  text: string,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  plusIsSpace: boolean,
): number {
  let to = at;
  for (let from = start; from < end; from++) {
    const unit = text.charCodeAt(from);
    if (unit === 0x25) {
      const byte = from + 2 < end ? hexByte(text.charCodeAt(from + 1), text.charCodeAt(from + 2)) : -1;
      if (byte < 0) return -1;
      target[to++] = byte;
      from += 2;
    } else if (unit === 0x2b && plusIsSpace) {
      target[to++] = 0x20;
    } else if (unit < 0x80) {
      target[to++] = unit;
    } else {
      const codePoint = text.codePointAt(from) as number;
      if (codePoint > 0xffff) from++;
      to = writeUtf8(codePoint, target, to);
    }
  }
  return to;
}

function hexByte(high: number, low: number): number {
  const a = hexDigit(high);
  const b = hexDigit(low);
  return a < 0 || b < 0 ? -1 : a * 16 + b;
}

function hexDigit(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const letter = unit | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
