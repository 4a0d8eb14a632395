import test from 'ava';
import fc from 'fast-check';
import {
  DamagedJournalError,
  type JournalFile,
  recoverJournal,
} from '../../../../src/cluster/consensus/journal-recovery.ts';
import { type JournalWrite, RaftJournal } from '../../../../src/cluster/consensus/raft-journal.ts';
import type { RaftState } from '../../../../src/cluster/consensus/raft-types.ts';
import { savesOf, step } from '../../../journal-saves.ts';
import { testScale } from '../../../scale.ts';

const numRuns = 300 * testScale;
const steps = fc.array(step, { maxLength: 30 });

/** A disk: durable writes, and one that is not when it crashes. */
class Disk {
  file: JournalFile | null = null;

  apply(write: JournalWrite): void {
    if (write.type === 'rewrite') {
      this.file = { generation: write.generation, bytes: write.bytes };
      return;
    }
    if (this.file === null || this.file.generation !== write.generation || this.file.bytes.length !== write.offset) {
      throw new Error('a write does not continue the file');
    }
    const bytes = new Uint8Array(write.offset + write.bytes.length);
    bytes.set(this.file.bytes);
    bytes.set(write.bytes, write.offset);
    this.file = { generation: write.generation, bytes };
  }

  files(): JournalFile[] {
    return this.file === null ? [] : [this.file];
  }
}

test('what is found after any saves, over any restarts, is what was saved', (t) => {
  fc.assert(
    fc.property(steps, fc.array(fc.nat(30), { maxLength: 3 }), fc.boolean(), (list, restarts, isMarked) => {
      const disk = new Disk();
      let boot = 0;
      let journal: RaftJournal | null = null;
      const begin = () => {
        journal = new RaftJournal(recoverJournal(disk.files()), { rewriteBytesMin: 900, rewriteFactor: 2 });
        t.is(journal.boot, ++boot);
        const write = journal.begin();
        disk.apply(write);
        journal.synced(write);
        return journal;
      };
      journal = begin();
      for (const [number, { save, after }] of savesOf(list).entries()) {
        const write = journal.next(save);
        disk.apply(write);
        journal.synced(write);
        const mark = isMarked ? journal.mark() : null;
        if (mark !== null) disk.apply(mark);
        const { raft, isTorn, validBytes } = recoverJournal(disk.files());
        t.deepEqual(raft, after);
        t.false(isTorn);
        t.is(validBytes, disk.file?.bytes.length ?? 0);
        if (restarts.includes(number)) journal = begin();
      }
    }),
    { numRuns },
  );
});

test('a crash in the middle of any write leaves what was durable, or that and what followed it', (t) => {
  fc.assert(
    fc.property(steps, fc.nat(), fc.array(fc.boolean(), { maxLength: 40 }), (list, place, lost) => {
      const disk = new Disk();
      const journal = new RaftJournal(recoverJournal([]), { rewriteBytesMin: 600, rewriteFactor: 2 });
      const first = journal.begin();
      disk.apply(first);
      journal.synced(first);
      const saves = savesOf(list);
      // Saves up to here are durable, those behind it were written, and the machine failed before they were synced.
      const durable = saves.length === 0 ? 0 : place % saves.length;
      const states: RaftState[] = [recoverJournal(disk.files()).raft];
      let durableBytes = first.bytes.length;
      let records: JournalWrite[] = [];
      for (const [number, { save, after }] of saves.entries()) {
        const write = journal.next(save);
        records = write.type === 'rewrite' ? [] : [...records, write];
        // A rewrite is durable before anything follows it.
        const isDurable = number < durable || write.type === 'rewrite';
        disk.apply(write);
        if (isDurable) {
          journal.synced(write);
          durableBytes = write.offset + write.bytes.length;
          states.length = 0;
        }
        states.push(after);
      }
      // Of the rest of the file, the disk wrote some blocks of 16 bytes and not the others.
      const bytes = disk.file?.bytes.slice() ?? new Uint8Array(0);
      for (let at = durableBytes; at < bytes.length; at += 16) {
        if (lost[(at >> 4) % Math.max(1, lost.length)] === true) bytes.fill(0, at, at + 16);
      }
      // A record that lost one bit only is one that has a flipped bit, and is refused.
      for (const { offset, bytes: whole } of records) {
        if (flippedBits(bytes.subarray(offset, offset + whole.length), whole) === 1) bytes.set(whole, offset);
      }
      const cut = durableBytes + (place % (bytes.length - durableBytes + 1));
      for (const end of [bytes.length, cut]) {
        const { raft } = recoverJournal([{ generation: disk.file?.generation ?? 0, bytes: bytes.subarray(0, end) }]);
        t.true(states.some((state) => isSame(state, raft)));
      }
    }),
    { numRuns },
  );
});

test('whatever bytes a journal has, it is recovered or refused', (t) => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(steps, changes, fc.boolean(), (list, places, isRandom) => {
      const disk = new Disk();
      const journal = new RaftJournal(recoverJournal([]), { rewriteBytesMin: 900 });
      disk.apply(journal.begin());
      for (const { save } of savesOf(list)) disk.apply(journal.next(save));
      const bytes = disk.file?.bytes.slice() ?? new Uint8Array(0);
      for (const [place, byte] of places) bytes[place % bytes.length] = byte;
      const damaged = isRandom ? Uint8Array.from(places.flat()) : bytes;
      try {
        recoverJournal([{ generation: disk.file?.generation ?? 1, bytes: damaged }]);
      } catch (error) {
        t.true(error instanceof DamagedJournalError);
      }
    }),
    { numRuns },
  );
});

test('a file is never much larger than what it says', (t) => {
  const disk = new Disk();
  const journal = new RaftJournal(recoverJournal([]), { rewriteBytesMin: 2000, rewriteFactor: 4 });
  disk.apply(journal.begin());
  const payload = new Uint8Array(100);
  const membership = { voters: ['a'], learners: [] };
  let largest = 0;
  let rewrites = 0;
  for (let index = 1; index <= 2000; index++) {
    const entries = [{ index, term: 1, kind: 'command', payload } as const];
    const snapshot = index % 50 === 0 ? { index: index - 1, term: 1, membership, data: payload } : null;
    const write = journal.next({ hard: null, snapshot, entries });
    if (write.type === 'rewrite') rewrites++;
    disk.apply(write);
    largest = Math.max(largest, disk.file?.bytes.length ?? 0);
  }
  // Of 50 entries and a snapshot, four times.
  t.true(largest < 4 * 51 * 150);
  t.true(rewrites > 5 && rewrites <= 50);
  t.is(recoverJournal(disk.files()).raft.snapshot?.index, 1999);
});

function flippedBits(left: Uint8Array, right: Uint8Array): number {
  let count = 0;
  for (const [at, byte] of left.entries()) {
    for (let bits = byte ^ (right[at] ?? 0); bits !== 0; bits &= bits - 1) count++;
  }
  return count;
}

function isSame(left: RaftState, right: RaftState): boolean {
  return text(left) === text(right);
}

function text(state: RaftState): string {
  return JSON.stringify(state, (_name, value) => (value instanceof Uint8Array ? [...value] : value));
}
