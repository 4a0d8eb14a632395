import { AssertionError, assert } from '../base/assert.ts';
import type { Random } from '../base/ports.ts';
import type { ReadView } from '../base/view.ts';
import { Args } from '../command/args.ts';
import type { Command } from '../command/command.ts';
import { decodeRoughInteger } from '../command/decimal.ts';
import { ReplyReader, ReplyWriter } from '../command/reply.ts';
import { ReplyTooLarge } from '../command/reply-too-large.ts';
import { tellTooLarge } from '../command/tell-too-large.ts';
import { type Barrier, BarrierState } from './barrier.ts';
import type { ChangeLog } from './change-log.ts';
import type { ShardControl } from './shard-control.ts';
import type { ShardStore } from './shard-store.ts';
import { COMMAND_HEAD_ARGS, TransactionArg, WATCH_ARGS } from './transaction-message.ts';

export interface TransactionExecParts {
  readonly store: ShardStore;
  readonly commands: readonly Command[];
  readonly changes: ChangeLog;
  readonly control: ShardControl;
  readonly random: Random;
  /** Where this shard, of that number, meets others. */
  readonly barrier: Barrier;
  readonly shard: number;
  /** Bytes that the replies of all commands may have together. */
  readonly replyBytesMax: number;
  /** Whether all that was changed can be told to other copies as one write; asked before it stands. */
  readonly mayStand: () => boolean;
  readonly onDefect: (command: Command, error: unknown) => void;
}

/** How long a shard waits at a barrier at a time, and how often before it gives up: 10 s, or 1 s once it is to stop. */
const WAIT_MS = 50;
const WAITS_MAX = 200;
const WAITS_WHEN_STOPPING = 20;

/** What Redis says when a transaction that may write comes and memory is full. */
const outOfMemory = "command not allowed when used memory > 'maxmemory'.";
const tooMuch = 'the transaction changes more at once than can be kept or sent to other nodes; nothing of it was done';

/**
 * Runs transactions in a shard: the watches are looked at, then all commands are run as one group of writes, so that
 * readers of shared memory see nothing of it before all of it, and a successor of this actor undoes it if it dies in the
 * middle. As in Redis, a command that fails while it is run has its error in its place, and the others stand.
 *
 * A transaction over several shards is run by all of them at once. They go from state to state of its slot together:
 * readers are turned away everywhere before anything is written anywhere, and let in when everything is written. If one
 * dies meanwhile, or does not come, the others take their parts back. All get such transactions in the same order, so
 * that none waits for one who waits for it.
 *
 * Room is made while it runs, command by command; one that finds none is answered `out-of-memory`. FLUSHALL cannot be
 * taken back: an actor that dies after it in a transaction leaves the shard empty; over several shards, all.
 */
export class TransactionExec {
  readonly #parts: TransactionExecParts;
  readonly #args = new Args();
  readonly #reply = new ReplyWriter();
  readonly #reader = new ReplyReader();

  constructor(parts: TransactionExecParts) {
    this.#parts = parts;
    this.#reply.limit(parts.replyBytesMax);
  }

  /** `args` are those of `flux.exec`. Writes an array with a reply a command, or a null array, or an error. */
  run(args: Args, reply: ReplyWriter): void {
    const { store, barrier, shard } = this.#parts;
    const slot = numberArg(args, TransactionArg.slot);
    if (slot >= 0) {
      barrier.enter(shard, slot);
      this.#runTogether(slot, args, reply);
      barrier.leave(shard);
      return;
    }
    if (!this.#watchesHold(args)) {
      reply.nullArray();
      return;
    }
    // What changes the store once is whole by itself.
    const grouped = this.#writerCount(args) > 1;
    if (grouped && !store.beginGroup(0, 0)) {
      reply.error('out-of-memory', outOfMemory);
      return;
    }
    this.#runCommands(args, reply);
    if (!grouped) return;
    if (this.#parts.mayStand()) {
      store.endGroup();
      return;
    }
    store.abandonGroup();
    reply.clear();
    reply.error('request-too-large', tooMuch);
  }

