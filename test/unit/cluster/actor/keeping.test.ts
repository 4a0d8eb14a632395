import test from 'ava';
import { type Keeping, keepingFault, keepingOf, validClaims } from '../../../../src/cluster/actor/keeping.ts';

const began: Keeping = { since: 2, wholeSince: 2, outlives: 'process', machine: 'm1', hasEnded: false };
const claim = { partition: 3, since: 1, generation: 0, filledInEpoch: 1, wholeSince: 1 };

test('nothing is missing of a start that ended in order, or with its process alone, or whose disk was waited for', (t) => {
  const whole = { since: 2, wholeSince: 2, outlives: 'process', machine: 'm1', hasEnded: false } as const;
  t.deepEqual(keepingOf(began, 'process', 3, 'm1'), whole);
  t.is(keepingOf({ ...began, hasEnded: true }, 'process', 3, 'm2')?.wholeSince, 2);
  t.is(keepingOf({ ...began, outlives: 'machine' }, 'process', 3, 'm2')?.wholeSince, 2);
});

test('some of it may be missing when the machine has stopped, or nobody waited; a later start does not make up for that', (t) => {
  const after = keepingOf(began, 'machine', 3, 'm2');
  t.is(after?.wholeSince, 3);
  t.is(keepingOf(after, 'machine', 4, 'm2')?.wholeSince, 3);
  t.is(keepingOf({ ...began, outlives: 'nothing' }, 'machine', 3, 'm1')?.wholeSince, 3);
  t.is(keepingOf({ ...began, machine: '' }, 'process', 3, '')?.wholeSince, 3);
});

test('after a start that kept nothing only what is confirmed from then on counts', (t) => {
  t.is(keepingOf(began, null, 3, 'm1'), null);
  const again = keepingOf(null, 'machine', 4, 'm1');
  t.like(again, { since: 4, wholeSince: 4 });
  t.deepEqual(validClaims([claim], again as Keeping), [{ ...claim, since: 4, wholeSince: 4 }]);
  t.deepEqual(validClaims([claim], { ...began, since: 1, wholeSince: 1 }), [claim]);
});

test('what a file holds is checked', (t) => {
  t.is(keepingFault(null), null);
  t.is(keepingFault(began), null);
  for (const fault of [{ since: '1' }, { outlives: 'all' }, { machine: 1 }, { hasEnded: 0 }]) {
    t.is(typeof keepingFault({ ...began, ...fault }), 'string');
  }
});
