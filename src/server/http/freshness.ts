import type { Entry } from './entry.ts';

/** What caches are told of an entry: Cache-Control, Age, and Cache-Status (RFC 9211). */

const cacheName = 'FluxCache';

/** Of an answer to a request for a key that is not there. */
export const missStatus: readonly string[] = ['Cache-Status', `${cacheName}; fwd=uri-miss`];

/**
 * When an entry was stored is not kept, so what is told is the time it has left, as of an answer that is new; a stale one
 * has had its time. The stale window is told as RFC 5861 has it.
 */
export function freshness({ expiresAtMs, staleMs }: Entry, nowMs: number): string[] {
  if (expiresAtMs === 0) return ['Cache-Control', 'no-cache', 'Age', '0', 'Cache-Status', `${cacheName}; hit`];
  const ttlS = Math.floor((expiresAtMs - nowMs) / 1000);
  const windowS = Math.max(0, Math.floor((expiresAtMs > nowMs ? staleMs : expiresAtMs + staleMs - nowMs) / 1000));
  const window = staleMs > 0 ? `, stale-while-revalidate=${windowS}` : '';
  return [
    'Cache-Control',
    `max-age=${Math.max(0, ttlS)}${window}`,
    'Age',
    '0',
    'Cache-Status',
    `${cacheName}; hit; ttl=${ttlS}`,
  ];
}
