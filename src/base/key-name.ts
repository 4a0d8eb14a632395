import { isUtf8 } from './utf8.ts';

/** A key as text for people; where its bytes are no UTF-8, they are in `key64` in base64 and `key` shows them with \xNN. */
export interface NamedKey {
  readonly key: string;
  readonly key64?: string;
}

/** Names the key `bytes[start..end)`. */
export function nameKey(bytes: Uint8Array, start = 0, end = bytes.length): NamedKey {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  if (isUtf8(bytes, start, end)) return { key: buffer.toString('utf8') };
  let key = '';
  for (const byte of buffer) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    key += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return { key, key64: buffer.toString('base64') };
}
