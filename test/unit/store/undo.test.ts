import test from 'ava';
import { createStoreMemory, type StoreMemory } from '../../../src/store/arena.ts';
import { KeyIndexWriter } from '../../../src/store/key-index-writer.ts';
import { Control, UndoPage } from '../../../src/store/layout.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { undoGroup } from '../../../src/store/undo-log.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { WriterParts } from '../../../src/store/writer-parts.ts';
import { putRequest } from '../../property/store/model.ts';

const clock = { nowMs: () => 1 };

function newMemory(): StoreMemory {
  return createStoreMemory({ budgetBytes: 4 << 20, readersMax: 1, eviction: 'noeviction', hashKey: [1, 2] });
}

function put(writer: StoreWriter, key: string, value: string): void {
  writer.put(putRequest(key, Buffer.from(value)));
}

/** The value that a reader finds; null when it finds none. */
function readerOf(memory: StoreMemory): (key: string) => string | null {
  const reader = new StoreReader(memory, 0, clock);
  return (key) => {
    if (!reader.enter()) throw new Error('readers are not let in');
    const found = reader.lookup(Buffer.from(key), 0, key.length);
    const value = Buffer.alloc(found ? reader.entry.valueBytes : 0);
    if (found) reader.copyValue(value, 0);
    reader.leave();
    return found ? value.toString('latin1') : null;
  };
}

const pageful = UndoPage.recordsMax;
for (const writes of [1, pageful - 1, pageful, pageful + 1, 2 * pageful, 2 * pageful + 1]) {
  for (const noted of [writes, writes - 1]) {
    const where = noted === writes ? 'after' : 'while noting';
    test(`of a group whose writer dies ${where} its write ${writes} nothing is left`, (t) => {
      const memory = newMemory();
      const writer = new StoreWriter(memory, clock);
      for (let i = 0; i < writes; i++) put(writer, `key:${i}`, 'old');
      t.true(writer.beginGroup(writes, writes * 16));
      for (let i = 0; i < noted; i++) put(writer, `key:${i}`, 'new');
      if (noted < writes) {
        // The last write dies between its record, for which it may have begun a page, and the count of records.
        put(writer, 'last', 'new');
        const words = new Int32Array(memory.arena);
        words[Control.undoCount] = (words[Control.undoCount] as number) - 1;
      }
      const successor = new StoreWriter(memory, clock);
      const read = readerOf(memory);
      for (let i = 0; i < writes; i++) t.is(read(`key:${i}`), 'old', `key:${i}`);
      // The record was not counted, so the index had not been changed: it was here, and that is for the test to mend.
      successor.remove(Buffer.from('last'), 0, 4);
      successor.validate();
      t.is(successor.keyCount, writes);
    });
  }
}

/** Dies once it has changed the index `changesLeft` times. */
class DyingIndexWriter extends KeyIndexWriter {
  changesLeft = 0;

  override insert(hash: number, ref: number): void {
    super.insert(hash, ref);
    this.#change();
  }

  override replace(slot: number, ref: number): void {
    super.replace(slot, ref);
    this.#change();
  }

  override remove(slot: number): void {
    super.remove(slot);
    this.#change();
  }

  #change(): void {
    if (--this.changesLeft === 0) throw new Error('death');
  }
}

const writeTwice: [string, (writer: StoreWriter) => void][] = [
  [
    'written twice',
    (writer) => {
      put(writer, 'k', 'b');
      put(writer, 'k', 'c');
    },
  ],
  [
    'removed and written again twice',
    (writer) => {
      writer.remove(Buffer.from('k'), 0, 1);
      put(writer, 'k', 'b');
      writer.remove(Buffer.from('k'), 0, 1);
      put(writer, 'k', 'c');
    },
  ],
];

for (const [what, write] of writeTwice) {
  for (let changes = 1; changes <= 5; changes++) {
    test(`a key ${what} in a group comes back once though its undoing died at change ${changes}`, (t) => {
      const memory = newMemory();
      const writer = new StoreWriter(memory, clock);
      put(writer, 'k', 'a');
      put(writer, 'other', 'o');
      t.true(writer.beginGroup(4, 100));
      write(writer);
      const parts = new WriterParts(memory, clock);
      const dying = new DyingIndexWriter(parts.arena, parts.pages);
      dying.changesLeft = changes;
      try {
        undoGroup(parts.arena, parts.index, dying);
      } catch (error) {
        t.is((error as Error).message, 'death');
      }
      const successor = new StoreWriter(memory, clock);
      const read = readerOf(memory);
      t.is(read('k'), 'a');
      t.is(successor.keyCount, 2);
      successor.validate();
      t.true(successor.remove(Buffer.from('k'), 0, 1));
      t.is(read('k'), null);
      successor.validate();
    });
  }
}
