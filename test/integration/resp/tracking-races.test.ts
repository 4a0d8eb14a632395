import test, { type ExecutionContext } from 'ava';
import { testScale } from '../../scale.ts';
import { type NodeFixture, sharedNode, startNodeFixture } from './node-fixture.ts';
import type { Plain, PushClient } from './push-client.ts';

const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);

/** Last numbers that writers were told are written; a number only grows, and each key has one writer. */
type Acknowledged = Map<string, number>;

/** Writes ever larger numbers to keys of its own, several at once, and notes what is acknowledged. */
class Writer {
  readonly #client: PushClient;
  readonly #keys: readonly string[];
  readonly #acknowledged: Acknowledged;
  #next = 1;

  constructor(client: PushClient, own: readonly string[], acknowledged: Acknowledged) {
    this.#client = client;
    this.#keys = own;
    this.#acknowledged = acknowledged;
  }

  async round(random: () => number): Promise<void> {
    const writes = Array.from({ length: 1 + Math.floor(random() * 4) }, () => this.#write(random));
    this.#client.send(...writes.map(({ words }) => words));
    for (const { written } of writes) {
      await this.#client.reply();
      for (const [key, value] of written) this.#acknowledged.set(key, value);
    }
  }

  #write(random: () => number): { words: (string | number)[]; written: [string, number][] } {
    const value = this.#next++;
    const key = this.#keys[Math.floor(random() * this.#keys.length)] as string;
    const kind = random();
    if (kind < 0.6) return { words: ['set', key, value], written: [[key, value]] };
    if (kind < 0.7) return { words: ['set', key, value, 'px', 100_000], written: [[key, value]] };
    return {
      words: ['mset', ...this.#keys.flatMap((own) => [own, value])],
      written: this.#keys.map((own) => [own, value]),
    };
  }
}

/**
 * A client with a cache that it fills from replies and empties by invalidations, both in the order they come in, and
 * nothing else: no pending entries, no second look.
 */
class CachingReader {
  readonly cache = new Map<string, number>();
  readonly #client: PushClient;
  readonly #asked: { keys: readonly string[]; isExec?: boolean; check?: ReadonlyMap<string, number> }[] = [];
  #seen = 0;
  hits = 0;
  invalidations = 0;
  readonly stale: string[] = [];

  constructor(client: PushClient) {
    this.#client = client;
  }

  read(...asked: readonly string[]): void {
    this.#asked.push({ keys: asked });
    this.#client.send(asked.length === 1 ? ['get', ...asked] : ['mget', ...asked]);
  }

  readInTransaction(key: string): void {
    this.#asked.push({ keys: [] }, { keys: [] }, { keys: [key], isExec: true });
    this.#client.send(['multi'], ['get', key], ['exec']);
  }

  other(...words: readonly (string | number)[]): void {
    this.#asked.push({ keys: [] });
    this.#client.send(words);
  }

  /** When the reply of what is sent now has come, nothing cached may be older than what is acknowledged now. */
  check(acknowledged: Acknowledged): void {
    this.#asked.push({ keys: [], check: new Map(acknowledged) });
    this.#client.send(['ping']);
  }

  async settle(): Promise<void> {
    await this.#client.until(() => {
      this.#look();
      return this.#asked.length === 0;
    });
  }

  #look(): void {
    const { log } = this.#client;
    for (; this.#seen < log.length; this.#seen++) {
      const item = log[this.#seen] as readonly Plain[];
      if (item[0] === 'invalidate') this.#invalidate(item[1] as readonly string[] | null);
      else this.#reply(item[1] as Plain);
    }
    log.length = 0;
    this.#seen = 0;
    this.#client.replies.length = 0;
    this.#client.pushes.length = 0;
  }

  #invalidate(invalid: readonly string[] | null): void {
    this.invalidations++;
    if (invalid === null) this.cache.clear();
    else for (const key of invalid) this.cache.delete(key);
  }

  #reply(value: Plain): void {
    const asked = this.#asked.shift();
    if (asked === undefined) throw new Error('a reply that was not asked for');
    const values = asked.keys.length > 1 || asked.isExec === true ? (value as readonly Plain[]) : [value];
    for (const [index, key] of asked.keys.entries()) this.cache.set(key, Number(values[index] ?? 0));
    if (asked.check === undefined) return;
    for (const [key, least] of asked.check) {
      const cached = this.cache.get(key);
      if (cached === undefined) continue;
      this.hits++;
      if (cached < least) this.stale.push(`${key}: ${cached} is cached, ${least} was acknowledged`);
    }
  }
}

/** Races readers with caches against writers; a reader may write, too. */
async function race(t: ExecutionContext, { connect }: NodeFixture, mode: readonly string[], rounds: number) {
  let seed = 12345;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const acknowledged: Acknowledged = new Map();
  const writers = [
    new Writer(await connect(2), keys.slice(0, 4), acknowledged),
    new Writer(await connect(3), keys.slice(4, 8), acknowledged),
    new Writer(await connect(2), keys.slice(8), acknowledged),
  ];
  const readers: CachingReader[] = [];
  for (let index = 0; index < 2; index++) {
    const client = await connect(3);
    t.is(await client.call('client', 'tracking', 'on', ...mode), 'OK');
    client.log.length = 0;
    readers.push(new CachingReader(client));
  }
  const isOptIn = mode.includes('optin');
  const some = (): string => keys[Math.floor(random() * keys.length)] as string;
  const reading = async (reader: CachingReader): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      for (let count = Math.floor(random() * 6); count > 0; count--) {
        const kind = random();
        if (isOptIn && kind < 0.8) reader.other('client', 'caching', 'yes');
        if (kind < 0.5) reader.read(some());
        else if (kind < 0.7) reader.read(some(), some(), some());
        else if (kind < 0.8) reader.readInTransaction(some());
        else reader.other('set', `own${Math.floor(random() * 50)}`, round);
      }
      reader.check(acknowledged);
      if (random() < 0.5) await reader.settle();
    }
    await reader.settle();
  };
  let isReading = true;
  const writing = writers.map(async (writer) => {
    while (isReading) await writer.round(random);
  });
  await Promise.all(readers.map(reading));
  isReading = false;
  await Promise.all(writing);
  for (const reader of readers) {
    reader.check(acknowledged);
    await reader.settle();
    t.deepEqual(reader.stale.slice(0, 5), []);
    t.true(reader.hits > rounds, `something was cached when it was looked at: ${reader.hits}`);
    t.true(reader.invalidations > rounds / 10);
  }
  t.true(acknowledged.size === keys.length);
}

const rounds = Math.ceil(500 * testScale);
const node = sharedNode();

test.serial('a cache fed by replies and invalidations never holds less than what was acknowledged', async (t) => {
  await race(t, await node(), [], rounds);
});

test.serial('so with BCAST, where all changes are told', async (t) => {
  await race(t, await node(), ['bcast'], rounds);
});

test.serial('so with OPTIN, where reads are noted that are asked for', async (t) => {
  await race(t, await node(), ['optin'], rounds);
});

test.serial('so when few keys are remembered, and others are invalidated early', async (t) => {
  await race(t, await startNodeFixture(t, { maxTrackedKeys: 3 }), [], rounds);
});