  #runTogether(slot: number, args: Args, reply: ReplyWriter): void {
    const { store, barrier } = this.#parts;
    let state = this.#meet(slot, args, BarrierState.gathering);
    if (state === BarrierState.locking) {
      if (!store.beginGroup(0, 0)) {
        barrier.giveUp(slot);
        reply.error('out-of-memory', outOfMemory);
        return;
      }
      if (this.#watchesHold(args)) state = this.#meet(slot, args, BarrierState.locking);
      else state = barrier.move(slot, BarrierState.locking, BarrierState.refused);
      if (state === BarrierState.running) {
        this.#runCommands(args, reply);
        if (this.#parts.mayStand()) state = this.#meet(slot, args, BarrierState.running);
        else state = barrier.giveUp(slot);
      }
      if (state === BarrierState.completed) store.endGroup();
      else store.abandonGroup();
    }
    if (state === BarrierState.completed) return;
    reply.clear();
    if (state === BarrierState.refused) reply.nullArray();
    else if (this.#clears(args))
      reply.error('indeterminate', 'a shard of the transaction failed after keys were removed');
    else reply.error('overloaded', 'a shard of the transaction failed or did not come in time; nothing was run');
  }

  /** Is ready for the state behind `from`, and waits until the others are; returns what the slot comes to. */
  #meet(slot: number, args: Args, from: BarrierState): BarrierState {
    const { barrier, control } = this.#parts;
    barrier.ready(slot, numberArg(args, TransactionArg.ordinal), numberArg(args, TransactionArg.participants), from);
    for (let waits = 0; barrier.state(slot) === from; waits++) {
      // The watchdog is to see that this shard does not hang, but waits.
      control.began();
      if (waits >= (control.stopRequested ? WAITS_WHEN_STOPPING : WAITS_MAX)) return barrier.giveUp(slot);
      barrier.wait(slot, from, WAIT_MS);
    }
    return barrier.state(slot);
  }

  #clears(args: Args): boolean {
    for (let at = this.#firstCommand(args); at < args.count; at += COMMAND_HEAD_ARGS + numberArg(args, at + 1)) {
      if (this.#commandAt(args, at).kind === 'sweep') return true;
    }
    return false;
  }

  #watchesHold(args: Args): boolean {
    const { store } = this.#parts;
    const end = this.#firstCommand(args);
    for (let at: number = TransactionArg.first; at < end; at += WATCH_ARGS) {
      const found = store.peek(args.bytes, args.start(at), args.end(at));
      const version = found ? store.entry.version : 0;
      const expiresAtMs = found ? store.entry.expiresAtMs : 0;
      if (version !== numberArg(args, at + 1) || expiresAtMs !== numberArg(args, at + 2)) return false;
    }
    return true;
  }

  #firstCommand(args: Args): number {
    return TransactionArg.first + numberArg(args, TransactionArg.watches) * WATCH_ARGS;
  }

  #writerCount(args: Args): number {
    let count = 0;
    for (let at = this.#firstCommand(args); at < args.count; at += COMMAND_HEAD_ARGS + numberArg(args, at + 1)) {
      const kind = this.#commandAt(args, at).kind;
      if (kind !== 'read' && kind !== 'survey') count++;
    }
    return count;
  }

  #commandAt(args: Args, at: number): Command {
    const command = this.#parts.commands[numberArg(args, at)];
    assert(command !== undefined, 'a transaction names rows of the table');
    return command;
  }

  #runCommands(args: Args, reply: ReplyWriter): void {
    const shards = numberArg(args, TransactionArg.shards);
    const mark = reply.beginArray();
    let count = 0;
    let tooLarge: ReplyTooLarge | null = null;
    for (let at = this.#firstCommand(args); at < args.count; ) {
      const command = this.#commandAt(args, at);
      const argCount = numberArg(args, at + 1);
      at += COMMAND_HEAD_ARGS;
      this.#args.clear(args.bytes);
      for (let index = 0; index < argCount; index++) this.#args.push(args.start(at + index), args.end(at + index));
      at += argCount;
      // Whatever is read now is not told any more.
      if (tooLarge !== null && (command.kind === 'read' || command.kind === 'survey')) continue;
      this.#parts.control.began();
      const fault = this.#runCommand(command, shards, reply.room);
      tooLarge ??= fault;
      if (tooLarge !== null) continue;
      // An attribute, which versions are told by, has its place only in front of a whole reply.
      this.#reader.openWritten(this.#reply);
      reply.part(this.#reply.bytes, this.#reader.partStart, this.#reply.length);
      count++;
    }
    if (tooLarge === null) reply.endArray(mark, count);
    else tellTooLarge(tooLarge, 'write', reply);
    this.#reply.clear();
  }

  /**
   * Leaves the reply in `#reply`; what is returned says that it has no place in the `room` that those before it left.
   * Even so the command was run: by itself, what a write replies has room.
   */
  #runCommand(command: Command, shards: number, room: number): ReplyTooLarge | null {
    const { store, changes, replyBytesMax } = this.#parts;
    const reply = this.#reply;
    reply.clear();
    changes.row = command.id;
    const openGroups = store.openGroups;
    try {
      if (command.kind === 'survey') this.#survey(command, shards);
      else runRow(command, store, this.#args, reply);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      if (store.openGroups > openGroups) {
        throw new AssertionError(`'${command.name}' failed within a group`, { cause: error });
      }
      if (error instanceof ReplyTooLarge) return error;
      reply.clear();
      reply.error('internal', `the command '${command.name}' failed; the log says more`);
      this.#parts.onDefect(command, error);
    }
    return reply.length > room ? new ReplyTooLarge(replyBytesMax) : null;
  }

  /** The shard's part of it; only a cursor's command looks at more than its own store, by number. */
  #survey(command: Command & { readonly kind: 'survey' }, shards: number): void {
    const { store, control, random } = this.#parts;
    const views = new Array<ReadView>(command.parts === 'cursor' ? shards : 1).fill(store);
    let resume = 0;
    do {
      control.began();
      resume = command.run(views, { random }, this.#args, this.#reply, resume);
    } while (resume !== 0);
  }
}

/** Runs a row of the kinds that a shard runs. */
export function runRow(command: Command, store: ShardStore, args: Args, reply: ReplyWriter): void {
  const { kind } = command;
  // A command of any other kind would be a defect of the dispatcher.
  assert(kind === 'read' || kind === 'write' || kind === 'pair' || kind === 'sweep', `a shard runs no ${kind}`);
  store.countsLookups = kind === 'read';
  void command.run(store, args, reply);
}

function numberArg(args: Args, index: number): number {
  return decodeRoughInteger(args.bytes, args.start(index), args.end(index));
}
