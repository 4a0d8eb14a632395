import test from 'ava';
import { AssertionError } from '../../../../src/base/assert.ts';
import type { Save } from '../../../../src/cluster/consensus/journal-payload.ts';
import { DamagedJournalError, recoverJournal } from '../../../../src/cluster/consensus/journal-recovery.ts';
import { RaftJournal } from '../../../../src/cluster/consensus/raft-journal.ts';
import type { RaftState } from '../../../../src/cluster/consensus/raft-types.ts';

interface Written {
  readonly bytes: Uint8Array;
  /** Where each record begins, and what the file says up to there. */
  readonly records: { readonly start: number; readonly before: RaftState | null }[];
}

function entry(index: number, term: number, text: string) {
  return { index, term, kind: 'command', payload: new TextEncoder().encode(text) } as const;
}

const snapshot = {
  index: 2,
  term: 1,
  membership: { voters: ['a', 'b'], learners: [] },
  data: new TextEncoder().encode('state'),
};

const saves: readonly Save[] = [
  { hard: { term: 1, vote: 'a' }, snapshot: null, entries: [] },
  { hard: null, snapshot: null, entries: [entry(1, 1, 'one'), entry(2, 1, 'two'), entry(3, 1, 'three')] },
  { hard: { term: 2, vote: null }, snapshot, entries: [entry(4, 2, 'four')] },
  { hard: null, snapshot: null, entries: [entry(3, 2, 'other'), entry(4, 2, 'four again')] },
  { hard: { term: 3, vote: 'b' }, snapshot: null, entries: [] },
];

const nothing: RaftState = { hard: { term: 0, vote: null }, snapshot: null, entries: [] };

/** A file of one image and five saves; of these, the last `unsynced` were not yet durable. */
function written(unsynced: number, isMarked = false): Written {
  const journal = new RaftJournal(recoverJournal([]));
  const first = journal.begin();
  const writes = [first];
  const records: { start: number; before: RaftState | null }[] = [{ start: 0, before: null }];
  let bytes = first.bytes;
  for (const [number, save] of saves.entries()) {
    records.push({ start: bytes.length, before: recoverJournal([{ generation: 1, bytes }]).raft });
    const write = journal.next(save);
    writes.push(write);
    bytes = Uint8Array.of(...bytes, ...write.bytes);
    if (number < saves.length - unsynced) journal.synced(write);
  }
  const mark = isMarked ? journal.mark() : null;
  if (mark !== null) {
    records.push({ start: bytes.length, before: recoverJournal([{ generation: 1, bytes }]).raft });
    bytes = Uint8Array.of(...bytes, ...mark.bytes);
  }
  return { bytes, records };
}

/** Where the record begins that holds byte `at`. */
function recordStart({ records }: Written, at: number): number {
  return records.findLast(({ start }) => start <= at)?.start ?? 0;
}

function recover(bytes: Uint8Array) {
  return recoverJournal([{ generation: 1, bytes }]);
}

test('the state is that of the last save', (t) => {
  t.deepEqual(recover(written(0).bytes).raft, {
    hard: { term: 3, vote: 'b' },
    snapshot,
    entries: [entry(3, 2, 'other'), entry(4, 2, 'four again')],
  });
});

test('a file cut at any byte says what its whole records say', (t) => {
  const { bytes, records } = written(5);
  for (let end = 0; end < bytes.length; end++) {
    const cut = bytes.subarray(0, end);
    const next = records.findLast(({ start }) => start <= end);
    if (next === undefined || next.before === null) {
      t.throws(() => recover(cut), { instanceOf: DamagedJournalError });
      continue;
    }
    const found = recover(cut);
    t.deepEqual(found.raft, next.before);
    t.is(found.validBytes, next.start);
    t.is(found.isTorn, end > next.start);
  }
});

test('a flipped bit anywhere is refused, and it is said where; no state is lost silently', (t) => {
  for (const unsynced of [0, 3]) {
    const file = written(unsynced);
    const { bytes } = file;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >> 3;
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] as number) ^ (1 << (bit & 7));
      const error = t.throws(() => recover(damaged), { instanceOf: DamagedJournalError });
      t.is(error?.offset, recordStart(file, at));
      t.is(error?.generation, 1);
    }
  }
});

