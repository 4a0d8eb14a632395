import test from 'ava';
import { Raft } from '../../../../src/cluster/consensus/raft.ts';
import { encodeMembership } from '../../../../src/cluster/consensus/raft-fields.ts';
import {
  defaultRaftOptions,
  type RaftOptions,
  validateRaftOptions,
} from '../../../../src/cluster/consensus/raft-options.ts';
import type {
  LogEntry,
  RaftAction,
  RaftEvent,
  RaftMessage,
  RaftState,
} from '../../../../src/cluster/consensus/raft-types.ts';
import { bytesOf, seededRandom } from './raft-network.ts';

/** Single steps of one core, where the order of events matters. */

const MEMBERSHIP = { voters: ['a', 'b', 'c'], learners: [] };
const OPTIONS: RaftOptions = { ...defaultRaftOptions, id: 'a', random: seededRandom(1) };

/** Entries from index 1 on, of these terms. */
function entriesOf(...terms: number[]): LogEntry[] {
  return terms.map((term, at) => ({ index: at + 1, term, kind: 'command', payload: bytesOf(`${at + 1}/${term}`) }));
}

function stateOf(term: number, ...terms: number[]): RaftState {
  const snapshot = { index: 0, term: 0, membership: MEMBERSHIP, data: new Uint8Array(0) };
  return { hard: { term, vote: null }, snapshot, entries: entriesOf(...terms) };
}

type Of<Type extends RaftAction['type']> = Extract<RaftAction, { type: Type }>;

class Driver {
  readonly raft: Raft;
  nowMs = 0;
  #done: RaftAction[] = [];
  #unsaved = 0;

  constructor(state: RaftState) {
    this.raft = new Raft(OPTIONS, state, 0);
  }

  step(event: RaftEvent): this {
    for (const action of this.raft.step(event, this.nowMs)) {
      if (action.type === 'persist') this.#unsaved = action.number;
      this.#done.push(action);
    }
    return this;
  }

  receive(from: string, message: RaftMessage): this {
    return this.step({ type: 'message', from, message });
  }

  append(term: number, entries: readonly LogEntry[], commit = 0, from = 'b'): this {
    const previousIndex = (entries[0]?.index ?? 1) - 1;
    // Terms of entries go with their index here, save the first ones.
    const previousTerm = this.#termBefore.get(previousIndex) ?? 0;
    return this.receive(from, { type: 'append', term, previousIndex, previousTerm, entries, commit, round: 1 });
  }

  readonly #termBefore = new Map<number, number>();

  /** For {@link append}: the term of the entry at an index. */
  knowing(index: number, term: number): this {
    this.#termBefore.set(index, term);
    return this;
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this.step({ type: 'tick' });
  }

