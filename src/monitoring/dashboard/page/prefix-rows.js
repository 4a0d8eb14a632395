/** @import { AccessNews, KeyspaceNews } from '../feed.ts' */

/**
 * @typedef {object} PrefixRow A prefix, by how its keys are looked up and by what they take; null: not known.
 * @property {string | null} prefix null: all other keys
 * @property {number | null} reads a second
 * @property {number | null} hitRatio
 * @property {number | null} keys
 * @property {number | null} bytes
 * @property {number | null} share of the bytes of all keys
 * @property {number | null} expiring
 */

/**
 * What is known of each prefix, from the lookups and from the keys themselves. Each of the two tells its own prefixes
 * apart, so what is "other" to one may have a row of its own from the other.
 *
 * @param {AccessNews | null | undefined} access
 * @param {KeyspaceNews | null | undefined} keyspace
 * @returns {PrefixRow[]}
 */
export function prefixRows(access, keyspace) {
  /** @type {Map<string | null, PrefixRow>} */
  const rows = new Map();
  const allBytes = keyspace?.prefixes.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  for (const { prefix, keys, bytes, expiring } of keyspace?.prefixes ?? []) {
    const share = allBytes > 0 ? bytes / allBytes : null;
    rows.set(prefix, { prefix, reads: null, hitRatio: null, keys, bytes, share, expiring });
  }
  for (const { prefix, reads, hitRatio } of access?.prefixes ?? []) {
    const row = rows.get(prefix) ?? { prefix, keys: null, bytes: null, share: null, expiring: null };
    rows.set(prefix, { ...row, reads, hitRatio });
  }
  return [...rows.values()];
}

/**
 * Rows by a column, the greatest first or last; those of which it is not known behind, and all others at the end.
 *
 * @template {{readonly prefix: string | null}} Row
 * @param {readonly Row[]} rows
 * @param {(row: Row) => number | string | null} figureOf
 * @param {boolean} isDescending
 */
export function sortedRows(rows, figureOf, isDescending) {
  return [...rows].sort((one, other) => {
    if ((one.prefix === null) !== (other.prefix === null)) return one.prefix === null ? 1 : -1;
    return compared(figureOf(one), figureOf(other), isDescending);
  });
}

/**
 * @param {number | string | null} one
 * @param {number | string | null} other
 * @param {boolean} isDescending
 */
export function compared(one, other, isDescending) {
  if (one === null || other === null) return one === other ? 0 : one === null ? 1 : -1;
  const order = one < other ? -1 : one > other ? 1 : 0;
  return isDescending ? -order : order;
}