test('any damage below what a later record says was durable is refused', (t) => {
  const file = written(0);
  const { bytes, records } = file;
  const last = records.at(-1)?.start ?? 0;
  for (let at = 0; at + 4 <= last; at++) {
    const damaged = bytes.slice();
    for (const place of [0, 1, 2, 3]) damaged[at + place] = (damaged[at + place] as number) ^ 0x5a;
    const error = t.throws(() => recover(damaged), { instanceOf: DamagedJournalError });
    t.is(error?.offset, recordStart(file, at));
  }
});

test('damage in the last record is taken for a torn write unless a mark follows it', (t) => {
  const unmarked = written(0);
  const last = unmarked.records.at(-1) ?? { start: 0, before: null };
  const damaged = unmarked.bytes.slice().fill(0x5a, last.start);
  t.deepEqual(recover(damaged).raft, last.before);
  t.true(recover(damaged).isTorn);

  const marked = written(0, true);
  const markStart = marked.records.at(-1)?.start ?? 0;
  t.is(markStart, unmarked.bytes.length);
  const damagedToo = marked.bytes.slice().fill(0x5a, last.start, markStart);
  const error = t.throws(() => recover(damagedToo), { instanceOf: DamagedJournalError });
  t.is(error?.offset, last.start);
  t.deepEqual(recover(marked.bytes.subarray(0, markStart)).raft, recover(marked.bytes).raft);
});

test('whole records behind a torn one are left out as long as none says that it was durable', (t) => {
  const { bytes, records } = written(3);
  const [torn, next] = records.slice(3) as [(typeof records)[0], (typeof records)[0]];
  const damaged = bytes.slice().fill(0, torn.start, next.start);
  t.deepEqual(recover(damaged).raft, torn.before);
  t.is(recover(damaged).validBytes, torn.start);
});

test('of several generations the highest counts, and is not replaced by an older one when it is damaged', (t) => {
  const old = { generation: 1, bytes: written(0).bytes };
  const journal = new RaftJournal(recoverJournal([old]));
  const { generation, bytes } = journal.begin();
  t.is(generation, 2);
  for (const files of [
    [old, { generation, bytes }],
    [{ generation, bytes }, old],
  ]) {
    const found = recoverJournal(files);
    t.is(found.generation, 2);
    t.is(found.boot, 2);
    t.deepEqual(found.raft, recover(old.bytes).raft);
  }
  const cut = { generation, bytes: bytes.subarray(0, 30) };
  t.throws(() => recoverJournal([old, cut]), { instanceOf: DamagedJournalError });
});

test('a file under another generation than its own is refused', (t) => {
  const { bytes } = written(0);
  t.throws(() => recoverJournal([{ generation: 2, bytes }]), { instanceOf: DamagedJournalError });
});

test('without files a node starts for the first time, with nothing', (t) => {
  const found = recoverJournal([]);
  t.deepEqual(found, { boot: 0, raft: nothing, generation: 0, validBytes: 0, isTorn: false });
  t.is(new RaftJournal(found).boot, 1);
});

test('after a failed write the next one is a file of its own that holds what failed', (t) => {
  const journal = new RaftJournal(recoverJournal([]));
  journal.begin();
  for (const save of saves.slice(0, 4)) journal.next(save);
  journal.failed();
  t.is(journal.mark(), null);
  const write = journal.next(saves[4] as Save);
  t.is(write.type, 'rewrite');
  t.deepEqual(recoverJournal([write]).raft, recover(written(0).bytes).raft);
  t.is(journal.next({ hard: null, snapshot: null, entries: [] }).type, 'append');
});

test('a save that leaves a gap, goes back, or comes before the counter is a defect', (t) => {
  const journal = new RaftJournal(recoverJournal([]));
  const empty: Save = { hard: null, snapshot: null, entries: [] };
  t.throws(() => journal.next(empty), { instanceOf: AssertionError });
  journal.begin();
  for (const save of saves) journal.next(save);
  for (const save of [
    { ...empty, entries: [entry(6, 3, 'gap')] },
    { ...empty, entries: [entry(2, 3, 'in the snapshot')] },
    { ...empty, hard: { term: 2, vote: null } },
    { ...empty, snapshot: { ...snapshot, index: 1 } },
  ]) {
    t.throws(() => journal.next(save), { instanceOf: AssertionError });
  }
});
