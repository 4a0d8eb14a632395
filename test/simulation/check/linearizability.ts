import { assert } from '../../../src/base/assert.ts';
import { type Call, describeOperation, type Operation, type Result } from './history.ts';
import { ABSENT, type Configuration, ConfigurationSet, UNSEEN } from './linearizability-configurations.ts';

/**
 * Decides whether the operations on one key could have happened one at a time, each at some moment between its call
 * and its return: Wing and Gong's search ("Testing and Verifying Concurrent Objects", 1993) over pairs of (operations
 * done, state), each visited once, which is Lowe's memoisation ("Testing for Linearizability", 2017) and what
 * Porcupine does. As in Lowe's just-in-time variant the search goes through the history's events and asks at each
 * return which pairs are possible; so the work is bounded by how many operations overlap, not by the history's
 * length, and a history is cut wherever nothing is under way without having to look for such places.
 *
 * Values are unique, which settles most of what is indeterminate: a write that somebody read took effect before that
 * read returned. The rest nobody ever saw: sets are then all alike, and so are deletes. It is enough to count how many
 * of them were used; one begun earlier serves wherever a later one does.
 */

export type Verdict =
  | { readonly type: 'linearizable' }
  | { readonly type: 'violation'; readonly report: string }
  /** Too many operations overlap for an answer. */
  | { readonly type: 'undecided'; readonly reason: string };

/** Operations under way at once are told apart by the bits of a number. */
const OVERLAPPING_MAX = 30;
const CONFIGURATIONS_MAX = 200_000;

/** An operation that took effect for certain, and before `deadline`. */
interface Definite {
  readonly operation: Operation;
  readonly deadline: number;
  /** Null: unknown, but that it was done. */
  readonly result: Result | null;
}

interface Prepared {
  readonly definite: readonly Definite[];
  readonly unseen: readonly Operation[];
  readonly versions: ReadonlyMap<number, number>;
}

/** All operations of one key, in the order of their calls. */
export function checkLinearizable(operations: readonly Operation[]): Verdict {
  const prepared = prepare(operations);
  if (typeof prepared === 'string') return { type: 'violation', report: prepared };
  return new Search(prepared).run();
}

/** Sorts out what is certain; a string is the report of what no order can explain. */
function prepare(operations: readonly Operation[]): Prepared | string {
  const versions = new Map<number, number>();
  const seenBy = new Map<number, Operation>();
  const values = new Map<number, Operation>();
  const writers = new Map<number, number>();
  for (const operation of operations) {
    const written = writtenValue(operation.call);
    if (written !== null) {
      assert(written > 0 && !values.has(written), 'each write has a value of its own');
      values.set(written, operation);
    }
    const seen = seenVersion(operation);
    if (seen === null) continue;
    const known = versions.get(seen.value);
    if (known !== undefined && known !== seen.version) {
      return `${title(operation)}: value ${seen.value} has the versions ${known} and ${seen.version}\n${describeOperation(operation)}`;
    }
    const other = writers.get(seen.version);
    if (other !== undefined && other !== seen.value) {
      return `${title(operation)}: the values ${other} and ${seen.value} have one version, ${seen.version}\n${describeOperation(operation)}`;
    }
    versions.set(seen.value, seen.version);
    writers.set(seen.version, seen.value);
    if (operation.call.kind === 'get') noteReader(seenBy, seen.value, operation);
  }
  noteSwaps(operations, seenBy, writers);
  for (const [value, reader] of seenBy) {
    const writer = values.get(value);
    const doubt = doubtOf(writer, reader);
    if (doubt !== null) return `${title(reader)}: read ${value}, ${doubt}\n${describeOperation(reader)}`;
  }
  return { ...sort(operations, seenBy), versions };
}

function noteReader(seenBy: Map<number, Operation>, value: number, reader: Operation): boolean {
  const first = seenBy.get(value);
  if (first !== undefined && first.settledAt <= reader.settledAt) return false;
  seenBy.set(value, reader);
  return true;
}

/** A compare-and-set that was done has seen what it expected, at the latest when it, or its own reader, returned. */
function noteSwaps(
  operations: readonly Operation[],
  seenBy: Map<number, Operation>,
  writers: ReadonlyMap<number, number>,
): void {
  let isNew = true;
  while (isNew) {
    isNew = false;
    for (const operation of operations) {
      const { call, outcome } = operation;
      const expected = call.kind === 'cas' ? writers.get(call.expected) : undefined;
      if (call.kind !== 'cas' || expected === undefined) continue;
      const isDone = outcome.type === 'returned' && outcome.result.type === 'done';
      const reader = isDone ? operation : outcome.type === 'returned' ? undefined : seenBy.get(call.value);
      if (reader !== undefined && noteReader(seenBy, expected, reader)) isNew = true;
    }
  }
}

