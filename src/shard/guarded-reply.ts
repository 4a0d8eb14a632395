/**
 * In a cluster, and where a shard keeps a log, every reply of a shard begins with what it waits for:
 *
 * | first byte | then |
 * | --- | --- |
 * | 0: plain | the reply |
 * | 1: waits | uint16: number of waits; for each uint16 partition, int32 reign, int32 low bits of `seq`; then the reply |
 * | 2: refused | uint8: a {@link RefusalReason}; the command as it came, as `encodeCommand` writes it: nothing was run |
 *
 * Numbers are little-endian. A reply that waits may leave once `waitState` of the gates (`cluster/partition-gates.ts`, or
 * `persistence/log-gate.ts` with partition 0) is `acknowledged` for each of its waits; when one is `abandoned`, the answer is
 * `indeterminate`.
 */
export const GuardKind = { plain: 0, waits: 1, refused: 2 } as const;

export const WAIT_BYTES = 10;
export const WAITS_HEAD_BYTES = 3;
export const REFUSED_HEAD_BYTES = 2;

/** Why a command was not run. */
export const RefusalReason = {
  notPrimary: 0,
  handingOver: 1,
  noLease: 2,
  offline: 3,
  lost: 4,
  tooFewInSync: 5,
  overloaded: 6,
  /** A clear was asked for of a key that is not of one partition here, or the node is not configured yet. */
  notReady: 7,
} as const;
export type RefusalReason = (typeof RefusalReason)[keyof typeof RefusalReason];

const passing: ReadonlySet<RefusalReason> = new Set([
  RefusalReason.notPrimary,
  RefusalReason.handingOver,
  RefusalReason.offline,
  RefusalReason.notReady,
]);

/**
 * Whether the reason may be over soon, so that the command is sent again, here or to another node, and what is behind it
 * must not be run before.
 */
export function isPassing(reason: RefusalReason): boolean {
  return passing.has(reason);
}

/**
 * Added to the row's id of a command that is sent when none is in flight of the partitions that it touches. Once a shard
 * has refused a command for a reason that may be over soon, it refuses all later ones of the same partitions and mailbox
 * likewise, up to one that bears this: commands that were on their way meanwhile must not overtake the refused one.
 */
export const RESUMES = 1 << 16;
