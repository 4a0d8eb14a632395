import { isUtf8 } from './utf8.ts';

/** A key as text for people; where its bytes are no UTF-8, they are in `key64` in base64 and `key` shows them with \xNN. */
export interface NamedKey {
  readonly key: string;
  readonly key64?: string;
  /** It is longer than {@link NAMED_BYTES_MAX}, and this is its beginning only. */
  readonly shortened?: true;
}

/** What is told of longer keys is their beginning: many names of 64 KiB each would be megabytes. */
export const NAMED_BYTES_MAX = 512;

/** Names the key `bytes[start..end)`. */
export function nameKey(bytes: Uint8Array, start = 0, end = bytes.length): NamedKey {
  if (end - start <= NAMED_BYTES_MAX) return wholeName(bytes, start, end);
  return { ...wholeName(bytes, start, cutBefore(bytes, start + NAMED_BYTES_MAX)), shortened: true };
}

function wholeName(bytes: Uint8Array, start: number, end: number): NamedKey {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  if (isUtf8(bytes, start, end)) return { key: buffer.toString('utf8') };
  let key = '';
  for (const byte of buffer) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    key += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return { key, key64: buffer.toString('base64') };
}

/** The last place up to `at` that is not within a sequence of UTF-8, if there is one within its length. */
function cutBefore(bytes: Uint8Array, at: number): number {
  for (let cut = at; cut > at - 4; cut--) if (((bytes[cut] as number) & 0xc0) !== 0x80) return cut;
  return at;
}
