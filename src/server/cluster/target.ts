import type { NodeId } from '../../cluster/identity.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { ReplySink } from '../../command/reply.ts';
import type { RefusalReason } from '../../shard/guarded-reply.ts';
import type { RefusalSink } from '../../shard/refusal-sink.ts';
import type { Admission, FlightLog } from '../../shard/shard-client.ts';
import type { Transaction, WatchedKey } from '../dispatch/transaction.ts';

/** What a command that is sent to another node is to be run with; bits of one number. */
export const ForwardFlag = {
  none: 0,
  /** Commands of the same connection are on their way to that node: a read must not overtake them there. */
  ordered: 1,
  /** A survey or sweep: of the node's own primaries only. */
  localPart: 2,
} as const;

/** The partition of a command whose keys are of several, or of none. */
export const NO_PARTITION = -1;

/**
 * What runs commands: a shard of this node, by way of its mailbox, or another node, by way of a link. Commands go out in
 * the order in which they were committed, and each sink is called once (I4) unless the command is handed to `refusals`.
 */
export interface CommandTarget {
  /** Its number among the targets: shards of this node come first. */
  readonly shard: number;
  /** Who takes what was not run. Set once, before the first command. */
  refusals: RefusalSink | null;
  /** Commands sent and not yet answered, nor handed to `refusals`. */
  readonly outstanding: number;
  /**
   * Writes a command to where it will be sent from, which `commit` does; it is forgotten when another is prepared first.
   * `flags` and `partition` are of interest to other nodes only. A node that is not connected answers `unreachable`.
   */
  prepare(rowId: number, args: Args, flags?: number, partition?: number): Admission;
  /** Sends the command last prepared; it leaves at the end of the turn at the latest. */
  commit(sink: ReplySink, log: FlightLog | null): void;
  /** Has what was committed leave now. */
  flush(): void;
}

/** A sink of what another node may refuse. */
export interface ForwardSink extends ReplySink {
  /** In place of `onReply`: nothing was run. */
  onRefused(reason: RefusalReason): void;
}

/** Another node as a target. */
export interface NodeTarget extends CommandTarget {
  readonly node: NodeId;
  /** Whether a command could be sent now. */
  readonly isReachable: boolean;
  /**
   * As `prepare`, for a transaction all of whose keys are of that node, with no command of kind `node` or `connection`. To
   * be followed by `commitTransaction`. Both are copied.
   */
  prepareTransaction(transaction: Transaction, watched: readonly WatchedKey[]): Admission;
  /** Refusals of the transaction go to `sink`, after `log` was told that it is answered. */
  commitTransaction(sink: ForwardSink, log: FlightLog | null): void;
}

/**
 * What other nodes have this one run: by its own shards only, never by yet another node. What cannot be run here now,
 * also since the node is shutting down, is refused at once, and is not kept.
 */
export interface ForwardedCommands {
  /** `args` and its bytes may be refilled after the call. `flags` as {@link ForwardFlag}. `sink` is called once. */
  executeForwarded(command: Command, args: Args, flags: number, sink: ForwardSink): void;
  /** The transaction is the callee's. */
  transactForwarded(transaction: Transaction, watched: readonly WatchedKey[], sink: ForwardSink): void;
}