  /** Everything so far becomes durable. */
  save(): this {
    return this.step({ type: 'persisted', number: this.#unsaved });
  }

  get lastSave(): number {
    return this.#unsaved;
  }

  /** Makes it leader of the next term. */
  win(): this {
    this.wait(700);
    this.receive('b', { type: 'voted', term: this.raft.term + 1, isPreVote: true, isGranted: true }).save();
    return this.receive('b', { type: 'voted', term: this.raft.term, isPreVote: false, isGranted: true });
  }

  accept(from: string, index: number, round = 0): this {
    const { term } = this.raft;
    return this.receive(from, { type: 'appended', term, isAccepted: true, index, hintTerm: 0, round });
  }

  /** What came of a kind since it was asked last. */
  take<Type extends RaftAction['type']>(type: Type): Of<Type>[] {
    const taken = this.#done.filter((action): action is Of<Type> => action.type === type);
    this.#done = this.#done.filter((action) => action.type !== type);
    return taken;
  }

  sent(): RaftMessage[] {
    return this.take('send').map(({ message }) => message);
  }
}

const vote = (term: number, lastIndex = 0, lastTerm = 0): RaftMessage => ({
  type: 'vote',
  term,
  isPreVote: false,
  isTransfer: false,
  lastIndex,
  lastTerm,
});

test('a vote leaves only once it cannot be forgotten', (t) => {
  const driver = new Driver(stateOf(0)).receive('b', vote(5));
  t.deepEqual(driver.sent(), []);
  t.like(driver.take('persist')[0], { hard: { term: 5, vote: 'b' } });
  driver.save();
  t.deepEqual(driver.sent(), [{ type: 'voted', term: 5, isPreVote: false, isGranted: true }]);
});

test('a vote in a term that was durable before leaves only once it is durable itself', (t) => {
  const driver = new Driver(stateOf(5)).receive('b', vote(5));
  t.deepEqual(driver.sent(), []);
  t.like(driver.take('persist')[0], { hard: { term: 5, vote: 'b' } });
  driver.save();
  t.like(driver.sent()[0], { type: 'voted', isGranted: true });
});

test('a vote that was saved holds after a restart; one that was not may go to another', (t) => {
  const forgotten = new Driver(stateOf(0)).receive('c', vote(5)).save();
  t.like(forgotten.sent()[0], { type: 'voted', isGranted: true });
  const kept = new Driver({ ...stateOf(0), hard: { term: 5, vote: 'b' } });
  t.like(kept.receive('c', vote(5)).sent()[0], { type: 'voted', isGranted: false });
  t.like(kept.receive('b', vote(5)).sent()[0], { type: 'voted', isGranted: true });
});

test('a log that is behind gets no vote', (t) => {
  const grants = (lastIndex: number, lastTerm: number) =>
    new Driver(stateOf(3, 1, 2, 2))
      .receive('b', vote(4, lastIndex, lastTerm))
      .save()
      .sent();
  t.like(grants(2, 2)[0], { isGranted: false });
  t.like(grants(9, 1)[0], { isGranted: false });
  t.like(grants(3, 2)[0], { isGranted: true });
  t.like(grants(1, 3)[0], { isGranted: true });
});

test('whoever was never in the group has no vote', (t) => {
  const driver = new Driver({ hard: { term: 0, vote: null }, snapshot: null, entries: [] });
  driver.receive('b', vote(5)).save();
  t.deepEqual(driver.sent(), []);
});

test('a candidate asks once its term is durable, and its own vote counts from then on', (t) => {
  const driver = new Driver(stateOf(0)).wait(700);
  driver.sent();
  driver.receive('b', { type: 'voted', term: 1, isPreVote: true, isGranted: true });
  t.is(driver.raft.term, 1);
  t.deepEqual(driver.sent(), []);
  driver.save();
  t.is(driver.sent().length, 2);
  t.is(driver.raft.role, 'candidate');
  driver.receive('c', { type: 'voted', term: 1, isPreVote: false, isGranted: true });
  t.is(driver.raft.role, 'leader');
});

test('votes of other terms, of pre-votes, of learners and strangers do not elect', (t) => {
  const driver = new Driver(stateOf(4)).wait(700);
  const grant = (from: string, term: number, isPreVote: boolean) =>
    driver.receive(from, { type: 'voted', term, isPreVote, isGranted: true });
  grant('b', 4, true);
  grant('b', 5, false);
  grant('stranger', 5, true);
  t.is(driver.raft.term, 4);
  grant('b', 5, true).save();
  grant('b', 4, false);
  grant('b', 5, true);
  grant('stranger', 5, false);
  t.is(driver.raft.role, 'candidate');
  grant('b', 5, false);
  t.is(driver.raft.role, 'leader');
});

test('an append is acknowledged once it is durable, and as far as it is', (t) => {
  const driver = new Driver(stateOf(1));
  driver.append(1, entriesOf(1, 1));
  const first = driver.lastSave;
  driver.append(1, entriesOf(1, 1, 1));
  t.deepEqual(driver.sent(), []);
  // A heartbeat is answered at once, by what is durable.
  driver.append(1, []);
  t.like(driver.sent()[0], { type: 'appended', isAccepted: true, index: 0 });
  driver.step({ type: 'persisted', number: first });
  t.like(driver.sent()[0], { type: 'appended', isAccepted: true, index: 2 });
  driver.save();
  t.like(driver.sent()[0], { type: 'appended', isAccepted: true, index: 3 });
});

test('what was overwritten before it was durable is not acknowledged in place of what overwrote it', (t) => {
  const driver = new Driver(stateOf(1));
  driver.append(1, entriesOf(1, 1, 1));
  const old = driver.lastSave;
  driver.append(2, entriesOf(2, 2, 2), 0, 'c');
  const { lastSave } = driver;
  // A term that is not durable says nothing.
  driver.step({ type: 'persisted', number: old });
  t.deepEqual(driver.sent(), []);
  driver.step({ type: 'persisted', number: lastSave });
  t.like(driver.sent()[0], { type: 'appended', term: 2, index: 3 });
});

test('within a term that is durable, only the durable part of a rewritten log is acknowledged', (t) => {
  // Term 2 became durable by a refused vote, so heartbeats are answered at once.
  const driver = new Driver(stateOf(1, 1, 1, 1)).receive('c', vote(2)).save();
  driver.sent();
  driver.append(2, entriesOf(2, 2, 2), 0, 'c');
  driver.knowing(3, 2).receive('c', {
    type: 'append',
    term: 2,
    previousIndex: 3,
    previousTerm: 2,
    entries: [],
    commit: 0,
    round: 2,
  });
  t.like(driver.sent()[0], { type: 'appended', isAccepted: true, index: 0 });
  driver.save();
  t.like(driver.sent()[0], { index: 3, round: 2 });
});

test('a save that is still under way does not vouch for what replaces it', (t) => {
  const driver = new Driver(stateOf(2));
  driver.append(2, entriesOf(1, 1, 1));
  const old = driver.lastSave;
  // The term of a new leader is durable before its entries come.
  driver.nowMs = 300;
  driver.receive('c', vote(3, 9, 2));
  const term = driver.lastSave;
  t.is(term, old + 1);
  driver.append(3, entriesOf(3, 3, 3), 0, 'c');
  driver.sent();
  driver.step({ type: 'persisted', number: old }).step({ type: 'persisted', number: term });
  const indexes = driver.sent().flatMap((message) => (message.type === 'appended' ? [message.index] : []));
  t.deepEqual(indexes, [0]);
  driver.save();
  t.like(driver.sent()[0], { type: 'appended', term: 3, index: 3 });
});

test('a snapshot is acknowledged once it is durable, whatever stood in the log before', (t) => {
  const driver = new Driver(stateOf(2, 1, 1, 1, 1, 1)).receive('c', vote(2, 9, 2)).save();
  driver.sent();
  const snapshot = { index: 4, term: 2, membership: MEMBERSHIP, data: bytesOf('data') };
  driver.receive('c', { type: 'snapshot', term: 2, snapshot, round: 1 });
  t.deepEqual(driver.take('restore'), [{ type: 'restore', snapshot }]);
  t.like(driver.take('persist').at(-1), { snapshot, entries: [] });
  t.deepEqual(driver.sent(), []);
  t.is(driver.raft.lastIndex, 4);
  driver.append(2, []);
  driver.receive('c', {
    type: 'append',
    term: 2,
    previousIndex: 4,
    previousTerm: 2,
    entries: [],
    commit: 4,
    round: 2,
  });
  t.like(driver.sent()[0], { type: 'appended', index: 0 });
  driver.save();
  t.like(driver.sent()[0], { type: 'appended', index: 4 });
});

test('a node without a log does not say that it has its beginning before that is on its disk', (t) => {
  const driver = new Driver({ hard: { term: 0, vote: null }, snapshot: null, entries: [] });
  const snapshot = { index: 0, term: 0, membership: MEMBERSHIP, data: bytesOf('') };
  // Its term is there before: saving that saves no log.
  driver.append(1, [], 0, 'c').save();
  driver.sent();
  driver.receive('c', { type: 'snapshot', term: 1, snapshot, round: 1 });
  const append = {
    type: 'append',
    term: 1,
    previousIndex: 0,
    previousTerm: 0,
    entries: [],
    commit: 0,
    round: 2,
  } as const;
  driver.receive('c', append);
  t.deepEqual(driver.sent(), []);
  driver.save();
  t.like(driver.sent()[0], { type: 'appended', isAccepted: true, index: 0 });
});

test('a snapshot of what stands in the log only says that it is committed', (t) => {
  const driver = new Driver(stateOf(1, 1, 1, 1));
  const snapshot = { index: 2, term: 1, membership: MEMBERSHIP, data: bytesOf('data') };
  driver.receive('b', { type: 'snapshot', term: 1, snapshot, round: 1 });
  t.deepEqual(driver.take('restore'), []);
  t.deepEqual(
    driver.take('apply').flatMap(({ entries }) => entries.map(({ index }) => index)),
    [1, 2],
  );
  t.is(driver.raft.lastIndex, 3);
});

test('a leader commits no entry of an earlier term by counting copies', (t) => {
  // Figure 3.7 of the dissertation: entry 2 of term 2 is on a majority and could still be overwritten.
  const driver = new Driver(stateOf(3, 1, 2)).win();
  t.is(driver.raft.role, 'leader');
  driver.accept('b', 2).accept('c', 2).save();
  t.is(driver.raft.commitIndex, 0);
  driver.accept('b', 3);
  t.is(driver.raft.commitIndex, 3);
  t.deepEqual(
    driver.take('apply').flatMap(({ entries }) => entries.map(({ term }) => term)),
    [1, 2, 4],
  );
});

test('a leader counts its own copy only once it is durable', (t) => {
  const driver = new Driver(stateOf(0)).win().accept('b', 1);
  t.is(driver.raft.commitIndex, 0);
  driver.save();
  t.is(driver.raft.commitIndex, 1);
});

test('acknowledgements of an earlier term do not count', (t) => {
  const driver = new Driver(stateOf(0)).win().save();
  driver.receive('b', { type: 'appended', term: 0, isAccepted: true, index: 1, hintTerm: 0, round: 1 });
  t.is(driver.raft.commitIndex, 0);
});

test('a leader that has committed nothing yet answers a read once it has', (t) => {
  const driver = new Driver(stateOf(0, ...[])).win().save();
  driver.step({ type: 'read', request: 7 });
  driver.accept('b', 0, 99);
  driver.accept('b', 0, 2);
  t.deepEqual(driver.take('read-ready'), []);
  driver.accept('b', 1, 2);
  t.deepEqual(driver.take('read-ready'), [{ type: 'read-ready', request: 7, index: 1 }]);
});

test('a leader falls back by whole terms to where a log may be the same', (t) => {
  const driver = new Driver(stateOf(9, 1, 1, 5, 5, 5, 5, 9, 9)).win();
  driver.sent();
  const { term } = driver.raft;
  // The follower holds terms 1 1 2 2 2 2 2 2.
  driver.receive('b', { type: 'appended', term, isAccepted: false, index: 8, hintTerm: 2, round: 1 });
  t.like(driver.sent()[0], { type: 'append', previousIndex: 2, previousTerm: 1 });
});

test('a follower that sees another term skips all that the leader cannot have', (t) => {
  const driver = new Driver(stateOf(9, 1, 1, 5, 5, 5, 9, 9));
  const append = {
    type: 'append',
    term: 9,
    previousIndex: 7,
    previousTerm: 3,
    entries: [],
    commit: 0,
    round: 1,
  } as const;
  driver.receive('b', append);
  t.like(driver.sent()[0], { type: 'appended', isAccepted: false, index: 2, hintTerm: 1 });
});

test('an older append of the same leader, that comes late, takes nothing away', (t) => {
  const driver = new Driver(stateOf(1));
  driver
    .append(1, entriesOf(1, 1, 1), 3)
    .append(1, entriesOf(1), 0)
    .save();
  t.is(driver.raft.lastIndex, 3);
  t.is(driver.raft.commitIndex, 3);
});

test('a follower commits no further than it has compared with its leader', (t) => {
  const driver = new Driver(stateOf(2, 1, 1, 1));
  driver.append(2, entriesOf(1), 3);
  t.is(driver.raft.commitIndex, 1);
});

test('an entry that contradicts what is committed is not taken', (t) => {
  const driver = new Driver(stateOf(1)).append(1, entriesOf(1, 1), 2);
  driver.append(2, entriesOf(2, 2, 2), 3, 'c');
  t.is(driver.raft.commitIndex, 2);
  t.is(driver.raft.lastIndex, 2);
});

test('a deposed leader is told the term that it missed', (t) => {
  const driver = new Driver(stateOf(5)).append(3, []);
  t.like(driver.sent()[0], { type: 'appended', term: 5, isAccepted: false });
});

test('nobody is made to stand but by its leader', (t) => {
  const driver = new Driver(stateOf(1)).append(1, []);
  driver.receive('c', { type: 'timeout-now', term: 1 }).receive('b', { type: 'timeout-now', term: 0 });
  t.is(driver.raft.role, 'follower');
  driver.receive('b', { type: 'timeout-now', term: 1 }).save();
  t.like(driver.sent().at(-1), { type: 'vote', term: 2, isPreVote: false, isTransfer: true });
});

test('a voter helps a transfer although it hears the old leader, but not if a stranger asks for it', (t) => {
  const asked = (from: string) => {
    const driver = new Driver(stateOf(1)).append(1, []);
    const message: RaftMessage = {
      ...vote(2),
      type: 'vote',
      isPreVote: false,
      isTransfer: true,
      lastIndex: 0,
      lastTerm: 0,
    };
    return driver.receive(from, message).save().raft.term;
  };
  t.is(asked('c'), 2);
  t.is(asked('stranger'), 1);
});

test('compaction drops what the snapshot stands for, with the membership of then', (t) => {
  const membership = { voters: ['a', 'b', 'c'], learners: ['d'] };
  const entry: LogEntry = { index: 3, term: 1, kind: 'membership', payload: encodeMembership(membership) };
  const driver = new Driver(stateOf(1)).append(1, [...entriesOf(1, 1), entry], 3).save();
  t.deepEqual(driver.raft.membership, membership);
  driver.take('persist');
  driver.step({ type: 'compact', index: 2, data: bytesOf('data') });
  t.like(driver.take('persist')[0], {
    hard: null,
    snapshot: { index: 2, term: 1, membership: MEMBERSHIP },
    entries: [],
  });
  t.is(driver.raft.firstIndex, 3);
  t.deepEqual(driver.raft.membership, membership);
  t.throws(() => driver.step({ type: 'compact', index: 4, data: bytesOf('data') }), { message: /applied/ });
});

test('options that cannot work are refused with a reason', (t) => {
  const fault = (options: Partial<RaftOptions>) => validateRaftOptions({ ...OPTIONS, ...options });
  t.is(fault({}), null);
  t.regex(fault({ id: 'Not a name' }) ?? '', /id/);
  t.regex(fault({ electionTimeoutMs: [300, 300] }) ?? '', /electionTimeoutMs/);
  t.regex(fault({ electionTimeoutMs: [300, Number.POSITIVE_INFINITY] }) ?? '', /electionTimeoutMs/);
  t.regex(fault({ heartbeatMs: 151 }) ?? '', /heartbeatMs/);
  t.regex(fault({ appendEntriesMax: 0 }) ?? '', /appendEntriesMax/);
  t.regex(fault({ snapshotResendMs: Number.NaN }) ?? '', /snapshotResendMs/);
  t.throws(() => new Raft({ ...OPTIONS, heartbeatMs: 0 }, stateOf(0), 0), { message: /heartbeatMs/ });
});
