import type { PartitionGates } from '../../cluster/partition-gates.ts';
import { GateRole } from '../../cluster/partition-gates.ts';
import type { Args } from '../../command/args.ts';
import type { Command, ReadCommand } from '../../command/command.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import type { LocalReader } from '../dispatch/local-reader.ts';
import { LocalReads } from '../dispatch/local-reads.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import type { Scatter } from '../dispatch/scatter.ts';
import type { TouchedPartitions } from './touched-partitions.ts';

type Read = ReadCommand & Command;

/** In place of what `openForReads` answered: the key is read from a copy that may be a little behind. */
const FROM_REPLICA = 0;

/**
 * Runs commands that read in the memory of this node's copies, where a primary may answer: what is read is thrown away
 * when it turns out that a write of the key is under way, or that this copy may not answer any more.
 */
export class GuardedReads {
  readonly #reads: LocalReads;
  readonly #gates: PartitionGates;
  readonly #nowMs: () => number;
  /** By key of the command being read: what the gates said before. */
  #opened: number[] = [];

  constructor(
    readers: readonly LocalReader[],
    gates: PartitionGates,
    nowMs: () => number,
    answerDefect: (command: Command, error: unknown, reply: ReplyWriter) => void,
  ) {
    this.#reads = new LocalReads(readers, answerDefect);
    this.#gates = gates;
    this.#nowMs = nowMs;
  }

  /** Reads the keys collected in `touched`, all of one shard. False, with nothing written, when that cannot be done here. */
  readOne(shard: number, command: Read, args: Args, touched: TouchedPartitions, reply: ReplyWriter): boolean {
    return this.#open(touched) && this.#reads.readOne(shard, command, args, reply) && this.#holds(touched, 0, reply);
  }

  /** The same from copies no older than `stalenessMs`, where this node is no primary. */
  readReplica(
    shard: number,
    command: Read,
    args: Args,
    touched: TouchedPartitions,
    stalenessMs: number,
    reply: ReplyWriter,
  ): boolean {
    return (
      this.#openReplica(touched) &&
      this.#reads.readOne(shard, command, args, reply) &&
      this.#holds(touched, stalenessMs, reply)
    );
  }

  /** Reads all parts of a command, which are of shards of this node: see `LocalReads.readParts`. */
  readParts(
    scatter: Scatter,
    command: Read,
    args: Args,
    partArgs: Args,
    touched: TouchedPartitions,
    session: OrderedSession | null,
  ): boolean {
    return (
      this.#open(touched) &&
      this.#reads.readParts(scatter, command, args, partArgs, session) &&
      this.#mayAnswer(touched, 0)
    );
  }

  #open({ partitionOfKey }: TouchedPartitions): boolean {
    const opened = this.#opened;
    for (let key = 0; key < partitionOfKey.length; key++) {
      const open = this.#gates.openForReads(partitionOfKey[key] as number);
      if (open === 0) return false;
      opened[key] = open;
    }
    return true;
  }

  #openReplica({ partitionOfKey }: TouchedPartitions): boolean {
    const opened = this.#opened;
    for (let key = 0; key < partitionOfKey.length; key++) {
      const partition = partitionOfKey[key] as number;
      const open = this.#gates.openForReads(partition);
      if (open === 0 && this.#gates.role(partition) !== GateRole.replica) return false;
      opened[key] = open === 0 ? FROM_REPLICA : open;
    }
    return true;
  }

  #holds(touched: TouchedPartitions, stalenessMs: number, reply: ReplyWriter): boolean {
    if (this.#mayAnswer(touched, stalenessMs)) return true;
    reply.clear();
    return false;
  }

  #mayAnswer({ partitionOfKey, slots }: TouchedPartitions, stalenessMs: number): boolean {
    const nowMs = this.#nowMs();
    const opened = this.#opened;
    for (let key = 0; key < partitionOfKey.length; key++) {
      const partition = partitionOfKey[key] as number;
      const open = opened[key] as number;
      const holds =
        open === FROM_REPLICA
          ? this.#gates.stalenessMs(partition, nowMs) <= stalenessMs
          : this.#gates.mayAnswer(partition, slots[key] as number, open, nowMs);
      if (!holds) return false;
    }
    return true;
  }
}
