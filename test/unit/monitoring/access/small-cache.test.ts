import test from 'ava';
import fc from 'fast-check';
import { SmallCache } from '../../../../src/monitoring/access/small-cache.ts';

const KEYS = 40;

type Act =
  | { readonly kind: 'look' | 'remove' | 'forget'; readonly key: number }
  | { readonly kind: 'resize'; readonly key: number; readonly bytes: number }
  | { readonly kind: 'capacity'; readonly bytes: number };

const key = fc.nat({ max: KEYS - 1 });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('look' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'forget' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resize' as const), key, bytes: fc.nat({ max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('capacity' as const), bytes: fc.nat({ max: 2000 }) }) },
);

test('whatever comes, it holds no more than its capacity, and says of each key that leaves that it did', (t) => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 400 }), (acts) => {
      const bytes = new Float64Array(KEYS).fill(100);
      const cache = new SmallCache(KEYS, bytes, 1000);
      const held = new Set<number>();
      const onEvicted = (left: number): void => {
        if (!held.delete(left)) throw new Error(`${left} was evicted and not there`);
      };
      for (const next of acts) {
        if (next.kind === 'look') {
          if (cache.use(next.key) !== held.has(next.key)) return false;
          if (!held.has(next.key)) {
            held.add(next.key);
            cache.store(next.key, onEvicted);
          }
        } else if (next.kind === 'capacity') {
          cache.capacity = next.bytes;
          cache.makeRoom(onEvicted);
        } else if (next.kind === 'resize') {
          cache.resize(next.key, next.bytes - (bytes[next.key] as number));
          bytes[next.key] = next.bytes;
          cache.makeRoom(onEvicted);
        } else {
          if (next.kind === 'remove') cache.remove(next.key);
          else cache.forget(next.key);
          held.delete(next.key);
        }
        let used = 0;
        for (const one of held) used += bytes[one] as number;
        if (used > cache.capacity || cache.count !== held.size) return false;
        for (let one = 0; one < KEYS; one++) if (cache.has(one) !== held.has(one)) return false;
      }
      return true;
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('keys that come back stay, while keys that come once pass by', (t) => {
  const keys = 2000;
  const cache = new SmallCache(keys, new Float64Array(keys).fill(10), 1000);
  let hits = 0;
  let lookups = 0;
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 20; i++) {
      const favourite = i % 2 === 0;
      const number = favourite ? (round * 10 + i / 2) % 60 : 100 + ((round * 10 + i) % 1900);
      const isHit = cache.use(number);
      if (!isHit) cache.store(number, () => undefined);
      if (!favourite || round < 100) continue;
      lookups++;
      if (isHit) hits++;
    }
  }
  t.true(hits / lookups > 0.95, `${hits} of ${lookups}`);
});
