import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/base/ports.ts';
import { type PutRequest, PutStatus } from '../../../src/base/view.ts';
import { createStoreMemory, type StoreMemoryOptions } from '../../../src/store/arena.ts';
import { PartitionedWriter } from '../../../src/store/partitioned-writer.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { listOf } from '../../property/store/model.ts';
import { testScale as SCALE } from '../../scale.ts';
import { faultOf, writeChecked, writeKey } from './checked-value.ts';
import { killAfter } from './kill-after.ts';

const DEATHS = 120 * SCALE;
const KEYS = 9000;
const ABSENT = 0;
/** One key in so many bears a tag, of so many that there are. */
const TAGGED = 8;
const TAGS = 8;

test('a writer that dies at any point leaves a store whole: acknowledged writes stay, groups are all or nothing', (t) => {
  dieOften(t, DEATHS, null);
});

test('so does the writer of a store whose entries are parted', (t) => {
  dieOften(t, Math.ceil(DEATHS / 3), { first: 0, count: 24, total: 24 });
});

function dieOften(
  t: ExecutionContext,
  deathCount: number,
  partitions: Required<StoreMemoryOptions>['partitions'] | null,
): void {
  const Writer = partitions === null ? StoreWriter : PartitionedWriter;
  const memory = createStoreMemory({
    budgetBytes: 4 << 20,
    readersMax: 1,
    eviction: 'noeviction',
    hashKey: [5, 6],
    ...(partitions === null ? {} : { partitions }),
  });
  const reader = new StoreReader(memory, 0, systemClock);
  /** Seed of the value each key holds, and the one it will hold once the write under way is acknowledged. */
  const seeds = new Map<number, number>();
  const intents = new Map<number, number>();
  const key = Buffer.alloc(64);
  const value = Buffer.alloc(61_000);
  const request: PutRequest = {
    key,
    keyStart: 0,
    keyEnd: 0,
    value,
    valueStart: 0,
    valueEnd: 0,
    type: 0,
    expiresAtMs: 0,
    contentType: key,
    contentTypeStart: 0,
    contentTypeEnd: 0,
    attributes: null,
  };
  const lists = Array.from({ length: TAGS }, (_, tag) => listOf([`tag:${tag}`]));
  const attributes = lists.map((tags) => ({
    staleMs: 1000,
    tags,
    tagsStart: 0,
    tagsEnd: tags.length,
    fillToken: 0,
    fillUntilMs: 0,
    fillVersion: 0,
    isHollow: false,
  }));
  let writer: StoreWriter = new Writer(memory, systemClock);
  let random = 1;
  let acts = 0;
  let groupKey = 0;

  function next(below: number): number {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((random >>> 0) / 2 ** 32) * below);
  }

  function put(number: number, bytes: number, seed: number): PutStatus {
    request.keyEnd = writeKey(key, number);
    request.valueEnd = bytes;
    request.expiresAtMs = acts % 3 === 0 ? Date.now() + 1_000_000 + next(1_000_000) : 0;
    request.attributes = number % TAGGED === 0 ? (attributes[(number / TAGGED) % TAGS] ?? null) : null;
    writeChecked(value, bytes, number, seed);
    return writer.put(request);
  }

  function acknowledge(): void {
    for (const [number, seed] of intents) seeds.set(number, seed);
    intents.clear();
  }

  function workForEver(): void {
    for (;;) {
      acts++;
      intents.clear();
      const chance = next(100);
      if (chance < 70) {
        const number = next(KEYS);
        const seed = acts;
        intents.set(number, seed);
        const status = put(number, 16 + next(chance === 0 ? 60_000 : 500), seed);
        if (status === PutStatus.outOfMemory) intents.clear();
      } else if (chance < 88) {
        const number = next(KEYS);
        intents.set(number, ABSENT);
        writer.remove(key, 0, writeKey(key, number));
      } else if (chance < 92) {
        writer.setExpiry(key, 0, writeKey(key, next(KEYS)), next(2) === 0 ? 0 : Date.now() + 5_000_000);
      } else if (chance < 93) {
        writer.maintain();
      } else if (chance < 94) {
        const tag = next(TAGS);
        for (let number = tag * TAGGED; number < KEYS; number += TAGGED * TAGS) intents.set(number, ABSENT);
        const list = lists[tag] as Buffer;
        if (!writer.invalidateTags(list, 0, list.length, acts % 2 === 0)) intents.clear();
      } else {
        const count = 1 + next(20);
        if (!writer.beginGroup(count, count * 220)) continue;
        groupKey = acts;
        for (let i = 0; i < count; i++) {
          const number = next(KEYS);
          const removes = next(4) === 0;
          intents.set(number, removes ? ABSENT : acts);
          if (removes) writer.remove(key, 0, writeKey(key, number));
          else if (put(number, 16 + next(200), acts) > PutStatus.replaced) throw new Error('no room in a group');
        }
        if (next(3) > 0) {
          writer.endGroup();
        } else {
          // From here on it may be taken back by either writer, and is not to be seen.
          intents.clear();
          writer.abandonGroup();
        }
      }
      acknowledge();
    }
  }

  function seedIn(number: number): number {
    if (!reader.peek(key, 0, writeKey(key, number))) return ABSENT;
    reader.copyValue(value, 0);
    const fault = faultOf(value, reader.entry.valueBytes, number);
    if (fault !== '') throw new Error(fault);
    return value.readInt32LE(8);
  }

  let groupsTakenBack = 0;
  for (let death = 0; death < deathCount; death++) {
    t.true(killAfter(1 + next(8), workForEver));
    if (!reader.enter()) groupsTakenBack++;
    else reader.leave();
    writer = new Writer(memory, systemClock);
    writer.validate();
    t.true(reader.enter(), 'readers are let in again');
    const isGroup = intents.size > 1 || groupKey === acts;
    let done = 0;
    let undone = 0;
    for (let number = 0; number < KEYS; number++) {
      const seed = seedIn(number);
      const before = seeds.get(number) ?? ABSENT;
      const intent = intents.get(number);
      if (seed === before && seed === intent) continue;
      if (intent !== undefined && seed === intent) done++;
      else if (seed !== before) t.fail(`death ${death}: key ${number} holds ${seed}, not ${before} nor ${intent}`);
      else if (intent !== undefined) undone++;
      seeds.set(number, seed);
    }
    if (isGroup && done > 0 && undone > 0) t.fail(`death ${death}: ${done} writes of a group stand, ${undone} do not`);
    reader.leave();
  }
  const statistics = readStatistics(memory);
  t.log({ deaths: deathCount, acts, groupsTakenBack, keys: statistics.keys, compacted: statistics.compactedBytes });
  t.true(groupsTakenBack > 0, 'no death fell into a group');
  t.true(statistics.compactedBytes > 0, 'no death could fall into a compaction');
  t.true(acts > 1000);
}
