import type { Args } from '../command/args.ts';
import type { Command } from '../command/command.ts';
import type { ReplyWriter } from '../command/reply.ts';

/**
 * Stands before every command of a shard whose replies may have to wait: for copies on other nodes, or for the disk. What
 * its reply waits for goes in front of that (guarded-reply.ts).
 */
export interface Guard {
  /** What goes in front of the reply: `head[0..headBytes)`. */
  readonly head: Uint8Array;
  readonly headBytes: number;
  /** So much is kept free in front of replies. */
  readonly headBytesUsual: number;
  /** The reply waits for somebody who wakes the front end then: to wake it before is of no use. */
  readonly isRungLater: boolean;
  /** The command was not run: what goes behind the head is the command as it came. */
  readonly isRefused: boolean;
  /** In front of a reply that says nothing of the store. */
  plain(): void;
  /** Whether what the command at hand has done can be told on. */
  mayStand(): boolean;
  /** `word` is the row's id, with `RESUMES` or without it. `run` runs the command on the store and writes its reply. */
  run(mailbox: number, word: number, args: Args, reply: ReplyWriter, run: (command: Command | undefined) => void): void;
}

/** What goes on beside the commands of such a shard. */
export interface ShardCompanion {
  /** Takes some of the messages that wait for it; true when there were any. */
  takeMessages(): boolean;
  hasMessages(): boolean;
  /** Takes on what the store has done since. */
  append(): void;
  /** Forgets what `append` has taken on for the command at hand. */
  clearSeqs(): void;
  /** Lets others see what came together: before the replies of it are seen, or behind them if it `followsReplies`. */
  flush(): void;
  /** Whoever takes on what came together is to find the replies published. */
  readonly followsReplies: boolean;
  /** Nothing of that waits for room: the thread may end. */
  readonly isSent: boolean;
  /** How long the actor may sleep at most. */
  readonly sleepMs: number;
}
