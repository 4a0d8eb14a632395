import { createHash } from 'node:crypto';
import { ApplyResult } from '../../../src/base/effect.ts';
import { createStoreMemory, type EvictionName } from '../../../src/store/arena.ts';
import { EffectKind, EffectReader } from '../../../src/store/effect-codec.ts';
import { EffectLog } from '../../../src/store/effect-log.ts';
import { PartitionedWriter } from '../../../src/store/partitioned-writer.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { ModelledStore } from './model.ts';

export const PARTITIONS = 12;

/** A modelled store whose effects another store repeats, while a third one copies one partition after the other. */
export class ReplicatedModel extends ModelledStore {
  // Nothing is set here: `attach` is called before fields are.
  declare log: EffectLog;
  declare primary: PartitionedWriter;
  replica: PartitionedWriter;
  joiner: PartitionedWriter;
  joined = 0;
  #joining = 0;
  #cursor: number | null = null;

  constructor(eviction: EvictionName, budgetBytes: number) {
    super(eviction, budgetBytes, PARTITIONS);
    this.replica = replicaOf(this.clock);
    this.joiner = replicaOf(this.clock);
  }

  protected override attach(groupStands: boolean): PartitionedWriter {
    this.primary = new PartitionedWriter(this.memory, this.clock, groupStands);
    this.log = new EffectLog();
    this.primary.effects = this.log;
    return this.primary;
  }

  override reattach(groupStands = false): void {
    super.reattach(groupStands);
    // What the writer before did last was not told of.
    for (let partition = 0; partition < PARTITIONS; partition++) copyPartition(this.primary, this.replica, partition);
    this.#startJoining();
  }

  /** What was done becomes known to the others. */
  replicate(): void {
    this.log.drain((partition, keyHashes, record, clears) => {
      if (keyHashes.length === 0 && !clears) throw new Error('a record of nothing');
      apply(this.replica, partition, record);
      if (partition === this.#joining) apply(this.joiner, partition, record);
    });
    // What is invalid each of them takes out in its own time.
    this.replica.maintain();
    if (readStatistics(this.memory).pendingTags === 0) {
      while (this.replica.maintain());
      if (this.primary.keyCount !== this.replica.keyCount) throw new Error('a replica with more or fewer keys');
    }
    const { entries, next } = this.primary.readPartition(this.#joining, this.#cursor, 3000);
    if (this.joiner.load(this.#joining, entries) !== ApplyResult.applied) throw new Error('a piece not loaded');
    this.#cursor = next;
    if (next !== null) return;
    compare(this.primary, this.joiner, this.#joining);
    this.joined++;
    this.#joining = (this.#joining + 1) % PARTITIONS;
    this.#startJoining();
  }

  checkReplica(): void {
    this.replica.validate();
    this.joiner.validate();
    for (let partition = 0; partition < PARTITIONS; partition++) compare(this.primary, this.replica, partition);
    if (this.primary.lastVersion < this.replica.lastVersion) throw new Error('a replica with a version not given yet');
  }

  #startJoining(): void {
    this.joiner.clearPartition(this.#joining);
    this.#cursor = null;
  }
}

function replicaOf(clock: { nowMs(): number }): PartitionedWriter {
  const memory = createStoreMemory({
    budgetBytes: 16 << 20,
    readersMax: 1,
    eviction: 'flux',
    hashKey: [99, 100],
    partitions: { first: 0, count: PARTITIONS, total: PARTITIONS },
  });
  const replica = new PartitionedWriter(memory, clock);
  for (let partition = 0; partition < PARTITIONS; partition++) replica.setOwned(partition, false);
  return replica;
}

function apply(store: PartitionedWriter, partition: number, record: Uint8Array): void {
  const result = store.applyEffects(partition, record);
  if (result !== ApplyResult.applied) throw new Error(`a record answered with ${result}`);
}

export function copyPartition(from: PartitionedWriter, to: PartitionedWriter, partition: number): void {
  to.clearPartition(partition);
  let cursor: number | null = null;
  do {
    const { entries, next } = from.readPartition(partition, cursor, 20_000);
    if (to.load(partition, entries) !== ApplyResult.applied) throw new Error('a piece not loaded');
    cursor = next;
  } while (cursor !== null);
}

/** All that is known of each entry, by key, in the order of keys. */
export function contentsOf(store: PartitionedWriter, partition: number): Map<string, string> {
  const contents = new Map<string, string>();
  const reader = new EffectReader();
  let cursor: number | null = null;
  do {
    const { entries, next } = store.readPartition(partition, cursor, 100_000);
    for (const entry of entries) {
      reader.open(entry);
      while (reader.next()) {
        if (reader.kind !== EffectKind.put) throw new Error('a piece of more than puts');
        const key = Buffer.from(entry.subarray(reader.keyStart, reader.keyEnd)).toString('latin1');
        if (contents.has(key)) throw new Error(`${key} twice`);
        const value = createHash('sha1').update(entry.subarray(reader.valueStart, reader.valueEnd)).digest('hex');
        const contentType = Buffer.from(entry.subarray(reader.contentTypeStart, reader.contentTypeEnd)).toString();
        contents.set(
          key,
          `${reader.type} ${reader.version} ${reader.expiresAtMs} ${contentType} ${value} ${attributesOf(reader)}`,
        );
      }
      if (reader.isFaulty) throw new Error('a piece that cannot be read');
    }
    cursor = next;
  } while (cursor !== null);
  return new Map([...contents].sort());
}

function attributesOf(reader: EffectReader): string {
  if (!reader.hasAttributes) return '';
  const { staleMs, fillToken, fillUntilMs, fillVersion, isHollow, bytes, tagsStart, tagsEnd } = reader;
  const tags = Buffer.from(bytes.subarray(tagsStart, tagsEnd)).toString('latin1');
  return `${staleMs} ${fillToken} ${fillUntilMs} ${fillVersion} ${isHollow} ${tags}`;
}

function compare(primary: PartitionedWriter, replica: PartitionedWriter, partition: number): void {
  const expected = contentsOf(primary, partition);
  const found = contentsOf(replica, partition);
  for (const [key, entry] of expected) {
    const other = found.get(key);
    if (other !== entry) throw new Error(`${key} is '${other}' at the replica, '${entry}' at the primary`);
  }
  if (found.size !== expected.size) throw new Error(`the replica has ${found.size} keys, not ${expected.size}`);
}
