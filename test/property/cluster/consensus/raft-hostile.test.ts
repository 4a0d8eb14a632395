import test from 'ava';
import fc from 'fast-check';
import { Raft } from '../../../../src/cluster/consensus/raft.ts';
import { encodeMembership } from '../../../../src/cluster/consensus/raft-fields.ts';
import { defaultRaftOptions } from '../../../../src/cluster/consensus/raft-options.ts';
import type { LogEntry, RaftEvent, RaftMessage, RaftState } from '../../../../src/cluster/consensus/raft-types.ts';
import { testScale } from '../../../scale.ts';
import { seededRandom } from '../../../unit/cluster/consensus/raft-network.ts';

const MEMBERSHIP = { voters: ['a', 'b', 'c'], learners: ['d'] };
const FOUNDER: RaftState = {
  hard: { term: 0, vote: null },
  snapshot: { index: 0, term: 0, membership: MEMBERSHIP, data: new Uint8Array(0) },
  entries: [],
};
const PASSIVE: RaftState = { hard: { term: 0, vote: null }, snapshot: null, entries: [] };

// Mostly small, so that messages fit what the node has; now and then what no honest node sends.
const number = fc.oneof(
  { weight: 20, arbitrary: fc.nat(6) },
  { weight: 1, arbitrary: fc.constantFrom(-1, 0.5, Number.NaN, 2 ** 52, 2 ** 53, Number.POSITIVE_INFINITY) },
);
const payload = fc.constantFrom(
  new Uint8Array(0),
  new Uint8Array([1, 2, 3]),
  encodeMembership(MEMBERSHIP),
  encodeMembership({ voters: ['b', 'c'], learners: ['a'] }),
  encodeMembership({ voters: [], learners: [] }),
);
const entries = fc
  .record({
    first: number,
    terms: fc.array(fc.nat(5), { maxLength: 4 }),
    kinds: fc.array(fc.constantFrom<LogEntry['kind']>('command', 'membership', 'blank'), {
      minLength: 4,
      maxLength: 4,
    }),
    payload,
    isSorted: fc.boolean(),
  })
  .map(({ first, terms, kinds, payload, isSorted }) =>
    (isSorted ? terms.toSorted((left, right) => left - right) : terms).map(
      (term, at): LogEntry => ({ index: first + at, term, kind: kinds[at] ?? 'blank', payload }),
    ),
  );

const message: fc.Arbitrary<RaftMessage> = fc.oneof(
  fc.record({
    type: fc.constant('vote' as const),
    term: number,
    isPreVote: fc.boolean(),
    isTransfer: fc.boolean(),
    lastIndex: number,
    lastTerm: number,
  }),
  fc.record({ type: fc.constant('voted' as const), term: number, isPreVote: fc.boolean(), isGranted: fc.boolean() }),
  fc
    .record({ entries, term: number, previousTerm: fc.nat(3), commit: number, round: number, offset: fc.nat(8) })
    .map(({ entries, offset, ...rest }): RaftMessage => {
      const first = entries[0]?.index ?? 1;
      return { type: 'append', ...rest, entries, previousIndex: offset === 0 ? first : first - 1 };
    }),
  fc.record({
    type: fc.constant('appended' as const),
    term: number,
    isAccepted: fc.boolean(),
    index: number,
    hintTerm: number,
    round: number,
  }),
  fc
    .record({ index: number, term: number, round: number, snapshotTerm: fc.nat(3), isEmpty: fc.boolean() })
    .map(({ index, term, round, snapshotTerm, isEmpty }): RaftMessage => {
      const membership = isEmpty ? { voters: [], learners: [] } : MEMBERSHIP;
      return {
        type: 'snapshot',
        term,
        round,
        snapshot: { index, term: snapshotTerm, membership, data: new Uint8Array(0) },
      };
    }),
  fc.record({ type: fc.constant('timeout-now' as const), term: number }),
);

const from = fc.constantFrom('a', 'b', 'c', 'd', 'stranger');
/** An append or a snapshot made to fit the node's log nearly; ages are how many terms back. */
interface Fitting {
  readonly type: 'append' | 'snapshot';
  readonly from: string;
  readonly isNewTerm: boolean;
  readonly back: number;
  readonly previousAge: number | null;
  readonly ages: readonly number[];
  readonly commit: number;
  readonly payload: Uint8Array;
}

type Happening = RaftEvent | Fitting | { readonly type: 'wait'; readonly ms: number } | { readonly type: 'win' };

