/** @import { KeyName } from '../feed.ts' */

/** What would be invisible, end a line, or turn the direction of what is around it. */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Text of strangers as it can stand in a line: what would not be seen is spelt out (`\n`, `\u{202e}`), and what is too
 * long loses its middle, as keys differ at their ends.
 *
 * @param {string} text
 * @param {number} [unitsMax]
 */
export function lineOf(text, unitsMax = 160) {
  const kept = text.length > unitsMax ? `${text.slice(0, unitsMax - 40)}…${text.slice(-38)}` : text;
  return kept.replace(hidden, spelt);
}

/**
 * The bytes of a key.
 *
 * @param {KeyName} name
 */
export function keyBytes({ key, key64 }) {
  return key64 === undefined ? new TextEncoder().encode(key) : bytesOf64(key64);
}

/**
 * The path of a key's resource; null where no address can name it: browsers take dots for folders, even when they are
 * percent-encoded, a name of nothing is no name, and of a shortened name the end is not known.
 *
 * @param {KeyName} name
 */
export function keyPath(name) {
  if (name.shortened === true) return null;
  if (name.key64 !== undefined) {
    return `/v1/keys/${Array.from(bytesOf64(name.key64), (byte) => `%${hex(byte)}`).join('')}`;
  }
  if (name.key === '' || name.key === '.' || name.key === '..') return null;
  return `/v1/keys/${encodeURIComponent(name.key)}`;
}

/**
 * A key as `GET /v1/keys` lists it.
 *
 * @param {string | {readonly base64: string}} listed
 * @returns {KeyName}
 */
export function keyOfListed(listed) {
  if (typeof listed === 'string') return { key: listed };
  return { key: bytesAsText(bytesOf64(listed.base64)), key64: listed.base64 };
}

/**
 * What stands for a key in the page's address; {@link keyOfAddress} reads it.
 *
 * @param {KeyName} name
 */
export function addressOfKey({ key, key64 }) {
  return key64 === undefined ? `t:${encodeURIComponent(key)}` : `b:${encodeURIComponent(key64)}`;
}

/**
 * @param {string} address
 * @returns {KeyName | null}
 */
export function keyOfAddress(address) {
  try {
    const text = decodeURIComponent(address.slice(2));
    if (address.startsWith('t:') && text !== '') return { key: text };
    if (address.startsWith('b:')) return { key: bytesAsText(bytesOf64(text)), key64: text };
  } catch {
    // Broken percent-encoding or base64: a mangled link, which means no key.
  }
  return null;
}

/**
 * @param {KeyName} one
 * @param {KeyName | null} other
 */
export function isSameKey(one, other) {
  return other !== null && one.key64 === other.key64 && one.key === other.key;
}

/**
 * Bytes that are no text, as far as they can be read: what is not visible ASCII is `\xNN`.
 *
 * @param {Uint8Array} bytes
 */
function bytesAsText(bytes) {
  return Array.from(bytes, (byte) =>
    byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hex(byte).toLowerCase()}`,
  ).join('');
}

/** @param {string} base64 */
function bytesOf64(base64) {
  return Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));
}

/** @param {number} byte */
function hex(byte) {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

/** @param {string} character */
function spelt(character) {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
