import test from 'ava';
import fc from 'fast-check';
import { searchPatterns } from '../../../../src/monitoring/dashboard/page/search-patterns.js';
import { covers } from '../../../../src/server/access/covers.ts';

test('a part of a name is looked for everywhere, a pattern as it is', (t) => {
  t.deepEqual(searchPatterns('', null), ['']);
  t.deepEqual(searchPatterns('us^er', null), ['*us\\^er*']);
  t.deepEqual(searchPatterns('user:*', null), ['user:*']);
});

test('a user of some keys looks within his patterns', (t) => {
  const patterns = ['shop:*', 'session:*', 'one'];
  t.deepEqual(searchPatterns('', patterns), patterns);
  t.deepEqual(searchPatterns('cart', patterns), ['shop:*cart*', 'session:*cart*']);
  t.deepEqual(searchPatterns('shop:7', patterns), ['shop:7*', 'session:*shop:7*']);
  t.deepEqual(searchPatterns('any', []), []);
});

test('what is looked for in the name of a user is what he may list', (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', ':', '^', 'é'), maxLength: 5 });
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 3 }), (typed, beginnings) => {
      const own = beginnings.filter((each) => !each.includes('^')).map((each) => `${each}*`);
      for (const asked of searchPatterns(typed, own)) {
        t.true(own.some((pattern) => covers(Buffer.from(pattern), Buffer.from(asked))));
      }
    }),
  );
});
