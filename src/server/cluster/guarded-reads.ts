import type { PartitionGates } from '../../cluster/partition-gates.ts';
import { GateRole } from '../../cluster/partition-gates.ts';
import type { Args } from '../../command/args.ts';
import type { Command, ReadCommand } from '../../command/command.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import type { LocalReader } from '../dispatch/local-reader.ts';
import { holdsLarger } from '../dispatch/local-reads.ts';
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
  readonly #readers: readonly LocalReader[];
  readonly #gates: PartitionGates;
  readonly #nowMs: () => number;
  readonly #answerDefect: (command: Command, error: unknown, reply: ReplyWriter) => void;
  /** By key of the command being read: what the gates said before. */
  #opened: number[] = [];

  constructor(
    readers: readonly LocalReader[],
    gates: PartitionGates,
    nowMs: () => number,
    answerDefect: (command: Command, error: unknown, reply: ReplyWriter) => void,
  ) {
    this.#readers = readers;
    this.#gates = gates;
    this.#nowMs = nowMs;
    this.#answerDefect = answerDefect;
  }

  /** Reads the keys collected in `touched`, all of one shard. False, with nothing written, when that cannot be done here. */
  readOne(shard: number, command: Read, args: Args, touched: TouchedPartitions, reply: ReplyWriter): boolean {
    return this.#open(touched) && this.#read(shard, command, args, reply) && this.#holds(touched, 0, reply);
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
      this.#openReplica(touched) && this.#read(shard, command, args, reply) && this.#holds(touched, stalenessMs, reply)
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
    if (!this.#open(touched)) return false;
    const { plan } = scatter;
    const bytesMax = command.localValueBytesMax;
    scatter.beginParts('read');
    let entered = 0;
    let valid = true;
    try {
      while (valid && entered < plan.partCount) {
        const shard = plan.shardOf(entered);
        valid = (session === null || session.mayReadLocally(shard)) && (this.#readers[shard] as LocalReader).enter();
        if (valid) entered++;
      }
      for (let number = 0; valid && number < plan.partCount; number++) {
        const { writer } = scatter.part(number);
        scatter.beginPart(writer);
        const reader = this.#readers[plan.shardOf(number)] as LocalReader;
        plan.argsOf(number, args, partArgs);
        if (bytesMax !== undefined && holdsLarger(reader, command, partArgs, bytesMax)) valid = false;
        else this.#run(reader, command, partArgs, writer);
        scatter.endPart(writer);
      }
    } finally {
      for (let number = 0; number < entered; number++) {
        if (!(this.#readers[plan.shardOf(number)] as LocalReader).leave()) valid = false;
      }
    }
    return valid && this.#mayAnswer(touched, 0);
  }

  #read(shard: number, command: Read, args: Args, reply: ReplyWriter): boolean {
    const reader = this.#readers[shard] as LocalReader;
    if (!reader.enter()) return false;
    const bytesMax = command.localValueBytesMax;
    if (bytesMax !== undefined && holdsLarger(reader, command, args, bytesMax)) {
      reader.leave();
      return false;
    }
    let unchanged = false;
    try {
      this.#run(reader, command, args, reply);
    } finally {
      unchanged = reader.leave();
    }
    if (unchanged || command.gather === 'single') return true;
    reply.clear();
    return false;
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

  #run(reader: LocalReader, command: Read, args: Args, reply: ReplyWriter): void {
    try {
      void command.run(reader, args, reply);
    } catch (error) {
      this.#answerDefect(command, error, reply);
    }
  }
}
