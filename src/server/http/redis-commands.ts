import { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import type { CommandParts } from '../../protocol/http/redis-request.ts';
import type { Exchange } from './exchange.ts';

/** Finds the rows that commands by name mean, and whether they may be run. */
export class RedisCommands {
  /** The arguments of the command resolved last. */
  readonly args = new Args();
  readonly #keyBytesMax: number;
  readonly #writer = new ReplyWriter();
  readonly #reader = new ReplyReader();

  constructor(keyBytesMax: number) {
    this.#keyBytesMax = keyBytesMax;
  }

  /** The command and its `args`; null with `failure` when there is none, or the user may not run it. */
  resolve(bytes: Uint8Array, { starts, ends }: CommandParts, { user }: Exchange): Command | null {
    const { args } = this;
    this.#writer.clear();
    args.clear(bytes);
    for (let at = 1; at < starts.length; at++) args.push(starts[at] as number, ends[at] as number);
    const [start = 0] = starts;
    const [end = 0] = ends;
    const command = commandTable.resolve(bytes, start, end, args, this.#keyBytesMax, this.#writer);
    if (command === null) return null;
    const denial = user.denialOf(command, args);
    if (denial === null) return command;
    this.#writer.error(denial.code, denial.message);
    return null;
  }

  /** Why the command resolved last cannot be run. */
  get failure(): ReplyReader {
    this.#reader.openWritten(this.#writer);
    return this.#reader;
  }
}
