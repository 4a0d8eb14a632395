import { byteText } from '../../base/byte-text.ts';
import type { ErrorCode } from '../../base/errors.ts';
import type { Args } from '../../command/args.ts';
import type { AskingCommand, Command, ConnectionCommand } from '../../command/command.ts';
import type { TransactionPort } from '../../command/connection.ts';
import { ReplyKind, ReplyReader, type ReplySink, ReplyWriter } from '../../command/reply.ts';
import type { OrderedSession } from './ordered-session.ts';
import { Transaction, type WatchedKey } from './transaction.ts';

/** Runs a command of kind `connection` that was queued, when the transaction's turn has come. */
export type RunOnConnection = (command: Command, args: Args, reply: ReplyWriter) => void | Promise<void>;

/** Why a command cannot be part of a transaction on this node. */
export interface TransactionFault {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What a queue asks of the dispatcher. */
export interface TransactionRunner {
  /** Null when the command may be queued. */
  transactionFault(command: Command, args: Args): TransactionFault | null;
  /** As `execute`: `sink` gets one reply: the array of the commands' replies, or a null array, or an error. */
  transact(
    transaction: Transaction,
    watched: readonly WatchedKey[],
    runOnConnection: RunOnConnection | null,
    sink: ReplySink,
    session: OrderedSession | null,
  ): void;
  /** Asks what keys hold now: the sink gets an array of two integers a key, version and expiry, 0 and 0 when absent. */
  versionsOf(args: Args, sink: ReplySink, session: OrderedSession | null): void;
}

export interface TransactionLimits {
  readonly commandsMax: number;
  /** Of all arguments together. */
  readonly bytesMax: number;
  readonly watchedMax: number;
}

export const TRANSACTION_LIMITS_DEFAULT: TransactionLimits = {
  commandsMax: 65_536,
  bytesMax: 8 * 1024 * 1024,
  watchedMax: 65_536,
};

const noMulti = 'Command not allowed inside a transaction';

/**
 * MULTI and WATCH of one connection. How a session uses it, for every command it has resolved:
 *
 *     if (transaction.isOpen && transaction.takes(row))
 *       transaction.queue(row, args, reply)          // `reply` is QUEUED, or the error that aborts the transaction
 *     else run the row, or start it                  // MULTI, EXEC, DISCARD, WATCH and UNWATCH call what is below
 *
 * A command that could not be resolved, or that the user may not run, is told to `abort` while `isOpen`. On RESET and
 * when the connection is gone: `reset`.
 *
 * Commands of kind `connection` (HELLO, CLIENT …) can be queued when `runOnConnection` is set; they are run on this
 * thread when EXEC comes. EXEC may block the session (`OrderedSession.onReady`), when it waits for the answer of a
 * WATCH in the same pipeline or for such a command.
 */
export class TransactionQueue implements TransactionPort {
  runOnConnection: RunOnConnection | null = null;
  /** Called when EXEC has come and is counted among the commands taken. */
  onExecute: (() => void) | null = null;
  readonly #runner: TransactionRunner;
  readonly #session: OrderedSession | null;
  readonly #limits: TransactionLimits;
  #open: Transaction | null = null;
  #aborted = false;
  readonly #watched = new Map<string, WatchedKey>();
  /** Counts up whenever all watches are dropped: answers that were asked for before are of no interest. */
  #watchRound = 0;
  #watchesAsked = 0;
  /** An EXEC that waits for the answers of its watches. */
  #waiting: (() => void) | null = null;

  constructor(runner: TransactionRunner, session: OrderedSession | null, limits = TRANSACTION_LIMITS_DEFAULT) {
    this.#runner = runner;
    this.#session = session;
    this.#limits = limits;
  }

  /** MULTI was given and neither EXEC nor DISCARD. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Commands queued; -1 outside a transaction. */
  get queuedCount(): number {
    return this.#open === null ? -1 : this.#open.commands.length;
  }

  get watchedCount(): number {
    return this.#watched.size;
  }

  /** Whether the command is to be queued while the transaction is open. */
  takes(command: Command): boolean {
    return command.kind !== 'connection' || command.inTransaction !== 'at-once';
  }

  begin(reply: ReplyWriter): void {
    if (this.#open !== null) {
      reply.error('bad-request', 'MULTI calls can not be nested');
      return;
    }
    this.#open = new Transaction();
    this.#aborted = false;
    reply.ok();
  }

