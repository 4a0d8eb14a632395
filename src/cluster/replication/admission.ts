import type { NodeId } from '../identity.ts';
import type { Configuration, Primary } from './primary.ts';
import type { ReadRefusal, WriteRefusal } from './refusal.ts';
import type { Lease } from './replication-host.ts';

/** Why a primary must not answer; null: it may. */
export function refusalByPrimary(side: Primary, self: NodeId, lease: Lease, nowMs: number): ReadRefusal | null {
  const { handOver } = side;
  if (handOver.phase === 'proposed') return { reason: 'handing-over', primary: handOver.to, isRetryable: true };
  if (nowMs >= lease.endsAtMs) return { reason: 'no-lease', primary: self, isRetryable: true };
  return null;
}

/** Why a primary that may answer takes no write; null: it does. */
export function writeRefusalByPrimary(side: Primary, self: NodeId): WriteRefusal | null {
  const { handOver } = side;
  if (handOver.phase === 'stopping') return { reason: 'handing-over', primary: handOver.to, isRetryable: true };
  if (!side.hasEnoughInSync) return { reason: 'too-few-in-sync', primary: self, isRetryable: true };
  if (side.isOverloaded) return { reason: 'overloaded', primary: self, isRetryable: true };
  return null;
}

/**
 * Why a copy that is no primary does not answer as one. `primary`: who is, as far as is known; `epoch`: the newest that
 * is known.
 */
export function refusalByOther(
  configuration: Configuration | null,
  epoch: number,
  primary: NodeId | null,
): ReadRefusal {
  const entry = configuration?.entry;
  if (entry === undefined || entry.epoch < epoch || entry.primary !== null) {
    return { reason: 'not-primary', primary, isRetryable: true };
  }
  if (entry.inSync.length > 0 || entry.epoch === 0) return { reason: 'offline', primary, isRetryable: true };
  return { reason: 'lost', primary, isRetryable: configuration?.settings.onLoss === 'reset' };
}
