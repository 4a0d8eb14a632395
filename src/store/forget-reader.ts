import { Arena, type StoreMemory } from './arena.ts';
import { ReaderSlot } from './layout.ts';

/**
 * Takes back what a reader had announced whose thread has ended, wherever it was: the writer would wait for it for ever.
 * Only once that thread can run no more.
 */
export function forgetReader(memory: StoreMemory, readerIndex: number): void {
  const arena = new Arena(memory);
  Atomics.store(arena.words, arena.readerSlots + readerIndex * ReaderSlot.words + ReaderSlot.epoch, 0);
}
