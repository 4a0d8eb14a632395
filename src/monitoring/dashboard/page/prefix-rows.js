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
  // Others there are none of.
  const rest = rows.get(null);
  if (rest !== undefined && (rest.keys ?? 0) === 0 && (rest.reads ?? 0) === 0) rows.delete(null);
  return [...rows.values()];
}
