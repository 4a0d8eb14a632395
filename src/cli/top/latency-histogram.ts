import type { Reply } from '../../protocol/resp/reply.ts';
import { numberOf } from '../run.ts';
import type { Latency } from './news.ts';

/** How many commands took how long: by the time that those of a bucket took no longer than, in microseconds. */
export type Durations = ReadonlyMap<number, number>;

/**
 * What LATENCY HISTOGRAM says over RESP2, of all commands together: of each the name and
 * `calls, n, histogram_usec, [bound, calls up to it, …]`. Null when it says something else.
 */
export function durationsOf(reply: Reply): Durations | null {
  if (reply.kind !== 'array') return null;
  const durations = new Map<number, number>();
  for (let at = 1; at < reply.items.length; at += 2) {
    const command = reply.items[at];
    const bounds = command?.kind === 'array' ? command.items[3] : undefined;
    if (bounds?.kind !== 'array') return null;
    let below = 0;
    for (let pair = 0; pair + 1 < bounds.items.length; pair += 2) {
      const bound = numberOf(bounds.items[pair]) ?? 0;
      const upTo = numberOf(bounds.items[pair + 1]) ?? 0;
      durations.set(bound, (durations.get(bound) ?? 0) + Math.max(0, upTo - below));
      below = upTo;
    }
  }
  return durations;
}

/**
 * How long the commands took that came between two readings; null when there were none, or it is not told. Buckets are powers
 * of two: within one, commands are taken to be spread evenly.
 */
export function latencyBetween(before: Durations | null, after: Durations | null): Latency | null {
  if (before === null || after === null) return null;
  const more = [...after]
    .map(([bound, calls]) => ({ bound, calls: Math.max(0, calls - (before.get(bound) ?? 0)) }))
    .sort((one, other) => one.bound - other.bound);
  const total = more.reduce((sum, { calls }) => sum + calls, 0);
  if (total === 0) return null;
  const quantileMs = (part: number) => {
    let left = total * part;
    for (const { bound, calls } of more) {
      if (calls > 0 && left <= calls) {
        const fromUs = bound <= 1 ? 0 : bound / 2;
        return (fromUs + (bound - fromUs) * (left / calls)) / 1000;
      }
      left -= calls;
    }
    return (more.at(-1)?.bound ?? 0) / 1000;
  };
  return { p50Ms: quantileMs(0.5), p99Ms: quantileMs(0.99), p999Ms: quantileMs(0.999) };
}
