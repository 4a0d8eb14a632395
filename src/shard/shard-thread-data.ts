import type { LookupSampleHandle } from '../base/lookup-sample.ts';
import type { Claim } from '../cluster/identity.ts';
import type { DoorbellHandle } from '../mailbox/doorbell.ts';
import type { MailboxHandle } from '../mailbox/mailbox.ts';
import type { Recovered } from '../persistence/shard-data-file.ts';
import type { StoreMemory } from '../store/arena.ts';
import type { BarrierHandle } from './barrier.ts';
import type { ShardLogData } from './logged/shard-log-data.ts';
import type { ShardClusterData } from './replicated/shard-cluster-data.ts';
import type { ShardControlHandle } from './shard-control.ts';

/** All that a shard's thread is given: shared memory, so that the thread can be replaced by another. */
export interface ShardThreadData {
  readonly shard: number;
  readonly memory: StoreMemory;
  readonly bell: DoorbellHandle;
  readonly control: ShardControlHandle;
  /** One for all shards. */
  readonly barrier: BarrierHandle;
  /** One for each front end; their `actorBell` is `bell`. */
  readonly mailboxes: readonly [MailboxHandle, ...MailboxHandle[]];
  /** Where it samples what it looks up and writes. */
  readonly lookups: LookupSampleHandle;
  /** Null: the node is in no cluster. Else the store's memory is parted, and replies begin as guarded-reply.ts says. */
  readonly cluster: ShardClusterData | null;
  /** Null: nothing of it is kept on the disk. Else its memory is parted, and replies begin as guarded-reply.ts says. */
  readonly log: ShardLogData | null;
}

/** What a shard's thread posts to its supervisor. */
export type ShardThreadMessage =
  | { readonly kind: 'serving' }
  /** Of what was kept of it, so much is read. */
  | { readonly kind: 'recovering' }
  /** All of it is, by this actor. `claims`: what copies of an earlier start it goes on with, in a cluster. */
  | { readonly kind: 'recovered'; readonly folders: readonly Recovered[]; readonly claims: readonly Claim[] }
  /** It cannot be read: for people. */
  | { readonly kind: 'unreadable'; readonly message: string }
  /** A command threw what it should not; `unreported` more did since the last message. */
  | { readonly kind: 'defect'; readonly command: string; readonly error: string; readonly unreported: number }
  /** A copy of a partition is in trouble that somebody may want to know of. */
  | { readonly kind: 'trouble'; readonly what: string };
