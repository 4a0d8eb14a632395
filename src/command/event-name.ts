import { unreachable } from '../base/assert.ts';
import { ChangeFlag, ChangeKind } from '../base/change.ts';
import type { Command } from './command.ts';

/**
 * The name of Redis's keyspace event for a change that the command `row` made (null: the shard itself, for whom time or
 * memory ran out), as Redis 7.0 has it; RedisJSON's for documents.
 *
 * A change is one event, but for a key that was created, of which Redis tells `new` first where that is asked for, and
 * for `cleared`, of which it tells nothing (null). A SET with a time to live is two changes: `set`, then `expire`. Over
 * two shards, RENAME and COPY are steps of internal rows, which have the event names of the whole.
 */
export function eventNameOf(kind: ChangeKind, row: Command | null, flags: number): string | null {
  switch (kind) {
    case ChangeKind.set:
      return writtenEvent(row) ?? 'set';
    case ChangeKind.removed:
      return removedEvent(row) ?? 'del';
    case ChangeKind.expiry:
      return (flags & ChangeFlag.expires) !== 0 ? 'expire' : 'persist';
    case ChangeKind.expired:
      return 'expired';
    case ChangeKind.evicted:
      return 'evicted';
    case ChangeKind.cleared:
      return null;
    case ChangeKind.invalidated:
      return 'invalidated';
    default:
      return unreachable(kind);
  }
}

function writtenEvent(row: Command | null): string | undefined {
  return row !== null && (row.kind === 'write' || row.kind === 'pair') ? row.event : undefined;
}

function removedEvent(row: Command | null): string | undefined {
  return row !== null && (row.kind === 'write' || row.kind === 'pair') ? row.removedEvent : undefined;
}
