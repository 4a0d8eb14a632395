import test from 'ava';
import fc from 'fast-check';
import { groupsOf, inOrder } from '../../../src/client/spread.ts';

test('keys are grouped by their places, each in one group and in order, and put together as they were', (t) => {
  const keys = fc.array(fc.option(fc.string({ maxLength: 3 })), { maxLength: 40 });
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 4 }), (list, places) => {
      const placeOf = (key: unknown) => `${String(key).length % places}`;
      const groups = groupsOf(list, placeOf);
      for (const group of groups) {
        t.deepEqual(
          group,
          [...group].sort((one, other) => one - other),
        );
        t.true(new Set(group.flatMap((index) => (list[index] === null ? [] : [placeOf(list[index])]))).size <= 1);
      }
      const parts = groups.map((indexes) => ({ indexes, result: indexes.map((index) => list[index]) }));
      t.deepEqual(inOrder(parts), list);
      const used = new Set(list.flatMap((key) => (key === null ? [] : [placeOf(key)])));
      t.is(groups.length, Math.max(used.size, list.length > 0 ? 1 : 0));
    }),
  );
});
