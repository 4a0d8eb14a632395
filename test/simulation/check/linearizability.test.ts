import test from 'ava';
import fc from 'fast-check';
import { testScale } from '../../scale.ts';
import { bruteForce } from './brute-force.ts';
import { type Call, History, type Operation, type Outcome, type Result } from './history.ts';
import { checkLinearizable } from './linearizability.ts';

/** One operation: when it was called and answered, what it was, what came of it (a string: refused or indeterminate). */
type Row = readonly [from: number, to: number, call: Call, outcome: Result | 'refused' | 'indeterminate'];

const get: Call = { kind: 'get' };
const del: Call = { kind: 'delete' };
const set = (value: number): Call => ({ kind: 'set', value });
const cas = (expected: number, value: number): Call => ({ kind: 'cas', expected, value });
const done = (version = 0): Result => ({ type: 'done', version });
/** In these histories a value's version is ten times the value. */
const read = (value: number): Result => ({ type: 'value', value, version: value * 10 });
const absent: Result = { type: 'absent' };
const notDone: Result = { type: 'not-done' };

/** Rows that overlap are concurrent; equal times are, too. */
function history(...rows: readonly Row[]): readonly Operation[] {
  const list = new History();
  const events = rows.flatMap((row, index) => [
    { at: row[0], index, isCall: true },
    { at: row[1], index, isCall: false },
  ]);
  events.sort((left, right) => left.at - right.at || Number(right.isCall) - Number(left.isCall));
  const numbers = new Map<number, number>();
  for (const { at, index, isCall } of events) {
    const row = rows[index];
    if (row === undefined) continue;
    const number = numbers.get(index);
    if (isCall) numbers.set(index, list.invoke(`client-${index}`, 0, 'k', row[2], at));
    else if (number !== undefined) list.settle(number, outcomeOf(row[3]), at);
  }
  return list.operations;
}

function outcomeOf(outcome: Row[3]): Outcome {
  if (outcome === 'indeterminate') return { type: 'indeterminate' };
  return outcome === 'refused' ? { type: 'refused', reason: 'no' } : { type: 'returned', result: outcome };
}

const good: Readonly<Record<string, readonly Row[]>> = {
  'nothing happened': [],
  'a read of what was never written': [[0, 1, get, absent]],
  'one after the other': [
    [0, 1, set(1), done(10)],
    [2, 3, get, read(1)],
    [4, 5, del, done()],
    [6, 7, get, absent],
    [8, 9, del, notDone],
  ],
  'a read during a write, either way': [
    [0, 9, set(1), done(10)],
    [1, 2, get, absent],
    [3, 4, get, read(1)],
  ],
  'a timed-out write that took effect late': [
    [0, 1, set(1), 'indeterminate'],
    [2, 3, get, absent],
    [4, 5, set(2), done(20)],
    [6, 7, get, read(2)],
    [8, 9, get, read(1)],
  ],
  'a timed-out write that never took effect': [
    [0, 1, set(1), 'indeterminate'],
    [2, 3, set(2), done(20)],
    [4, 5, get, read(2)],
  ],
  'a refused write': [
    [0, 1, set(1), 'refused'],
    [2, 3, get, absent],
  ],
  'compare-and-set that one of two wins': [
    [0, 1, set(1), done(10)],
    [2, 5, cas(10, 2), done(20)],
    [2, 5, cas(10, 3), notDone],
    [6, 7, get, read(2)],
  ],
  'a compare-and-set that fails because of a write nobody saw': [
    [0, 1, set(1), done(10)],
    [2, 3, set(2), 'indeterminate'],
    [4, 5, cas(10, 3), notDone],
  ],
  'creation where absent': [
    [0, 1, cas(0, 1), done(10)],
    [2, 3, cas(0, 2), notDone],
  ],
  'a timed-out creation that a delete finds': [
    [0, 1, cas(0, 1), 'indeterminate'],
    [2, 3, del, done()],
  ],
  'a delete under way': [
    [0, 1, set(1), done(10)],
    [2, 9, del, done()],
    [3, 4, get, read(1)],
    [5, 6, get, absent],
  ],
  'a partition that began empty again': [
    [0, 1, set(1), done(10)],
    [2, 4, { kind: 'wipe' }, done()],
    [5, 6, get, absent],
  ],
  'a timed-out compare-and-set that took effect': [
    [0, 1, set(1), done(10)],
    [2, 3, cas(10, 2), 'indeterminate'],
    [4, 5, get, read(1)],
    [6, 7, get, read(2)],
  ],
};

