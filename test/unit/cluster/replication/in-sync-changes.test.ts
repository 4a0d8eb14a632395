import test from 'ava';
import { InSyncChanges, isSameSet } from '../../../../src/cluster/replication/in-sync-changes.ts';

const [a, b, c, d, e, f] = [...'abcdef'].map((node) => ({ node, boot: 1, generation: 0 }));
const set = (...members: (typeof a)[]) => members.filter((member) => member !== undefined);

test('what is as it should be is not asked for', (t) => {
  const changes = new InSyncChanges();
  changes.configure(1, set(a, b));
  t.is(changes.next(set(b, a), 100, 0), null);
  t.false(changes.isPending);
});

test('all members of all sets asked for are required until the version moves', (t) => {
  const changes = new InSyncChanges();
  changes.configure(1, set(a, b));
  t.deepEqual(changes.next(set(a, b, c), 100, 0), set(a, b, c));
  t.is(changes.next(set(a, d), 100, 99), null);
  t.deepEqual(changes.next(set(a, d), 100, 100), set(a, d));
  t.deepEqual(changes.required, set(a, b, c, d));
  changes.configure(1, set(a, b));
  t.deepEqual(changes.required, set(a, b, c, d), 'the same version changes nothing');
  changes.configure(2, set(a, d));
  t.deepEqual(changes.required, set(a, d));
  t.false(changes.isPending);
});

test('another filling of the same node is another member', (t) => {
  const changes = new InSyncChanges();
  const again = { node: 'b', boot: 1, generation: 1 };
  changes.configure(1, set(a, b));
  changes.ask(set(a, again), 0);
  t.deepEqual(changes.required, set(a, b, again));
  t.false(isSameSet(set(a, b), set(a, again)));
});

test('after too many different sets everything is called off', (t) => {
  const changes = new InSyncChanges();
  changes.configure(1, set(a));
  for (const other of [b, c, d, e]) changes.ask(set(a, other), 0);
  t.deepEqual(changes.ask(set(a, f), 0), set(a));
  t.false(changes.required.some(({ node }) => node === 'f'));
  t.deepEqual(changes.ask(set(a, b), 0), set(a, b), 'one that was asked for may be again');
});
