import type { NodeId } from '../../cluster/identity.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { ReplySink } from '../../command/reply.ts';
import type { RefusalReason } from '../../shard/guarded-reply.ts';
import type { Admission, FlightLog } from '../../shard/shard-client.ts';

/** What a command is to be run with; bits of one number. */
export const TargetFlag = {
  none: 0,
  /** Commands of the same connection are on their way to the target: a read must not overtake them there. */
  ordered: 1,
  /** A survey or sweep: of the node's own primaries only. */
  localPart: 2,
  /** Nothing of the command's partitions is in flight: it need not be refused since one before it was. */
  resumes: 4,
} as const;

/** Who asked for a command; exactly one of the two is called, and once. */
export interface TargetSink extends ReplySink {
  /**
   * Nothing was run. `bytes[start..start + length)` is the command as `encodeCommand` wrote it, without flags; it may be
   * read during the call only.
   */
  onRefused(reason: RefusalReason, bytes: Uint8Array, start: number, length: number): void;
}

/**
 * What runs commands: a shard of this node, by way of its mailbox, or another node, by way of a link. Commands go out in
 * the order in which they were committed. Once a command was refused for a reason that may be over soon, later ones of
 * the same partitions are refused likewise, up to one with the flag `resumes`: those under way never overtake it.
 */
export interface CommandTarget {
  /** Whether a command could be sent now. */
  readonly isUp: boolean;
  /** Commands sent and not yet answered or refused. */
  readonly outstanding: number;
  /** Writes a command to where it will be sent from; it is forgotten when another is prepared before it is sent. */
  prepare(rowId: number, args: Args, flags: number): Admission;
  /** Sends the command last prepared; it leaves with the next `flush`, at the end of the turn at the latest. */
  commit(sink: TargetSink, log: FlightLog | null): void;
  flush(): void;
}

/** The ways to other nodes. */
export interface NodeTargets {
  /** Null: there is no way to that node. */
  target(node: NodeId): CommandTarget | null;
}

/** What other nodes have this one run: by its own shards only, never by yet another node. */
export interface ForwardedCommands {
  /**
   * Runs a command: one with keys of one partition, a survey or sweep, or a transaction (`flux.exec` of all its commands).
   * What cannot be run here now is refused, with no bytes, and not kept. `args` may be refilled after the call; `flags` as
   * {@link TargetFlag}.
   */
  runForwarded(command: Command, args: Args, flags: number, sink: TargetSink): void;
}
