import test from 'ava';
import { HandOver } from '../../../../src/cluster/replication/hand-over.ts';
import { defaultReplicationOptions } from '../../../../src/cluster/replication/replication-options.ts';

const options = {
  ...defaultReplicationOptions,
  handOverMs: 300,
  handOverBackOffMs: 2000,
  handOverCancelMs: 1000,
  proposeAgainMs: 200,
};

test('it stops for a while at most, and tries again later', (t) => {
  const handOver = new HandOver(options, 0);
  t.true(handOver.isIdle);
  t.is(handOver.wakeAtMs, Number.POSITIVE_INFINITY);
  handOver.stop('b', 100);
  t.deepEqual(handOver.state, { phase: 'stopping', to: 'b', untilMs: 400 });
  t.is(handOver.wakeAtMs, 400);
  handOver.giveUp(400);
  t.deepEqual(handOver.state, { phase: 'idle', notBeforeMs: 2400 });
});

test('what was proposed is repeated, and called off after a while, but never taken back by itself', (t) => {
  const handOver = new HandOver(options, 0);
  handOver.propose('b', 100);
  t.false(handOver.isRepeatDue(299));
  t.true(handOver.isRepeatDue(300));
  t.false(handOver.isRepeatDue(300), 'once');
  t.is(handOver.wakeAtMs, 500);
  t.false(handOver.isCancelDue(1099));
  t.true(handOver.isCancelDue(1100));
  t.is(handOver.state.phase, 'proposed');
});
