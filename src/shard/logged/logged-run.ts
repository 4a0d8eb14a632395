import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import type { LogRefusal } from '../../persistence/shard-log.ts';
import type { Guard } from '../guard.ts';
import { GuardKind, RESUMES, WAIT_BYTES, WAITS_HEAD_BYTES } from '../guarded-reply.ts';
import type { LoggedShard } from './logged-shard.ts';

const messages: Readonly<Record<LogRefusal, string>> = {
  'disk-failed':
    'the log on the disk cannot be written, and writes are refused until it can; the log of the node says more',
  overloaded: 'the disk is behind with too many changes; the command was not run',
};

/** Kinds of commands that change nothing. */
const harmless: ReadonlySet<string> = new Set(['read', 'survey']);

/** Runs one command of a shard that keeps a log, and says how far that must be on the disk before its reply may be told. */
export class LoggedRun implements Guard {
  readonly head = new Uint8Array(WAITS_HEAD_BYTES + WAIT_BYTES);
  readonly headBytesUsual = WAITS_HEAD_BYTES + WAIT_BYTES;
  readonly isRefused = false;
  headBytes = 0;
  readonly #shard: LoggedShard;
  readonly #commands: readonly Command[];
  readonly #words: DataView;
  /** The number of this actor among those that the shard has had. */
  readonly #reign: number;

  constructor(shard: LoggedShard, commands: readonly Command[]) {
    this.#shard = shard;
    this.#commands = commands;
    this.#reign = shard.log.gate.reign;
    this.#words = new DataView(this.head.buffer);
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
    _args: Args,
    reply: ReplyWriter,
    run: (command: Command | undefined) => void,
  ): void {
    this.plain();
    const command = this.#commands[word & ~RESUMES];
    const { log } = this.#shard;
    if (command !== undefined && !harmless.has(command.kind)) {
      const refusal = log.refusal();
      if (refusal !== null) {
        reply.error(refusal, messages[refusal]);
        return;
      }
    }
    run(command);
    this.#shard.append();
    const { appended } = this.#shard;
    this.#shard.clearSeqs();
    if (appended === 0 || !log.waitsForDisk) return;
    this.head[0] = GuardKind.waits;
    this.#words.setUint16(1, 1, true);
    this.#words.setUint16(3, 0, true);
    this.#words.setInt32(5, this.#reign, true);
    this.#words.setInt32(9, appended | 0, true);
    this.headBytes = WAITS_HEAD_BYTES + WAIT_BYTES;
  }
}
