import { AssertionError, assert } from '../base/assert.ts';
import type { Random } from '../base/ports.ts';
import { Args } from '../command/args.ts';
import type { Command } from '../command/command.ts';
import { ReplyWriter } from '../command/reply.ts';
import { ReplyTooLarge } from '../command/reply-too-large.ts';
import type { CommandTable } from '../command/table.ts';
import { tellTooLarge } from '../command/tell-too-large.ts';
import type { ActorMailbox } from '../mailbox/actor-mailbox.ts';
import type { Doorbell } from '../mailbox/doorbell.ts';
import type { Barrier } from './barrier.ts';
import { ChangeLog } from './change-log.ts';
import { UPKEEP_ROW } from './change-message.ts';
import { decodeCommand } from './command-message.ts';
import type { Guard, ShardCompanion } from './guard.ts';
import { type ShardControl, SLEEP_MS_MAX } from './shard-control.ts';
import type { ShardStore } from './shard-store.ts';
import { runRow, TransactionExec } from './transaction-exec.ts';
import { TRANSACTION_ROW } from './transaction-message.ts';
import type { TurnClock } from './turn-clock.ts';

/** Commands taken from one mailbox before the next has its turn and replies are published. */
const BATCH_COMMANDS_MAX = 128;
/** Entries removed for their age between two batches: some tens of microseconds. */
const EXPIRE_ENTRIES_MAX = 64;
/** A record of arguments that grew beyond this is not kept. */
const ARGS_KEPT = 16_384;

export interface ShardActorParts {
  readonly store: ShardStore;
  /** The store's clock. */
  readonly clock: TurnClock;
  readonly table: CommandTable;
  /** One for each front end. */
  readonly mailboxes: readonly ActorMailbox[];
  /** This actor's own bell, which every front end rings. */
  readonly bell: Doorbell;
  readonly control: ShardControl;
  readonly random: Random;
  /** Where this shard, of that number, meets others for a transaction. */
  readonly barrier: Barrier;
  readonly shard: number;
  /** What stands before its commands, and what goes on beside them; null: neither copies nor a log have a part in them. */
  readonly guard: Guard | null;
  readonly companion: ShardCompanion | null;
  /** Told of a command that threw what is not an assertion; the command is answered and the actor goes on. */
  readonly onDefect: (command: Command, error: unknown) => void;
}

/**
 * What a shard's thread does: takes commands, runs them on the store whose only writer it is, answers each exactly once
 * (I4), and between batches removes what has expired and does the store's upkeep in bounded steps. What that changed is
 * told to every front end, if one is interested: in front of the command's reply. While such a message waits for room in
 * a ring, nothing is done that might lead to another.
 *
 * In a cluster it also takes messages of other copies between batches. There, and where it keeps a log, each reply begins
 * with what it waits for (guard.ts).
 *
 * A failed assertion leaves `turn` and ends the thread; whoever takes its place goes on where it stood, see
 * `ActorMailbox`. Any other exception of a command is answered with `internal`.
 */
export class ShardActor {
  readonly #store: ShardStore;
  readonly #clock: TurnClock;
  readonly #commands: readonly Command[];
  readonly #mailboxes: readonly ActorMailbox[];
  readonly #bell: Doorbell;
  readonly #control: ShardControl;
  readonly #onDefect: (command: Command, error: unknown) => void;
  readonly #changes: ChangeLog;
  readonly #transactions: TransactionExec;
  readonly #transactionRow: Command | undefined;
  readonly #companion: ShardCompanion | null;
  readonly #guard: Guard | null;
  readonly #runRow = (command: Command | undefined): void => this.#run(command);
  readonly #reply = new ReplyWriter();
  readonly #replyBytesMax: number;
  /** A message of changes waited for room when it was last looked at. */
  #isStalled = false;
  /** All replies of the batch wait for somebody who rings. */
  #isQuiet = false;
  #args = new Args();

