import test from 'ava';
import type { HardState, LogEntry, RaftMessage, RaftState } from '../../../src/cluster/consensus/raft-types.ts';
import type { NodeView } from '../witness.ts';
import { ConsensusCheck } from './consensus-check.ts';
import { NodeLog } from './node-log.ts';
import { Violation } from './violation.ts';

const fresh: RaftState = { hard: { term: 0, vote: null }, snapshot: null, entries: [] };

const node: NodeView = {
  id: 'a',
  boot: 1,
  isRunning: true,
  isPaused: false,
  localNowMs: 0,
  node: null,
  keeps: () => false,
  store: () => new Map(),
};

function entry(index: number, term: number): LogEntry {
  return { index, term, kind: 'command', payload: new Uint8Array([index]) };
}

function persist(number: number, hard: HardState | null, ...entries: LogEntry[]) {
  return { type: 'persist', number, hard, snapshot: null, entries } as const;
}

const vote = (term: number): RaftMessage => ({ type: 'voted', term, isPreVote: false, isGranted: true });

const confirm = (index: number): RaftMessage => ({
  type: 'appended',
  term: 1,
  isAccepted: true,
  index,
  hintTerm: 0,
  round: 0,
});

function started(): ConsensusCheck {
  const check = new ConsensusCheck(() => {});
  check.started(node, fresh);
  return check;
}

test('a vote may leave once the disk has it, again and again, but for one candidate', (t) => {
  const check = started();
  check.persisting(node, persist(1, { term: 1, vote: 'b' }));
  t.throws(() => check.sent(node, 'b', vote(1)), { instanceOf: Violation, message: /its disk has null in term 0/ });
  check.persisted(node, 1);
  t.notThrows(() => check.sent(node, 'b', vote(1)));
  t.notThrows(() => check.sent(node, 'b', vote(1)));
  t.throws(() => check.sent(node, 'c', vote(1)), { instanceOf: Violation, message: /votes for c and for b in term 1/ });
});

test('a vote is not forgotten by a restart', (t) => {
  const check = started();
  check.persisting(node, persist(1, { term: 1, vote: 'b' }));
  check.persisted(node, 1);
  check.sent(node, 'b', vote(1));
  check.stopped(node);
  check.started(node, { ...fresh, hard: { term: 1, vote: 'c' } });
  t.throws(() => check.sent(node, 'c', vote(1)), { instanceOf: Violation });
});

test('an entry is confirmed once the disk has it', (t) => {
  const check = started();
  check.persisting(node, persist(1, { term: 1, vote: null }, entry(1, 1)));
  check.persisting(node, persist(2, null, entry(2, 1)));
  t.notThrows(() => check.sent(node, 'b', confirm(0)));
  t.throws(() => check.sent(node, 'b', confirm(1)), { instanceOf: Violation });
  check.persisted(node, 1);
  t.notThrows(() => check.sent(node, 'b', confirm(1)));
  t.throws(() => check.sent(node, 'b', confirm(2)), { instanceOf: Violation, message: /confirms entry 2/ });
});

test('a log that was overwritten is durable only as far as the new entries are', (t) => {
  const log = new NodeLog(fresh);
  log.persisting(persist(1, null, entry(1, 1), entry(2, 1), entry(3, 1)));
  log.persisted(1);
  t.true(log.holdsDurably(entry(3, 1)));
  log.persisting(persist(2, null, entry(2, 2)));
  t.true(log.holdsDurably(entry(1, 1)));
  t.true(log.holds(entry(2, 2)));
  t.false(log.holdsDurably(entry(2, 2)));
  t.false(log.holds(entry(2, 1)));
  t.false(log.holds(entry(3, 1)));
  log.persisted(2);
  t.true(log.holdsDurably(entry(2, 2)));
});

test('what is below a snapshot is held, and as durable as the snapshot', (t) => {
  const log = new NodeLog(fresh);
  const snapshot = { index: 5, term: 2, membership: { voters: ['a'], learners: [] }, data: new Uint8Array() };
  log.persisting({ type: 'persist', number: 1, hard: null, snapshot, entries: [entry(6, 2)] });
  t.true(log.holds(entry(4, 1)));
  t.false(log.isDurable(4));
  log.persisted(1);
  t.true(log.isDurable(4));
  t.true(log.isDurable(6));
  t.false(log.isDurable(7));
});
