/** @import { KeyspaceNews } from '../feed.ts' */
import { formatAgo, formatNumber } from './format.js';

/**
 * How much was looked at, and when.
 *
 * @param {KeyspaceNews | null} news
 * @param {number} nowMs
 */
export function analysisNote(news, nowMs) {
  if (news === null) return 'being looked at';
  const { sampledKeys, keys, atMs } = news;
  const sample =
    sampledKeys >= keys
      ? `all ${formatNumber(keys)} keys`
      : `${formatNumber(sampledKeys)} of ${formatNumber(keys)} keys`;
  return `from ${sample}, ${formatAgo(atMs, nowMs)}`;
}
