import { isJson } from './json-text.js';

/** @typedef {'json' | 'number' | 'text' | 'bytes'} ValueKind */

/** As the store takes a number: what it would write itself for the same number. */
const integerPattern = /^(?:0|-?[1-9]\d{0,18})$/;

/**
 * What a value is to its reader. The node says only under which Content-Type it answers.
 *
 * @param {string} contentType
 * @param {Uint8Array} bytes the value, or its beginning
 * @param {boolean} isWhole
 * @returns {ValueKind}
 */
export function valueKind(contentType, bytes, isWhole) {
  const text = textOf(bytes, isWhole);
  if (text === null) return 'bytes';
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isNumber = isWhole && isNumberText(text);
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) return isNumber ? 'number' : 'json';
  if (mediaType === '' || mediaType.startsWith('text/')) return isNumber ? 'number' : 'text';
  if (mediaType === 'application/octet-stream') return 'bytes';
  return /^application\/(?:.*\+)?(?:xml|yaml|javascript|x-www-form-urlencoded|x-ndjson|toml)$/.test(mediaType)
    ? 'text'
    : 'bytes';
}

/**
 * The ways in which a value can be looked at, the best one first.
 *
 * @param {ValueKind} kind
 * @param {Uint8Array} bytes
 * @param {boolean} isWhole
 * @returns {('json' | 'text' | 'hex')[]}
 */
export function viewsOf(kind, bytes, isWhole) {
  const text = textOf(bytes, isWhole);
  if (text === null) return ['hex'];
  const looksLikeJson = isWhole && /^\s*[[{]/.test(text) && isJson(text);
  if (kind === 'json' && isWhole && isJson(text)) return ['json', 'text', 'hex'];
  if (kind === 'bytes') return looksLikeJson ? ['hex', 'json', 'text'] : ['hex', 'text'];
  return looksLikeJson ? ['text', 'json', 'hex'] : ['text', 'hex'];
}

/**
 * Bytes as text; null: they are no UTF-8. A beginning may end within a character.
 *
 * @param {Uint8Array} bytes
 * @param {boolean} isWhole
 */
export function textOf(bytes, isWhole) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !isWhole });
  } catch {
    return null;
  }
}

/**
 * Whether a text is a number as the store writes numbers, so that it can be counted up.
 *
 * @param {string} text
 */
export function isNumberText(text) {
  if (integerPattern.test(text)) return true;
  return text !== '' && Number.isFinite(Number(text)) && String(Number(text)) === text;
}

/**
 * Rows of bytes: where the row begins, its bytes as hex digits, and as ASCII.
 *
 * @param {Uint8Array} bytes
 * @param {number} [rowBytes]
 */
export function hexRows(bytes, rowBytes = 16) {
  const rows = [];
  for (let at = 0; at < bytes.length; at += rowBytes) {
    const row = Array.from(bytes.subarray(at, at + rowBytes));
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0'));
    rows.push({
      offset: at.toString(16).padStart(8, '0'),
      hex: [hex.slice(0, rowBytes / 2).join(' '), hex.slice(rowBytes / 2).join(' ')]
        .join('  ')
        .padEnd(rowBytes * 3)
        .slice(0, rowBytes * 3),
      text: row.map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(''),
    });
  }
  return rows;
}
