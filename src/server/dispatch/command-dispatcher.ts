import type { ReadView } from '../../base/view.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { ReplySink } from '../../command/reply.ts';
import type { OrderedSession } from './ordered-session.ts';
import type { TransactionRunner } from './transaction-queue.ts';

/** Has commands run where they belong: see `Dispatcher`, and `ClusterDispatcher` for a node in a cluster. */
export interface CommandDispatcher extends TransactionRunner {
  execute(command: Command, args: Args, sink: ReplySink, session?: OrderedSession | null): void;
  beginRead(bytes: Uint8Array, start: number, end: number, session?: OrderedSession | null): ReadView | null;
  endRead(): boolean;
  holdReads(): void;
  releaseReads(): void;
  /** Commands whose reply is owed. */
  readonly inFlight: number;
  /** Commands sent to this shard and not answered, those included that wait in front of its full ring. */
  mailboxDepth(shard: number): number;
  /**
   * Until it is false again, which it is to begin with, the shards' memory is not whole: nothing is read from it, and
   * commands are refused with `not-ready`, but for those that tell of the node.
   */
  set isLoading(isLoading: boolean);
  /** Refuses every further command with `shutting-down`; those in flight are answered as ever. */
  close(): void;
  /** Gives up what waits for anything but a shard of this node; after `close`. */
  stop(): void;
}