const bad: Readonly<Record<string, readonly Row[]>> = {
  'a lost write': [
    [0, 1, set(1), done(10)],
    [2, 3, get, absent],
  ],
  'a stale read': [
    [0, 1, set(1), done(10)],
    [2, 3, set(2), done(20)],
    [4, 5, get, read(1)],
  ],
  'a stale read while the next write is under way': [
    [0, 1, set(1), done(10)],
    [2, 9, set(2), done(20)],
    [3, 4, get, read(2)],
    [5, 6, get, read(1)],
  ],
  'a write that is seen, gone, and seen again': [
    [0, 1, set(1), 'indeterminate'],
    [2, 3, get, read(1)],
    [4, 5, get, absent],
    [6, 7, get, read(1)],
  ],
  'a deleted value that comes back': [
    [0, 1, set(1), done(10)],
    [2, 3, del, done()],
    [4, 5, get, absent],
    [6, 7, get, read(1)],
  ],
  'a read of what nobody wrote': [[0, 1, get, read(5)]],
  'a read of what is written later': [
    [0, 1, get, read(1)],
    [2, 3, set(1), done(10)],
  ],
  'a refused write that took effect': [
    [0, 1, set(1), 'refused'],
    [2, 3, get, read(1)],
  ],
  'a compare-and-set that fails though the version stood': [
    [0, 1, set(1), done(10)],
    [2, 3, cas(10, 2), notDone],
  ],
  'a compare-and-set that fails because of a write that was refused': [
    [0, 1, set(1), done(10)],
    [2, 3, set(2), 'refused'],
    [4, 5, cas(10, 3), notDone],
  ],
  'a failed compare-and-set that tells of a write not seen by the next read': [
    [0, 1, set(1), done(10)],
    [2, 9, set(2), 'indeterminate'],
    [3, 4, cas(10, 3), notDone],
    [5, 6, get, read(1)],
  ],
  'two compare-and-sets on one version': [
    [0, 1, set(1), done(10)],
    [2, 5, cas(10, 2), done(20)],
    [2, 5, cas(10, 3), done(30)],
  ],
  'an update that is lost between compare-and-sets': [
    [0, 1, set(1), done(10)],
    [2, 3, cas(10, 2), done(20)],
    [4, 5, cas(10, 3), done(30)],
  ],
  'a compare-and-set done twice': [
    [0, 1, set(1), done(10)],
    [2, 3, cas(10, 2), 'indeterminate'],
    [4, 5, get, read(2)],
    [6, 7, set(3), done(30)],
    [8, 9, get, read(2)],
  ],
  'a creation where something stood': [
    [0, 1, set(1), done(10)],
    [2, 3, cas(0, 2), done(20)],
  ],
  'a delete that finds nothing': [
    [0, 1, set(1), done(10)],
    [2, 3, del, notDone],
  ],
  'a delete that finds something twice': [
    [0, 1, set(1), done(10)],
    [2, 5, del, done()],
    [2, 5, del, done()],
  ],
  'one timed-out delete that serves for two': [
    [0, 1, set(1), done(10)],
    [2, 3, del, 'indeterminate'],
    [4, 5, get, absent],
    [6, 7, set(2), done(20)],
    [8, 9, get, absent],
  ],
  'a timed-out write that takes effect before it was called': [
    [0, 1, cas(0, 9), done(90)],
    [2, 3, cas(90, 4), notDone],
    [4, 5, set(1), 'indeterminate'],
  ],
  'an acknowledged write that is gone after a wipe that came before it': [
    [0, 1, { kind: 'wipe' }, done()],
    [2, 3, set(1), done(10)],
    [4, 5, get, absent],
  ],
  'two versions of one value': [
    [0, 1, set(1), done(11)],
    [2, 3, get, read(1)],
  ],
  'one version of two values': [
    [0, 1, set(1), done(20)],
    [2, 3, set(2), done(20)],
  ],
};

