import test from 'ava';
import { Follower } from '../../../../src/cluster/replication/follower.ts';
import { defaultReplicationOptions } from '../../../../src/cluster/replication/replication-options.ts';

const options = { ...defaultReplicationOptions, inFlightMax: 2, resendMs: 150, shrinkAfterMs: 500 };
const first = { node: 'b', boot: 1, generation: 0 };
const second = { node: 'b', boot: 1, generation: 1 };

/** Known as `first`, streaming from record 11 on. */
function streaming(): Follower {
  const follower = new Follower('b', 10, options, 0);
  follower.meet(first, 0);
  follower.acknowledged(10, 10, 0);
  return follower;
}

test('a follower nobody has heard of is asked one thing at a time', (t) => {
  const follower = new Follower('b', 10, options, 0);
  t.is(follower.next, 11);
  t.true(follower.canTakeRecords);
  follower.sent(10, 0);
  t.false(follower.canTakeRecords);
  t.is(follower.ackedAs(first), -1);
  follower.rewindIfOverdue(150);
  t.true(follower.canTakeRecords);
});

test('records stream until so many messages are unconfirmed', (t) => {
  const follower = streaming();
  follower.sent(12, 0);
  follower.sent(15, 0);
  t.false(follower.canTakeRecords);
  follower.acknowledged(13, 15, 10);
  t.true(follower.canTakeRecords);
  t.is(follower.next, 16);
});

test('what is not confirmed in time is asked for again, from where it was', (t) => {
  const follower = streaming();
  follower.sent(12, 0);
  follower.rewindIfOverdue(149);
  t.is(follower.next, 13);
  follower.rewindIfOverdue(150);
  t.is(follower.next, 11);
  t.true(follower.isProbing);
});

test('the highest confirmation counts, whenever it comes', (t) => {
  const follower = streaming();
  follower.acknowledged(14, 20, 0);
  follower.acknowledged(12, 20, 0);
  t.is(follower.ackedAs(first), 14);
});

test('a later copy makes the earlier one forgotten, and an earlier one is ignored', (t) => {
  const follower = streaming();
  t.true(follower.meet(second, 0));
  t.true(follower.hasReplaced(first));
  t.is(follower.ackedAs(first), -1);
  t.is(follower.ackedAs(second), -1);
  follower.acknowledged(3, 10, 0);
  t.false(follower.meet(first, 0));
  t.is(follower.ackedAs(second), 3);
  t.false(follower.meet({ node: 'b', boot: 0, generation: 9 }, 0));
  t.true(follower.meet({ node: 'b', boot: 2, generation: 0 }, 0));
});

test('it is up to date as of when it was told what it has confirmed by now', (t) => {
  const follower = streaming();
  follower.acknowledged(10, 20, 100);
  follower.acknowledged(15, 30, 200);
  t.is(follower.caughtUpMs, 0, 'of the 20 that there were at 100 it has 15');
  follower.acknowledged(20, 40, 300);
  t.is(follower.caughtUpMs, 100);
  follower.acknowledged(40, 40, 350);
  t.is(follower.caughtUpMs, 350);
});

test('who is doubted starts from nothing, and for a while if its copy may be gone', (t) => {
  const follower = streaming();
  follower.cleaned(1);
  follower.doubt(second, false, 100);
  t.true(follower.isClean, 'another copy is meant');
  follower.doubt(first, true, 100);
  t.false(follower.isClean);
  t.is(follower.acked, -1);
  t.false(follower.isDoubted(101));
  follower.doubt(first, false, 100);
  t.true(follower.isDoubted(1099));
  t.false(follower.isDoubted(1100));
  follower.doubt(first, false, 2000);
  follower.meet(second, 2001);
  t.false(follower.isDoubted(2001));
});

test('silence is forgiven for as long as the primary slept', (t) => {
  const follower = streaming();
  t.true(follower.isSilent(500));
  follower.excuse(400);
  t.false(follower.isSilent(500));
});