const fitting: fc.Arbitrary<Fitting> = fc.record({
  type: fc.constantFrom('append' as const, 'append' as const, 'append' as const, 'snapshot' as const),
  from: fc.constantFrom('b', 'b', 'b', 'c'),
  isNewTerm: fc.constantFrom(false, false, false, true),
  back: fc.integer({ min: -2, max: 4 }),
  previousAge: fc.option(fc.nat(2), { freq: 3 }),
  ages: fc.array(fc.constantFrom(0, 0, 0, 1, 2), { maxLength: 4 }),
  commit: fc.nat(12),
  payload,
});

/** `termAt` is the node's. */
function messageOf(happening: Fitting, raft: Raft, termAt: ReadonlyMap<number, number>): RaftMessage {
  const { isNewTerm, back, previousAge, ages, commit, payload } = happening;
  const term = raft.term + (isNewTerm ? 1 : 0);
  const index = Math.max(raft.lastIndex - back, 0);
  const previousTerm = previousAge === null ? (termAt.get(index) ?? 0) : Math.max(term - previousAge, 0);
  if (happening.type === 'snapshot') {
    const snapshot = { index, term: previousTerm, membership: MEMBERSHIP, data: new Uint8Array(0) };
    return { type: 'snapshot', term, snapshot, round: 1 };
  }
  const entries = ages.map((age, at): LogEntry => {
    const kind = payload.length > 3 && at === 1 ? 'membership' : 'command';
    return { index: index + 1 + at, term: Math.max(term - age, 0), kind, payload };
  });
  return { type: 'append', term, previousIndex: index, previousTerm, entries, commit, round: 1 };
}

const event: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ type: fc.constant('message' as const), from, message }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.nat(400) }) },
  { weight: 15, arbitrary: fitting },
  // It is elected, if it can be.
  { weight: 2, arbitrary: fc.record({ type: fc.constant('win' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('propose' as const), request: fc.nat(9), payload }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('read' as const), request: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('change-membership' as const),
      request: fc.nat(9),
      change: fc.record({
        type: fc.constantFrom('add-learner' as const, 'promote' as const, 'demote' as const, 'remove' as const),
        node: from,
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('transfer' as const), request: fc.nat(9), to: from }) },
);

test('no message, of whomever, breaks an invariant or undoes what was applied', (t) => {
  let leaders = 0;
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.boolean(), fc.boolean(), (events, isPassive, isSlow) => {
      const random = seededRandom(events.length + 1);
      const raft = new Raft({ ...defaultRaftOptions, id: 'a', random }, isPassive ? PASSIVE : FOUNDER, 0);
      let nowMs = 0;
      let applied = 0;
      let term = 0;
      const numbers: number[] = [];
      const termAt = new Map<number, number>();
      const step = (event: RaftEvent) => {
        for (const action of raft.step(event, nowMs)) {
          if (action.type === 'persist') {
            numbers.push(action.number);
            if (action.snapshot !== null) termAt.set(action.snapshot.index, action.snapshot.term);
            for (const { index, term } of action.entries) termAt.set(index, term);
          }
          if (action.type === 'restore') applied = action.snapshot.index;
          if (action.type !== 'apply') continue;
          for (const entry of action.entries) if (entry.index !== ++applied) throw new Error('applied out of order');
        }
        if (raft.term < term) throw new Error('the term fell');
        term = raft.term;
        if (raft.role === 'leader') leaders++;
      };
      const save = () => {
        const number = numbers.at(-1);
        numbers.length = 0;
        if (number !== undefined) step({ type: 'persisted', number });
      };
      const wait = (ms: number) => {
        nowMs += ms;
        step({ type: 'tick' });
      };
      const grant = (term: number, isPreVote: boolean) => {
        step({ type: 'message', from: 'b', message: { type: 'voted', term, isPreVote, isGranted: true } });
      };
      for (const event of events) {
        if (event.type === 'wait') wait(event.ms);
        else if (event.type === 'win') {
          save();
          wait(700);
          grant(raft.term + 1, true);
          save();
          grant(raft.term, false);
        } else if ('back' in event) {
          step({ type: 'message', from: event.from, message: messageOf(event, raft, termAt) });
        } else if (event.type === 'message' && event.message.term < 7) {
          // A term that is near its own is what might be believed.
          const message = { ...event.message, term: raft.term + (event.message.term % 3) - 1 };
          step({ ...event, message });
        } else step(event);
        if (!isSlow || numbers.length > 5) save();
      }
    }),
    { numRuns: 6000 * testScale },
  );
  // It was elected now and then, so a leader was put to the test too.
  t.true(leaders > 100, String(leaders));
});
