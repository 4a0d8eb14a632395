import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { decodeRoughInteger } from '../../command/decimal.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import type { LogRefusal } from '../../persistence/shard-log.ts';
import type { Barrier } from '../barrier.ts';
import type { Guard } from '../guard.ts';
import { GuardKind, RESUMES, WAIT_BYTES, WAITS_HEAD_BYTES } from '../guarded-reply.ts';
import { COMMAND_HEAD_ARGS, TransactionArg, WATCH_ARGS } from '../transaction-message.ts';
import type { LoggedShard } from './logged-shard.ts';

/** What a client is told. */
export const logMessages: Readonly<Record<LogRefusal, string>> = {
  'disk-failed':
    'the log on the disk cannot be written, and writes are refused until it can; /health and the log of the node say why',
  overloaded: 'the disk is behind with too many changes; the command was not run',
};

/** Kinds of commands that change nothing. */
const harmless: ReadonlySet<string> = new Set(['read', 'survey']);

export interface LoggedRunParts {
  readonly shard: LoggedShard;
  readonly commands: readonly Command[];
  /** The row of `flux.exec`. */
  readonly transactionRow: Command | undefined;
  readonly barrier: Barrier;
}

/**
 * Runs one command of a shard that keeps a log, and says how far that must have come before its reply may be told. Writes
 * that the log cannot take are refused before they are run. What commands read may be lost with the process yet: readers
 * of shared memory see it as well, and nobody waits for it.
 */
export class LoggedRun implements Guard {
  readonly head = new Uint8Array(WAITS_HEAD_BYTES + WAIT_BYTES);
  readonly headBytesUsual = WAITS_HEAD_BYTES + WAIT_BYTES;
  readonly isRefused = false;
  headBytes = 0;
  readonly #shard: LoggedShard;
  readonly #commands: readonly Command[];
  readonly #transactionRow: Command | undefined;
  readonly #barrier: Barrier;
  readonly #words: DataView;
  /** The number of this actor among those that the shard has had. */
  readonly #reign: number;

  constructor({ shard, commands, transactionRow, barrier }: LoggedRunParts) {
    this.#shard = shard;
    this.#commands = commands;
    this.#transactionRow = transactionRow;
    this.#barrier = barrier;
    this.#reign = shard.log.gate.reign;
    this.#words = new DataView(this.head.buffer);
  }

  /** What was appended has not been sent yet, and whoever writes it rings. */
  get isRungLater(): boolean {
    return this.headBytes > 1;
  }

  plain(): void {
    this.head[0] = GuardKind.plain;
    this.headBytes = 1;
  }

  mayStand(): boolean {
    return this.#shard.hasRoomForRecords();
  }

  run(
    _mailbox: number,
    word: number,
    args: Args,
    reply: ReplyWriter,
    run: (command: Command | undefined) => void,
  ): void {
    this.plain();
    const command = this.#commands[word & ~RESUMES];
    const { log } = this.#shard;
    const refusal = log.refusal();
    if (refusal !== null && this.#changes(command, args)) {
      // The others of the transaction must not run their parts.
      if (command === this.#transactionRow) this.#giveUp(args);
      reply.error(refusal, logMessages[refusal]);
      return;
    }
    run(command);
    this.#shard.append();
    const { appended } = this.#shard;
    this.#shard.clearSeqs();
    // What a read has found expired and removed is nothing to wait for.
    if (appended === 0 || log.goesOnWithout || (command !== undefined && harmless.has(command.kind))) return;
    this.head[0] = GuardKind.waits;
    this.#words.setUint16(1, 1, true);
    this.#words.setUint16(3, 0, true);
    this.#words.setInt32(5, this.#reign, true);
    this.#words.setInt32(9, appended | 0, true);
    this.headBytes = WAITS_HEAD_BYTES + WAIT_BYTES;
  }

  /** Whether the command may change anything. */
  #changes(command: Command | undefined, args: Args): boolean {
    if (command === undefined || command !== this.#transactionRow) {
      return command !== undefined && !harmless.has(command.kind);
    }
    let at = TransactionArg.first + numberArg(args, TransactionArg.watches) * WATCH_ARGS;
    while (at < args.count) {
      if (!harmless.has(this.#commands[numberArg(args, at)]?.kind ?? '')) return true;
      at += COMMAND_HEAD_ARGS + numberArg(args, at + 1);
    }
    return false;
  }

  #giveUp(args: Args): void {
    const slot = numberArg(args, TransactionArg.slot);
    if (slot >= 0) this.#barrier.giveUp(slot);
  }
}

function numberArg(args: Args, index: number): number {
  return decodeRoughInteger(args.bytes, args.start(index), args.end(index));
}
