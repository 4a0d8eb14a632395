import test from 'ava';
import { LeaderFinder } from '../../../src/cluster/leader-finder.ts';

test('whom the own log follows is asked', (t) => {
  const finder = new LeaderFinder('a', ['a', 'b', 'c']);
  finder.followed('c');
  t.is(finder.addressee('c'), 'c');
});

test('a node that knows no leader asks the seeds in turn, but not itself', (t) => {
  const finder = new LeaderFinder('a', ['a', 'b', 'c']);
  t.deepEqual(
    [1, 2, 3, 4].map(() => finder.addressee(null)),
    ['b', 'c', 'b', 'c'],
  );
  t.is(new LeaderFinder('a', ['a']).addressee(null), null);
});

test('a leader that is named is asked', (t) => {
  const finder = new LeaderFinder('d', ['a', 'b', 'c']);
  t.true(finder.denied('a', 'c', null));
  t.is(finder.addressee(null), 'c');
});

test('a former leader who says that another leads is believed, though the own log still follows it', (t) => {
  const finder = new LeaderFinder('d', ['a', 'b', 'c']);
  finder.followed('b');
  t.true(finder.denied('b', 'c', 'b'));
  t.is(finder.addressee('b'), 'c');
  t.true(finder.followed('b'), 'until the log says anew whom it follows');
  t.is(finder.addressee('b'), 'b');
});

test('a former leader who knows no other is not asked again', (t) => {
  const finder = new LeaderFinder('d', ['a', 'b']);
  finder.followed('b');
  t.false(finder.denied('b', null, 'b'));
  t.is(finder.addressee('b'), 'a');
});

test('what somebody else says late counts for nothing', (t) => {
  const finder = new LeaderFinder('d', ['a', 'b', 'c']);
  finder.followed('b');
  t.false(finder.denied('a', 'c', 'b'));
  t.is(finder.addressee('b'), 'b');
});

test('who was named and does not answer is forgotten', (t) => {
  const finder = new LeaderFinder('d', ['a']);
  finder.denied('a', 'c', null);
  finder.forget();
  t.is(finder.addressee(null), 'a');
});

test('a leader that denied before it was elected, and was heard late, is asked again once others name it', (t) => {
  const finder = new LeaderFinder('d', ['a', 'b', 'c']);
  finder.followed('b');
  t.false(finder.denied('b', null, 'b'));
  t.is(finder.addressee('b'), 'a');
  t.true(finder.denied('a', 'b', 'b'));
  t.is(finder.addressee('b'), 'b');
});
