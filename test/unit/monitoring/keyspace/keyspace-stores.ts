import type { PutRequest, ValueType } from '../../../../src/base/view.ts';
import {
  type AnalysisInput,
  type AnalysisOutput,
  type AnalysisState,
  analyseKeyspace,
} from '../../../../src/monitoring/keyspace/analyse-keyspace.ts';
import { createStoreMemory, type StoreMemory, type StoreMemoryOptions } from '../../../../src/store/arena.ts';
import { PartitionedWriter } from '../../../../src/store/partitioned-writer.ts';
import { StoreWriter } from '../../../../src/store/writer.ts';
import { ManualClock } from '../../../stores.ts';

interface Extras {
  readonly type?: ValueType;
  readonly expiresAtMs?: number;
}

/** Stores that a test fills, and analyses in its own thread. */
export class KeyspaceStores {
  readonly clock = new ManualClock();
  readonly memories: readonly StoreMemory[];
  readonly writers: readonly StoreWriter[];
  state: AnalysisState = { cursors: [], largest: [] };

  /** With `partitions`, the stores know of partitions, all of which they own. */
  constructor(count = 1, budgetBytes = 8 << 20, partitions?: StoreMemoryOptions['partitions']) {
    const options: StoreMemoryOptions = { budgetBytes, readersMax: 2, eviction: 'noeviction', hashKey: [5, 9] };
    this.memories = Array.from({ length: count }, () =>
      createStoreMemory(partitions === undefined ? options : { ...options, partitions }),
    );
    const Writer = partitions === undefined ? StoreWriter : PartitionedWriter;
    this.writers = this.memories.map((memory) => new Writer(memory, this.clock));
  }

  put(shard: number, key: string | Uint8Array, valueBytes: number, { type = 0, expiresAtMs = 0 }: Extras = {}): void {
    const bytes = Buffer.from(key);
    const request: PutRequest = {
      key: bytes,
      keyStart: 0,
      keyEnd: bytes.length,
      value: new Uint8Array(valueBytes),
      valueStart: 0,
      valueEnd: valueBytes,
      type,
      expiresAtMs,
      contentType: bytes,
      contentTypeStart: 0,
      contentTypeEnd: 0,
    };
    const status = this.writers[shard]?.put(request);
    if (status !== 0 && status !== 1) throw new Error(`a test's key was refused: ${status}`);
  }

  remove(shard: number, key: string): void {
    const bytes = Buffer.from(key);
    this.writers[shard]?.remove(bytes, 0, bytes.length);
  }

  /** One analysis, which the next one goes on from. */
  analyse(
    options: Partial<AnalysisInput['settings'] & Pick<AnalysisInput, 'keysWanted'>> = {},
    rest: () => void = () => {},
  ): AnalysisOutput {
    const { keysWanted = 100_000, ...settings } = options;
    const output = analyseKeyspace(
      {
        memories: this.memories,
        reader: 1,
        settings: { separator: ':', prefixesMax: 50, metricsPrefixes: [], ...settings },
        keysWanted,
        state: this.state,
      },
      this.clock,
      rest,
    );
    this.state = output.state;
    return output;
  }
}