/** Why `reader` cannot have seen what `writer` wrote, if so. */
function doubtOf(writer: Operation | undefined, reader: Operation): string | null {
  if (writer === undefined) return 'which nobody wrote';
  if (writer.outcome.type === 'refused') return `whose write was refused:\n${describeOperation(writer)}`;
  return writer.invokedAt > reader.settledAt ? `which was written later:\n${describeOperation(writer)}` : null;
}

function sort(operations: readonly Operation[], seenBy: ReadonlyMap<number, Operation>) {
  const definite: Definite[] = [];
  const unseen: Operation[] = [];
  for (const operation of operations) {
    const { outcome, call } = operation;
    if (outcome.type === 'refused') continue;
    if (outcome.type === 'returned') {
      definite.push({ operation, deadline: operation.settledAt, result: outcome.result });
      continue;
    }
    const written = writtenValue(call);
    const reader = written === null ? undefined : seenBy.get(written);
    if (reader !== undefined) definite.push({ operation, deadline: reader.settledAt - 0.5, result: null });
    else if (call.kind !== 'get') unseen.push(operation);
  }
  return { definite, unseen };
}

function writtenValue(call: Call): number | null {
  return call.kind === 'set' || call.kind === 'cas' ? call.value : null;
}

/** The value whose version an operation tells. */
function seenVersion(operation: Operation): { value: number; version: number } | null {
  if (operation.outcome.type === 'indeterminate') {
    const value = writtenValue(operation.call);
    const { version } = operation.outcome;
    return value === null || version === undefined ? null : { value, version };
  }
  if (operation.outcome.type !== 'returned') return null;
  const { result } = operation.outcome;
  if (result.type === 'value') return result;
  const value = writtenValue(operation.call);
  return result.type === 'done' && value !== null ? { value, version: result.version } : null;
}

function title(operation: Operation): string {
  return `key ${operation.key} of partition ${operation.partition} is not linearizable`;
}

type Event = { readonly at: number } & (
  | { readonly type: 'call' | 'return'; readonly item: Definite }
  | { readonly type: 'unseen'; readonly operation: Operation }
);

