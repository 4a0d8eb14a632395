import { systemClock } from '../../../src/base/ports.ts';
import type { StoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';

/** A job whose thread ends while it reads. */
export function runJob({ memories, reader }: { memories: readonly StoreMemory[]; reader: number }): void {
  const stores = memories.map((memory) => new StoreReader(memory, reader, systemClock));
  for (const store of stores) store.enter();
  process.exit(1);
}
