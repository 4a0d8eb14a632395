import test from 'ava';
import { NearEntries, type NearFacts } from '../../../../src/client/near-cache/near-entries.ts';
import { NearSource } from '../../../../src/client/near-cache/near-source.ts';
import { resolveOptions } from '../../../../src/client/options.ts';

const { endpoint } = resolveOptions({});
const source = new NearSource({ endpoint, isInCluster: false, isClosed: false, send: () => undefined }, () => 0);

function facts(name: string, parts: Partial<NearFacts> = {}): NearFacts {
  return {
    key: name,
    name,
    value: name,
    version: 1,
    contentType: null,
    expiresMs: Number.POSITIVE_INFINITY,
    keptUntilMs: Number.POSITIVE_INFINITY,
    tags: [],
    source,
    slot: 0,
    bytes: 100,
    ...parts,
  };
}

const namesOf = (entries: NearEntries, ...names: string[]): string[] => names.filter((name) => entries.get(name));

test('beyond the limit the oldest entry leaves that was not asked for', (t) => {
  const entries = new NearEntries(3, 1e6);
  for (const name of ['a', 'b', 'c']) entries.put(facts(name));
  const a = entries.get('a');
  if (a !== undefined) a.isVisited = true;
  entries.put(facts('d'));
  t.deepEqual(namesOf(entries, 'a', 'b', 'c', 'd'), ['a', 'c', 'd']);
  entries.put(facts('e'));
  t.deepEqual(namesOf(entries, 'a', 'c', 'd', 'e'), ['a', 'd', 'e']);
  t.is(entries.size, 3);
});

test('when all were asked for, each gets its turn and one leaves', (t) => {
  const entries = new NearEntries(4, 1e6);
  for (const name of ['a', 'b', 'c', 'd']) entries.put(facts(name));
  for (const name of ['a', 'b', 'c', 'd']) {
    const entry = entries.get(name);
    if (entry !== undefined) entry.isVisited = true;
  }
  entries.put(facts('e'));
  t.deepEqual(namesOf(entries, 'a', 'b', 'c', 'd', 'e'), ['b', 'c', 'd', 'e']);
});

test('what is asked for often survives a scan over many keys', (t) => {
  const entries = new NearEntries(10, 1e6);
  entries.put(facts('hot'));
  for (let index = 0; index < 1000; index++) {
    const hot = entries.get('hot');
    if (hot !== undefined) hot.isVisited = true;
    entries.put(facts(`scan${index}`));
  }
  t.is(entries.get('hot')?.facts.name, 'hot');
});

test('the bytes of all entries stay within the limit, and one that is larger is not kept', (t) => {
  const entries = new NearEntries(100, 1000);
  for (let index = 0; index < 20; index++) {
    entries.put(facts(`k${index}`, { bytes: 300 }));
    t.true(entries.bytes <= 1000);
  }
  t.is(entries.size, 3);
  entries.put(facts('k19', { bytes: 1001 }));
  t.is(entries.get('k19'), undefined, 'nor is what was there before it');
  t.is(entries.bytes, 600);
  entries.clear();
  t.deepEqual([entries.size, entries.bytes, entries.tagCount], [0, 0, 0]);
  entries.put(facts('again'));
  t.is(entries.size, 1);
});

test('a tag removes those that bear it, and nothing is remembered of a tag that nobody bears', (t) => {
  const entries = new NearEntries(3, 1e6);
  entries.put(facts('a', { tags: ['x', 'y'] }));
  entries.put(facts('b', { tags: ['y'] }));
  entries.put(facts('c', { tags: ['z'] }));
  t.is(entries.deleteTag('y'), 2);
  t.deepEqual(namesOf(entries, 'a', 'b', 'c'), ['c']);
  t.is(entries.tagCount, 1);
  entries.put(facts('c', { tags: [] }));
  t.is(entries.tagCount, 0, 'replaced');
  entries.put(facts('d', { tags: ['z'] }));
  for (const name of ['e', 'f', 'g']) entries.put(facts(name));
  t.is(entries.tagCount, 0, 'evicted');
  t.is(entries.deleteTag('z'), 0);
});

test('entries are removed by what is known of them', (t) => {
  const entries = new NearEntries(10, 1e6);
  for (let slot = 0; slot < 6; slot++) entries.put(facts(`k${slot}`, { slot }));
  t.is(
    entries.deleteWhere(({ slot }) => slot % 2 === 0),
    3,
  );
  t.deepEqual(namesOf(entries, 'k0', 'k1', 'k2', 'k3', 'k4', 'k5'), ['k1', 'k3', 'k5']);
});