class Search {
  readonly #prepared: Prepared;
  readonly #pending: (Definite | null)[] = [];
  /** Expected versions of compare-and-sets nobody saw the effect of. A version stands only once: no need to count. */
  readonly #unseenSwaps = new Set<number>();
  /** How many sets, creations and deletes nobody saw the effect of have been called so far. */
  #sets = 0;
  #creations = 0;
  #deletes = 0;
  #configurations = new ConfigurationSet();
  /** When nothing was under way last, and what the key could hold then. */
  #quietAt = -1;
  #quietValues: readonly number[] = [ABSENT];

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
    this.#configurations.add({ value: ABSENT, done: 0, sets: 0, creations: 0, deletes: 0 });
  }

  run(): Verdict {
    for (const event of this.#events()) {
      if (event.type === 'unseen') {
        this.#count(event.operation.call);
      } else if (event.type === 'call') {
        if (this.#pending.every((item) => item === null)) this.#rest(event.at);
        const free = this.#pending.indexOf(null);
        const slot = free === -1 ? this.#pending.length : free;
        if (slot >= OVERLAPPING_MAX) return { type: 'undecided', reason: `${OVERLAPPING_MAX} operations at once` };
        this.#pending[slot] = event.item;
      } else {
        const isPossible = this.#return(event.item);
        if (isPossible === null) return { type: 'undecided', reason: `${CONFIGURATIONS_MAX} possibilities at once` };
        if (!isPossible) return { type: 'violation', report: this.#report(event.item) };
      }
    }
    return { type: 'linearizable' };
  }

  #events(): readonly Event[] {
    const events: Event[] = [];
    for (const item of this.#prepared.definite) {
      events.push({ type: 'call', at: item.operation.invokedAt, item }, { type: 'return', at: item.deadline, item });
    }
    for (const operation of this.#prepared.unseen) events.push({ type: 'unseen', at: operation.invokedAt, operation });
    return events.sort((left, right) => left.at - right.at);
  }

  #count(call: Call): void {
    if (call.kind === 'set') this.#sets++;
    else if (call.kind !== 'cas') this.#deletes++;
    else if (call.expected === 0) this.#creations++;
    else this.#unseenSwaps.add(call.expected);
  }

  #rest(at: number): void {
    this.#quietAt = at;
    this.#quietValues = [...new Set([...this.#configurations].map((configuration) => configuration.value))];
  }

  /** Keeps what is possible if `item` is done by now. Null: too much is. */
  #return(item: Definite): boolean | null {
    const slot = this.#pending.indexOf(item);
    assert(slot >= 0, 'what returns was called');
    const next = new ConfigurationSet();
    const seen = new ConfigurationSet();
    const open: Configuration[] = [];
    for (const configuration of this.#configurations) {
      if ((configuration.done & (1 << slot)) !== 0)
        next.add({ ...configuration, done: configuration.done ^ (1 << slot) });
      else if (seen.add(configuration)) open.push(configuration);
    }
    for (let configuration = open.pop(); configuration !== undefined; configuration = open.pop()) {
      const value = this.#step(item, configuration.value);
      if (value !== null) next.add({ ...configuration, value });
      for (const successor of this.#successors(configuration, slot)) if (seen.add(successor)) open.push(successor);
      if (seen.size > CONFIGURATIONS_MAX) return null;
    }
    this.#pending[slot] = null;
    this.#configurations = next;
    return next.size > 0;
  }

  /** What can be after one more operation than `configuration` has done, other than the one at `except`. */
  #successors(configuration: Configuration, except: number): readonly Configuration[] {
    const { value, done, sets, creations, deletes } = configuration;
    const successors: Configuration[] = [];
    for (const [slot, item] of this.#pending.entries()) {
      if (item === null || slot === except || (done & (1 << slot)) !== 0) continue;
      const after = this.#step(item, value);
      if (after !== null) successors.push({ ...configuration, value: after, done: done | (1 << slot) });
    }
    if (value !== UNSEEN && sets < this.#sets) successors.push({ ...configuration, value: UNSEEN, sets: sets + 1 });
    if (value === ABSENT && creations < this.#creations) {
      successors.push({ ...configuration, value: UNSEEN, creations: creations + 1 });
    }
    if (value !== ABSENT && deletes < this.#deletes) {
      successors.push({ ...configuration, value: ABSENT, deletes: deletes + 1 });
    }
    const version = this.#versionOf(value);
    if (version > 0 && this.#unseenSwaps.has(version)) successors.push({ ...configuration, value: UNSEEN });
    return successors;
  }

  /** The register's value after an operation. Null: what it returned contradicts what stood there. */
  #step(item: Definite, value: number): number | null {
    const { result } = item;
    const { call } = item.operation;
    const isDone = result === null || result.type === 'done';
    switch (call.kind) {
      case 'get':
        return (result?.type === 'value' ? result.value : ABSENT) === value ? value : null;
      case 'set':
        return call.value;
      case 'cas':
        if (isDone !== (this.#versionOf(value) === call.expected)) return null;
        return isDone ? call.value : value;
      case 'delete':
        return isDone === (value !== ABSENT) ? ABSENT : null;
      case 'wipe':
        return ABSENT;
    }
  }

  /** NaN, which equals no version: nobody knows it. */
  #versionOf(value: number): number {
    return value === ABSENT ? 0 : (this.#prepared.versions.get(value) ?? Number.NaN);
  }

  /** The window since nothing was under way, and who wrote what is seen in it. */
  #report(failed: Definite): string {
    const quietAt = this.#quietAt;
    const all = [...this.#prepared.definite.map((item) => item.operation), ...this.#prepared.unseen];
    const window = all.filter(
      (operation) => operation.invokedAt <= failed.deadline && this.#deadlineOf(operation) >= quietAt,
    );
    const values = new Set(this.#quietValues);
    for (const operation of window) {
      const seen = seenVersion(operation);
      if (seen !== null) values.add(seen.value);
    }
    const writers = all.filter((operation) => {
      const value = writtenValue(operation.call);
      return value !== null && values.has(value) && !window.includes(operation);
    });
    const lines = [...writers, ...window]
      .sort((left, right) => left.invokedAt - right.invokedAt)
      .map(describeOperation);
    const before = this.#quietValues.map((value) => {
      if (value === ABSENT) return 'absent';
      return value === UNSEEN ? 'a value nobody read' : String(value);
    });
    return [
      `${title(failed.operation)}: no order explains #${failed.operation.number}`,
      `when nothing was under way last, it could be: ${before.join(', ')}`,
      ...lines,
    ].join('\n');
  }

  #deadlineOf(operation: Operation): number {
    return operation.outcome.type === 'returned' ? operation.settledAt : Number.POSITIVE_INFINITY;
  }
}
