import { AssertionError } from '../../base/assert.ts';
import { ChangeKind } from '../../base/change.ts';
import type { Command } from '../../command/command.ts';
import type { CommandTable } from '../../command/table.ts';
import { type ChangeRecord, openChanges, UPKEEP_ROW } from '../../shard/change-message.ts';
import type { FlightLog } from '../../shard/shard-client.ts';
import type { ShardControl } from '../../shard/shard-control.ts';
import { OrderedSession } from './ordered-session.ts';

/** One change of a key. A record that is refilled: what a listener keeps it copies. */
export interface Change {
  kind: ChangeKind;
  /** The key is `bytes[start..end)`, empty for `cleared`. */
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Bits of `ChangeFlag`; with `kind` and `row` they give the name of Redis's event, see `eventNameOf`. */
  flags: number;
  shard: number;
  /**
   * The command that made the change; null when time or memory ran out. Of RENAME and COPY over two shards, and of a
   * transaction, it is the row of the step.
   */
  row: Command | null;
  /** The session that the command was run for; null when it has none, and when `row` is null. */
  author: OrderedSession | null;
}

export interface ChangesListener {
  /** A key changed, and readers see it so. Called before the command that did it is answered. */
  onChange(change: Readonly<Change>): void;
  /** The message that told of tags is at its end: whoever gathered them tells of them now. */
  onMessageEnd?(): void;
  /** Changes of this shard may have gone untold: its actor died and was replaced. */
  onLost(shard: number): void;
}

interface Registration {
  readonly listener: ChangesListener;
  readonly interest: number;
}

/**
 * Hands the changes of all shards to whoever listens, on this front end's thread. Shards tell of the kinds that some
 * listener is interested in, and of nothing while there is none.
 *
 * Whoever listens first and reads a key then misses no change of what it read: see `ShardControl.interest`.
 */
export class ChangeHub {
  readonly #commands: readonly Command[];
  readonly #controls: readonly ShardControl[];
  readonly #onInterest: () => void;
  readonly #onDefect: (error: unknown) => void;
  #registrations: readonly Registration[] = [];
  readonly #record: ChangeRecord;
  readonly #change: Change;

  /**
   * `onInterest` is called when messages may come, from then on, though no reply is awaited; `onDefect` with what a
   * listener threw.
   */
  constructor(
    table: CommandTable,
    controls: readonly ShardControl[],
    onInterest: () => void,
    onDefect: (error: unknown) => void,
  ) {
    this.#commands = table.commands;
    this.#controls = controls;
    this.#onInterest = onInterest;
    this.#onDefect = onDefect;
    const bytes = new Uint8Array(0);
    this.#record = { kind: 0, flags: 0, row: UPKEEP_ROW, start: 0, end: 0, nextAt: 0 };
    this.#change = { kind: 0, bytes, start: 0, end: 0, flags: 0, shard: 0, row: null, author: null };
  }

  /** Calls `listener` for changes of the kinds in `interest` (see `interestIn`) until the function returned is called. */
  listen(listener: ChangesListener, interest: number): () => void {
    const registration = { listener, interest };
    this.#registrations = [...this.#registrations, registration];
    this.#tellShards();
    return () => {
      this.#registrations = this.#registrations.filter((other) => other !== registration);
      this.#tellShards();
    };
  }

  /** A message of changes came from a shard; `log` is of the command that is answered next, which made them. */
  receive(shard: number, bytes: Uint8Array, start: number, end: number, log: FlightLog | null): void {
    const record = this.#record;
    const change = this.#change;
    const session = log instanceof OrderedSession ? log : null;
    change.bytes = bytes;
    change.shard = shard;
    let hasTags = false;
    for (let at = start; at < end; at = record.nextAt) {
      openChanges(bytes, at, record);
      change.kind = record.kind;
      change.flags = record.flags;
      change.start = record.start;
      change.end = record.end;
      change.row = record.row === UPKEEP_ROW ? null : (this.#commands[record.row] ?? null);
      change.author = change.row === null ? null : session;
      const bit = 1 << record.kind;
      hasTags ||= record.kind === ChangeKind.invalidated;
      for (const { listener, interest } of this.#registrations) {
        if ((interest & bit) !== 0) this.#tell(listener, change);
      }
    }
    if (hasTags) for (const { listener } of this.#registrations) this.#tellEnd(listener, shard);
  }

  lost(shard: number): void {
    for (const { listener } of this.#registrations) this.#tellLost(listener, shard);
  }

  /** One that throws what is no assertion has missed the change, which concerns neither the other ones nor the reply. */
  #tell(listener: ChangesListener, change: Change): void {
    try {
      listener.onChange(change);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#onDefect(error);
      this.#tellLost(listener, change.shard);
    }
  }

  #tellEnd(listener: ChangesListener, shard: number): void {
    try {
      listener.onMessageEnd?.();
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#onDefect(error);
      this.#tellLost(listener, shard);
    }
  }

  #tellLost(listener: ChangesListener, shard: number): void {
    try {
      listener.onLost(shard);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#onDefect(error);
    }
  }

  #tellShards(): void {
    let interest = 0;
    for (const registration of this.#registrations) interest |= registration.interest;
    for (const control of this.#controls) control.setInterest(interest);
    if (interest !== 0) this.#onInterest();
  }
}
