import { Buffer } from 'node:buffer';
import type { Key } from './values.ts';

/** One text for each key, whether it was given as text or as the bytes of it: what a `Map` of keys is by. */
export function nameOfKey(key: Key): string {
  if (typeof key !== 'string') return bytesName(key);
  // Latin letters and digits are one byte each, and their own name.
  return isPlain(key) ? key : bytesName(Buffer.from(key));
}

function bytesName(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function isPlain(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}
