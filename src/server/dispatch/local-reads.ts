import type { Args } from '../../command/args.ts';
import type { Command, ReadCommand } from '../../command/command.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import { lastKeyOf } from '../../command/table.ts';
import type { LocalReader } from './local-reader.ts';
import type { OrderedSession } from './ordered-session.ts';
import type { Scatter } from './scatter.ts';

type Read = ReadCommand & Command;

/** Runs commands that read on this thread, straight from the memory of the shards. */
export class LocalReads {
  readonly #readers: readonly LocalReader[];
  readonly #answerDefect: (command: Command, error: unknown, reply: ReplyWriter) => void;

  constructor(
    readers: readonly LocalReader[],
    answerDefect: (command: Command, error: unknown, reply: ReplyWriter) => void,
  ) {
    this.#readers = readers;
    this.#answerDefect = answerDefect;
  }

  /** False, with nothing written, when the read has to go by mailbox. */
  readOne(shard: number, command: Read, args: Args, reply: ReplyWriter): boolean {
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
    // What is read of a single key is whole either way.
    if (unchanged || command.gather === 'single') return true;
    reply.clear();
    return false;
  }

  /**
   * Reads all parts of a command, as of one moment as far as transactions go: a transaction over several shards turns
   * readers away from all of them before it writes to any, and these readers are inside all of them at once. False when
   * all parts have to go by mailbox, where they come behind the same transactions on every shard.
   */
  readParts(scatter: Scatter, command: Read, args: Args, partArgs: Args, session: OrderedSession | null): boolean {
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
    return valid;
  }

  #run(reader: LocalReader, command: Read, args: Args, reply: ReplyWriter): void {
    try {
      void command.run(reader, args, reply);
    } catch (error) {
      this.#answerDefect(command, error, reply);
    }
  }
}

/** Whether the values of the command's keys together are too much work for an event loop. */
function holdsLarger(reader: LocalReader, command: Read, args: Args, bytesMax: number): boolean {
  const last = lastKeyOf(command, args);
  let total = 0;
  for (let at = command.keys.first; at <= last; at += command.keys.step) {
    if (reader.peek(args.bytes, args.start(at), args.end(at))) total += reader.entry.valueBytes;
    if (total > bytesMax) return true;
  }
  return false;
}
