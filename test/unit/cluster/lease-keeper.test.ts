import test from 'ava';
import { LeaseKeeper } from '../../../src/cluster/lease-keeper.ts';

test('a node that was never answered has no lease', (t) => {
  t.is(new LeaseKeeper(() => 700).endsAtMs, Number.NEGATIVE_INFINITY);
});

test('a lease counts from when the heartbeat was sent, not from when it was answered', (t) => {
  const lease = new LeaseKeeper(() => 700);
  lease.offer(1000, 5, 5);
  t.is(lease.endsAtMs, 1700);
});

test('an answer counts only once its index is applied', (t) => {
  const lease = new LeaseKeeper(() => 700);
  lease.offer(1000, 6, 5);
  t.is(lease.endsAtMs, Number.NEGATIVE_INFINITY);
  lease.applied(6);
  t.is(lease.endsAtMs, 1700);
});

test('an answer that comes late takes nothing from a newer one', (t) => {
  const lease = new LeaseKeeper(() => 700);
  lease.offer(1200, 5, 5);
  lease.offer(1000, 5, 5);
  t.is(lease.endsAtMs, 1900);
});

test('of the answers that wait for their index, each counts when its own is applied', (t) => {
  const lease = new LeaseKeeper(() => 700);
  lease.offer(1000, 6, 5);
  lease.offer(1150, 8, 5);
  lease.applied(7);
  t.is(lease.endsAtMs, 1700);
  lease.applied(8);
  t.is(lease.endsAtMs, 1850);
});

test('before the cluster is created no answer gives a lease, and how long it lasts is known with the creation', (t) => {
  let leaseMs: number | null = null;
  const lease = new LeaseKeeper(() => leaseMs);
  lease.offer(1000, 5, 5);
  lease.offer(1100, 6, 5);
  t.is(lease.endsAtMs, Number.NEGATIVE_INFINITY);
  leaseMs = 300;
  lease.applied(6);
  t.is(lease.endsAtMs, 1400);
});