for (const [name, rows] of Object.entries(good)) {
  test(`linearizable: ${name}`, (t) => {
    const verdict = checkLinearizable(history(...rows));
    t.is(verdict.type, 'linearizable', verdict.type === 'violation' ? verdict.report : '');
    t.true(bruteForce(history(...rows)), 'the plain search says otherwise');
  });
}

for (const [name, rows] of Object.entries(bad)) {
  test(`not linearizable: ${name}`, (t) => {
    t.is(checkLinearizable(history(...rows)).type, 'violation');
    t.false(bruteForce(history(...rows)), 'the plain search says otherwise');
  });
}

test('a report names the window and who wrote what is read in it, not the whole history', (t) => {
  const rows: Row[] = [];
  for (let value = 1; value <= 50; value++) rows.push([value * 2, value * 2 + 1, set(value), done(value * 10)]);
  rows.push([200, 201, get, read(7)]);
  const verdict = checkLinearizable(history(...rows));
  t.is(verdict.type, 'violation');
  if (verdict.type !== 'violation') return;
  t.regex(verdict.report, /no order explains #50/);
  t.regex(verdict.report, /it could be: 50$/m);
  t.regex(verdict.report, /set 7 -> done/);
  t.is(verdict.report.split('\n').length, 5);
});

test('a long history with many timed-out writes is decided in little time', (t) => {
  const rows: Row[] = [];
  for (let step = 1; step <= 3000; step++) {
    const at = step * 10;
    rows.push([at, at + 6, set(step * 3), done(step * 30)]);
    rows.push([at + 1, at + 8, set(step * 3 + 1), 'indeterminate']);
    rows.push([at + 2, at + 9, cas(step * 30, step * 3 + 2), 'indeterminate']);
    rows.push([at + 3, at + 9, del, 'indeterminate']);
    rows.push([at + 7, at + 9, get, read(step * 3)]);
  }
  const before = performance.now();
  t.is(checkLinearizable(history(...rows)).type, 'linearizable');
  t.true(performance.now() - before < 5000);
});

/** A history of a few operations whose results are often possible and often not. */
const operations = fc
  .array(
    fc.record({
      from: fc.integer({ min: 0, max: 12 }),
      length: fc.integer({ min: 0, max: 6 }),
      kind: fc.constantFrom('get', 'get', 'set', 'set', 'cas', 'delete', 'wipe'),
      outcome: fc.constantFrom('returned', 'returned', 'returned', 'refused', 'indeterminate'),
      isDone: fc.boolean(),
      pick: fc.nat({ max: 5 }),
    }),
    { maxLength: 6 },
  )
  .map((drafts) => {
    const values = drafts.flatMap((draft, index) => (draft.kind === 'set' || draft.kind === 'cas' ? [index + 1] : []));
    return drafts.map((draft, index): Row => {
      const picked = values[draft.pick % Math.max(1, values.length)];
      const row = (call: Call, result: Result): Row => {
        const outcome =
          draft.outcome === 'returned' ? result : draft.outcome === 'refused' ? 'refused' : 'indeterminate';
        return [draft.from, draft.from + draft.length, call, outcome];
      };
      if (draft.kind === 'get') return row(get, picked === undefined || draft.pick === 5 ? absent : read(picked));
      if (draft.kind === 'set') return row(set(index + 1), done((index + 1) * 10));
      if (draft.kind === 'cas') {
        const expected = picked === undefined || draft.pick === 5 ? 0 : picked * 10;
        return row(cas(expected, index + 1), draft.isDone ? done((index + 1) * 10) : notDone);
      }
      if (draft.kind === 'delete') return row(del, draft.isDone ? done() : notDone);
      return row({ kind: 'wipe' }, done());
    });
  });

test('on small histories the answer is that of trying every order', (t) => {
  const answers = new Map<boolean, number>();
  fc.assert(
    fc.property(operations, (rows) => {
      const list = history(...rows);
      const isLinearizable = bruteForce(list);
      answers.set(isLinearizable, (answers.get(isLinearizable) ?? 0) + 1);
      return (checkLinearizable(list).type === 'linearizable') === isLinearizable;
    }),
    { numRuns: 4000 * testScale, seed: 1 },
  );
  t.true((answers.get(true) ?? 0) > 400 && (answers.get(false) ?? 0) > 400, 'both answers occur');
});