  constructor(parts: ShardActorParts) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#commands = parts.table.commands;
    this.#mailboxes = parts.mailboxes;
    this.#bell = parts.bell;
    this.#control = parts.control;
    this.#onDefect = parts.onDefect;
    this.#changes = new ChangeLog(parts.control);
    parts.store.changes = this.#changes;
    this.#transactionRow = this.#commands.find(({ name }) => name === TRANSACTION_ROW);
    this.#companion = parts.companion;
    this.#guard = parts.guard;
    const headBytes = this.#guard?.headBytesUsual ?? 0;
    this.#replyBytesMax = Math.min(...this.#mailboxes.map(({ replyBytesMax }) => replyBytesMax)) - headBytes;
    this.#reply.limit(this.#replyBytesMax);
    this.#transactions = new TransactionExec({
      ...parts,
      commands: this.#commands,
      changes: this.#changes,
      replyBytesMax: this.#replyBytesMax,
      mayStand: () => this.#guard?.mayStand() ?? true,
    });
  }

  /** Serves until a stop is requested and nothing is left to do. */
  run(): void {
    for (;;) {
      if (this.turn()) continue;
      if (this.#mayStop()) break;
      this.#sleep();
    }
    this.#control.ended();
  }

  /** One batch from each mailbox, then one step of upkeep; false when there was nothing to do. */
  turn(): boolean {
    this.#control.began();
    // Other nodes never cease to send: to whoever is to stop, that is no work left to do.
    let worked = this.#companion?.takeMessages() === true && !this.#control.stopRequested;
    for (let index = 0; index < this.#mailboxes.length; index++) {
      const mailbox = this.#mailboxes[index] as ActorMailbox;
      let taken = 0;
      this.#isQuiet = true;
      while (taken < BATCH_COMMANDS_MAX && this.#mayChange() && mailbox.next()) {
        this.#control.began();
        this.#clock.tick();
        if (this.#guard === null) this.#serve(mailbox);
        else this.#serveGuarded(this.#guard, mailbox, index);
        taken++;
      }
      if (taken > 0) {
        worked = true;
        this.#control.ran(taken);
        const companion = this.#companion;
        if (companion?.followsReplies) mailbox.flush(this.#isQuiet);
        // What needs no other copy is acknowledged by this, before its reply is seen.
        companion?.flush();
      }
      mailbox.flush();
    }
    this.#control.began();
    if (this.#upkeep()) worked = true;
    this.#companion?.flush();
    return worked;
  }

  #serve(mailbox: ActorMailbox): void {
    const reply = this.#reply;
    reply.clear();
    if (mailbox.interrupted) {
      reply.error('indeterminate', 'the shard failed while it ran the command, which may have taken effect');
    } else {
      const message = mailbox.commands;
      const id = decodeCommand(message.bytes, message.offset, message.length, this.#args);
      this.#run(this.#commands[id]);
      if (this.#args.count > ARGS_KEPT) this.#args = new Args();
    }
    if (!this.#changes.isEmpty) this.#tellChanges();
    const sent = mailbox.reply(reply.bytes, 0, reply.length);
    assert(sent, 'a reply within its limit fits a message');
  }

  #serveGuarded(guarded: Guard, mailbox: ActorMailbox, index: number): void {
    const reply = this.#reply;
    const message = mailbox.commands;
    reply.clear();
    guarded.plain();
    if (mailbox.interrupted) {
      reply.error('indeterminate', 'the shard failed while it ran the command, which may have taken effect');
    } else {
      const word = decodeCommand(message.bytes, message.offset, message.length, this.#args);
      guarded.run(index, word, this.#args, reply, this.#runRow);
      if (this.#args.count > ARGS_KEPT) this.#args = new Args();
    }
    if (!this.#changes.isEmpty) this.#tellChanges();
    const { head, headBytes, isRefused } = guarded;
    if (!guarded.isRungLater) this.#isQuiet = false;
    if (isRefused) {
      const { bytes, offset, length } = message;
      if (mailbox.replyBehind(head, headBytes, bytes, offset, offset + length)) return;
      // No larger than a command may be, and yet too large with what goes in front of it.
      guarded.plain();
      reply.error('try-again', 'the command is to be sent to another node, or later');
    } else if (!mailbox.replyBehind(head, headBytes, reply.bytes, 0, reply.length)) {
      tellTooLarge(new ReplyTooLarge(this.#replyBytesMax), 'write', reply);
    } else return;
    const sent = mailbox.replyBehind(guarded.head, guarded.headBytes, reply.bytes, 0, reply.length);
    assert(sent, 'an error fits a message');
  }

  #run(command: Command | undefined): void {
    assert(command !== undefined, 'a message names a row of the table');
    this.#changes.row = command.id;
    try {
      if (command === this.#transactionRow) this.#transactions.run(this.#args, this.#reply);
      else runRow(command, this.#store, this.#args, this.#reply);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      // What follows would be taken for a part of the group; a successor undoes it.
      if (this.#store.openGroups > 0)
        throw new AssertionError(`'${command.name}' failed within a group`, { cause: error });
      if (tellTooLarge(error, command.kind, this.#reply)) return;
      this.#reply.clear();
      this.#reply.error('internal', `the command '${command.name}' failed; the log says more`);
      this.#onDefect(command, error);
    }
  }

  #upkeep(): boolean {
    const store = this.#store;
    if (!this.#mayChange()) return false;
    this.#changes.row = UPKEEP_ROW;
    const nowMs = this.#clock.tick();
    const dueMs = store.nextExpiryMs();
    const expired = dueMs >= 0 && dueMs <= nowMs && store.expireDue(nowMs, EXPIRE_ENTRIES_MAX) > 0;
    const worked = store.maintain() || expired;
    this.#companion?.append();
    this.#companion?.clearSeqs();
    if (this.#changes.isEmpty) return worked;
    this.#tellChanges();
    for (const mailbox of this.#mailboxes) mailbox.flush();
    return true;
  }

  /** Sends what has changed to every front end, ahead of whatever is sent next. */
  #tellChanges(): void {
    this.#isQuiet = false;
    for (const mailbox of this.#mailboxes) {
      this.#changes.sendTo(mailbox);
      if (!mailbox.hasRoom()) this.#isStalled = true;
    }
    this.#changes.clear();
  }

  /** Whether all that was told of changes has left for the rings, so that there may be more to tell. */
  #mayChange(): boolean {
    if (!this.#isStalled) return true;
    for (const mailbox of this.#mailboxes) if (!mailbox.hasRoom()) return false;
    this.#isStalled = false;
    return true;
  }

  #sleep(): void {
    const bell = this.#bell;
    this.#control.idle();
    bell.announce();
    // The second look: whatever came before the announcement was not rung for.
    if (this.#mayStop() || this.#hasWork()) {
      bell.withdraw();
      return;
    }
    // Stalled, it waits for room and for nothing else.
    const dueMs = this.#isStalled ? -1 : this.#store.nextExpiryMs();
    // The clock counts whole milliseconds: a shorter wait would find it unchanged.
    let sleepMs = dueMs < 0 ? SLEEP_MS_MAX : Math.min(Math.max(dueMs - this.#clock.tick(), 1), SLEEP_MS_MAX);
    if (this.#companion !== null) sleepMs = Math.min(sleepMs, this.#companion.sleepMs);
    if (sleepMs > 0) {
      this.#control.fallAsleep();
      bell.wait(sleepMs);
      this.#control.wake();
    } else bell.withdraw();
  }

  /** Asked to, and what was done is in the hands of whoever is to keep it. */
  #mayStop(): boolean {
    return this.#control.stopRequested && (this.#companion?.isSent ?? true);
  }

  #hasWork(): boolean {
    if (this.#companion?.hasMessages()) return true;
    for (const mailbox of this.#mailboxes) if (mailbox.hasWork()) return true;
    return false;
  }
}
