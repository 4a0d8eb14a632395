/** A front end's own reads of copies in shared memory, as fast as they go: a thread of replicated-reads.test.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { slotOf } from '../../../src/base/slot.ts';
import { PartitionGates, type PartitionGatesHandle } from '../../../src/cluster/partition-gates.ts';
import type { StoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';

export interface ReadsThreadData {
  readonly nodes: readonly { readonly memory: StoreMemory; readonly gates: PartitionGatesHandle }[];
  readonly keys: readonly string[];
  readonly partitionOfKey: readonly number[];
  /** By key: the newest value that anybody was told of, by a reply to its write or by a read: values rise with time. */
  readonly told: Int32Array;
  /** By value: 1 when it was answered. */
  readonly answered: Uint8Array;
  /** 0: the time; 1: stop; 2: answers; 3: stale ones. */
  readonly words: Int32Array;
}

const { nodes, keys, partitionOfKey, told, answered, words } = workerData as ReadsThreadData;
const clock = { nowMs: () => 1_700_000_000_000 + Atomics.load(words, 0) };
const ends = nodes.map(({ memory, gates }) => ({
  gates: new PartitionGates(gates),
  reader: new StoreReader(memory, 1, clock),
}));
const names = keys.map((key) => new TextEncoder().encode(key));
const target = new Uint8Array(64);
let stale = '';

while (Atomics.load(words, 1) === 0) {
  for (const [index, name] of names.entries()) {
    const partition = partitionOfKey[index] as number;
    for (const [node, { gates, reader }] of ends.entries()) {
      const before = Atomics.load(told, index);
      const opened = gates.openForReads(partition);
      if (opened === 0 || !reader.enter()) continue;
      let value = 0;
      if (reader.lookup(name, 0, name.length)) {
        const length = reader.entry.valueBytes;
        reader.copyValue(target, 0);
        value = Number(String.fromCharCode(...target.subarray(0, length)));
      }
      if (!reader.leave()) continue;
      if (!gates.mayAnswer(partition, slotOf(name, 0, name.length), opened, Atomics.load(words, 0))) continue;
      Atomics.add(words, 2, 1);
      Atomics.store(answered, value, 1);
      // Whoever reads from here on must find this one or a newer.
      for (let known = Atomics.load(told, index); known < value; ) {
        known = Atomics.compareExchange(told, index, known, value);
      }
      if (value < before) {
        Atomics.add(words, 3, 1);
        stale ||= `node ${node} answered ${value} for ${keys[index]} after ${before}`;
      }
    }
  }
}
parentPort?.postMessage(stale);