  /** Copies the command's arguments. */
  queue(command: Command, args: Args, reply: ReplyWriter): void {
    const transaction = this.#open;
    if (transaction === null) {
      reply.error('bad-request', 'no transaction is open');
      return;
    }
    const fault = this.#faultOf(transaction, command, args);
    if (fault !== null) {
      this.#aborted = true;
      reply.error(fault.code, fault.message);
      return;
    }
    // Once aborted, nothing of it is going to be run.
    if (!this.#aborted) transaction.add(command, args);
    reply.status('QUEUED');
  }

  /** A command of the open transaction was refused before it could be queued: EXEC will answer EXECABORT. */
  abort(): void {
    this.#aborted = true;
  }

  discard(reply: ReplyWriter): void {
    if (this.#open === null) {
      reply.error('bad-request', 'DISCARD without MULTI');
      return;
    }
    this.reset();
    reply.ok();
  }

  unwatch(reply: ReplyWriter): void {
    this.#forgetWatches();
    reply.ok();
  }

  /** Drops what was queued and watched. */
  reset(): void {
    this.#open = null;
    this.#aborted = false;
    this.#forgetWatches();
  }

  execute(sink: ReplySink): void {
    this.onExecute?.();
    const transaction = this.#open;
    if (transaction === null) {
      answer(sink, (reply) => reply.error('bad-request', 'EXEC without MULTI'));
      return;
    }
    if (this.#aborted) {
      this.reset();
      answer(sink, (reply) => reply.error('transaction-aborted', 'Transaction discarded because of previous errors.'));
      return;
    }
    this.#open = null;
    const run = (): void => {
      const watched = [...this.#watched.values()];
      this.#forgetWatches();
      this.#runner.transact(transaction, watched, this.runOnConnection, sink, this.#session);
    };
    if (this.#watchesAsked === 0) {
      run();
      return;
    }
    this.#session?.block();
    this.#waiting = () => {
      run();
      // Else it is for the run to do, when it is over.
      if (!transaction.needsConnection) this.#session?.unblock();
    };
  }

  watchKeys(args: Args, sink: ReplySink): void {
    if (this.#open !== null) {
      answer(sink, (reply) => reply.error('bad-request', 'WATCH inside MULTI is not allowed'));
      return;
    }
    if (this.#watched.size + args.count > this.#limits.watchedMax) {
      answer(sink, (reply) =>
        reply.error('request-too-large', `more than ${this.#limits.watchedMax} keys would be watched`),
      );
      return;
    }
    const keys = Array.from({ length: args.count }, (_, index) => args.copy(index));
    const round = this.#watchRound;
    this.#watchesAsked++;
    const onReply = (reply: ReplyReader): void => {
      const failed = reply.kind === ReplyKind.error;
      if (!failed && round === this.#watchRound) this.#note(keys, reply);
      if (failed) sink.onReply(reply);
      else answer(sink, (ok) => ok.ok());
      this.#watchesAsked--;
      if (this.#watchesAsked > 0 || this.#waiting === null) return;
      const task = this.#waiting;
      this.#waiting = null;
      task();
    };
    this.#runner.versionsOf(args, { onReply }, this.#session);
  }

  #faultOf(transaction: Transaction, command: Command, args: Args): TransactionFault | null {
    const { commandsMax, bytesMax } = this.#limits;
    let bytes = transaction.length;
    for (let index = 0; index < args.count; index++) bytes += args.byteLength(index);
    if (transaction.commands.length >= commandsMax || bytes > bytesMax) {
      return {
        code: 'request-too-large',
        message: `a transaction has at most ${commandsMax} commands, and ${bytesMax} bytes of arguments`,
      };
    }
    if (command.flags.includes('no_multi') || (command.kind === 'connection' && !this.#mayQueue(command))) {
      return { code: 'bad-request', message: noMulti };
    }
    return this.#runner.transactionFault(command, args);
  }

  #mayQueue({ inTransaction }: ConnectionCommand | AskingCommand): boolean {
    return this.runOnConnection !== null && inTransaction === undefined;
  }

  #note(keys: readonly Uint8Array[], versions: ReplyReader): void {
    for (const key of keys) {
      versions.next();
      versions.next();
      const version = versions.number;
      versions.next();
      const name = byteText(key);
      // A key watched twice is watched from the first time on.
      if (!this.#watched.has(name)) this.#watched.set(name, { key, version, expiresAtMs: versions.number });
    }
  }

  #forgetWatches(): void {
    this.#watched.clear();
    this.#watchRound++;
  }
}

function answer(sink: ReplySink, write: (reply: ReplyWriter) => void): void {
  const writer = new ReplyWriter();
  write(writer);
  const reader = new ReplyReader();
  reader.openWritten(writer);
  sink.onReply(reader);
}
