import { ArgsBuffer } from '../src/command/args-buffer.ts';
import type { Command } from '../src/command/command.ts';
import { ReplyReader as Reader, type ReplyReader, ReplyWriter } from '../src/command/reply.ts';
import { type CommandTable, commandTable } from '../src/command/table.ts';
import type { CommandDispatcher } from '../src/server/dispatch/command-dispatcher.ts';
import { OrderedSession } from '../src/server/dispatch/ordered-session.ts';
import { TransactionQueue } from '../src/server/dispatch/transaction-queue.ts';
import { plainReply } from './in-thread-shards.ts';

/** A connection that sends commands as a session does, with plain values instead of bytes. */
export class TransactionClient {
  readonly session: OrderedSession;
  readonly queue: TransactionQueue;
  readonly #dispatcher: CommandDispatcher;
  readonly #buffer = new ArgsBuffer();
  /** Commands that wait until the session takes commands again. */
  readonly #waiting: (() => void)[] = [];

  readonly #table: CommandTable;

  constructor(dispatcher: CommandDispatcher, shardCount: number, table = commandTable) {
    this.#dispatcher = dispatcher;
    this.#table = table;
    this.session = new OrderedSession(shardCount);
    this.session.onReady = () => {
      while (!this.session.blocked) {
        const next = this.#waiting.shift();
        if (next === undefined) break;
        next();
      }
    };
    this.queue = new TransactionQueue(dispatcher, this.session);
    this.queue.runOnConnection = (_command, _args, reply) => this.queue.unwatch(reply);
  }

  /** Sends a command without waiting for those before it; resolves with its reply. */
  call(name: string, ...texts: readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let answered = false;
      const onReply = (reply: ReplyReader): void => {
        if (answered) reject(new Error('I4: a command was answered twice'));
        answered = true;
        resolve(plainReply(reply));
      };
      const send = (): void => this.#send(name, texts, onReply);
      if (this.session.blocked) this.#waiting.push(send);
      else send();
    });
  }

  /** Runs commands in a transaction; resolves with the reply of EXEC. */
  transact(...commands: readonly (readonly [name: string, ...texts: string[]])[]): Promise<unknown> {
    void this.call('multi');
    for (const [name, ...texts] of commands) void this.call(name, ...texts);
    return this.call('exec');
  }

  /** Rows that no request can name. */
  #resolve(name: string): Command | null {
    return name.startsWith('fault.') ? this.#table.named(name) : null;
  }

  #send(name: string, texts: readonly string[], onReply: (reply: ReplyReader) => void): void {
    this.#buffer.begin();
    for (const text of texts) this.#buffer.text(text);
    const { args } = this.#buffer;
    const { queue } = this;
    const writer = new ReplyWriter();
    const nameBytes = Buffer.from(name);
    const command = this.#resolve(name) ?? this.#table.resolve(nameBytes, 0, nameBytes.length, args, 65_535, writer);
    if (command === null) queue.abort();
    else if (queue.isOpen && queue.takes(command)) queue.queue(command, args, writer);
    else if (name === 'multi') queue.begin(writer);
    else if (name === 'discard') queue.discard(writer);
    else if (name === 'unwatch') queue.unwatch(writer);
    else if (name === 'exec') queue.execute({ onReply });
    else if (name === 'watch') queue.watchKeys(args, { onReply });
    else this.#dispatcher.execute(command, args, { onReply }, this.session);
    if (writer.length === 0) return;
    const reader = new Reader();
    reader.openWritten(writer);
    onReply(reader);
  }
}
