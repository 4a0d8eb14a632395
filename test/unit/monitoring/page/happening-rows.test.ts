import test from 'ava';
import { happeningRows } from '../../../../src/monitoring/dashboard/page/happening-rows.js';
import { cannedEvents } from '../../../browser/canned-events.ts';

test('losses of nodes stand among what else happened, by time, with what became of their partitions', (t) => {
  const { happenings, failovers } = cannedEvents(1_700_000_000_000);
  const rows = happeningRows(happenings, failovers);
  t.is(rows.length, happenings.length + failovers.length);
  t.true(rows.every(({ atMs }, at) => at === 0 || atMs <= (rows[at - 1]?.atMs ?? 0)));
  const [n3, n2] = rows.filter(({ kind }) => kind === 'lost');
  t.is(n3?.text, 'n3 was lost; other nodes took over 43 partitions, served again after 1.24 s');
  t.is(
    n2?.text,
    'n2 was lost; other nodes took over 1 partition, served again after 1.46 s; 2 partitions had no other copy',
  );
});

test('a node that is only suspected is not told as lost', (t) => {
  const [failover] = cannedEvents().failovers;
  t.deepEqual(failover && happeningRows([], [{ ...failover, fencedAtMs: null }]), []);
});
