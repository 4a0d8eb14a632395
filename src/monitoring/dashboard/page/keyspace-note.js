/** @import { KeyspaceNews } from '../feed.ts' */
import { formatAgo, formatDuration, formatNumber } from './format.js';

/**
 * How much was looked at, and when.
 *
 * @param {KeyspaceNews | null} news
 * @param {number} nowMs
 */
export function analysisNote(news, nowMs) {
  if (news === null) return 'not looked at yet';
  const { sampledKeys, keys, atMs, tookMs } = news;
  if (keys === 0) return `from no keys, ${formatAgo(atMs, nowMs)}`;
  const sample =
    sampledKeys >= keys
      ? `all ${formatNumber(keys)} keys`
      : `${formatNumber(sampledKeys)} of ${formatNumber(keys)} keys`;
  return `from ${sample} in ${formatDuration(Math.round(tookMs))}, ${formatAgo(atMs, nowMs)}`;
}
