import test from 'ava';
import { defaultReplicationOptions } from '../../../../src/cluster/replication/replication-options.ts';
import { SnapshotSender } from '../../../../src/cluster/replication/snapshot-sender.ts';

const options = { ...defaultReplicationOptions, resendMs: 150, snapshotStallMs: 2000 };
const chunk = (atSeq: number, next: number | null) => ({ atSeq, atEpoch: 1, entries: [], next });

test('pieces are read and sent by turns, and the last one ends it', (t) => {
  const sender = new SnapshotSender(1, options, 0);
  t.true(sender.isBeforeFirst);
  sender.read(chunk(5, 7), 10);
  t.throws(() => sender.read(chunk(5, 7), 10), { message: /one piece/ });
  t.is(sender.taken(20), 7);
  t.false(sender.isBeforeFirst);
  t.false(sender.isDone);
  sender.read(chunk(9, null), 30);
  t.is(sender.taken(40), null);
  t.true(sender.isDone);
});

test('no records pass a piece on its way; while one is read they flow', (t) => {
  const sender = new SnapshotSender(1, options, 0);
  t.is(sender.recordsTo, Number.POSITIVE_INFINITY);
  sender.read(chunk(5, 7), 0);
  t.is(sender.recordsTo, 5);
  sender.taken(0);
  t.is(sender.recordsTo, Number.POSITIVE_INFINITY);
});

test('a piece is sent again when nothing is heard, and all is given up when that goes on', (t) => {
  const sender = new SnapshotSender(1, options, 0);
  t.false(sender.isSendDue(0), 'there is none yet');
  sender.read(chunk(5, 7), 100);
  t.true(sender.isSendDue(100));
  sender.sent(100);
  t.false(sender.isSendDue(249));
  t.true(sender.isSendDue(250));
  t.is(sender.sendAtMs, 250);
  t.false(sender.isStalled(2099));
  t.true(sender.isStalled(2100));
});
