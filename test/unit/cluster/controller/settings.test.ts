import test from 'ava';
import type { ClusterSettings } from '../../../../src/cluster/controller/cluster-state.ts';
import { validateSettings } from '../../../../src/cluster/controller/settings.ts';

function judged(changed: Partial<ClusterSettings>, nodeCount = 3) {
  return validateSettings(
    { partitions: 64, leaseMs: 700, copies: 3, minInSync: 2, onLoss: 'offline', ...changed },
    nodeCount,
  );
}

test('three copies of which two must be in sync, on three nodes, lack nothing', (t) => {
  t.deepEqual(judged({}), { refusal: null, warnings: [] });
});

test('values out of their range are refused with the value and what is allowed', (t) => {
  t.is(judged({ partitions: 0 }).refusal, 'partitions is 0; allowed are whole numbers from 1 to 16384');
  t.regex(judged({ partitions: 16_385 }).refusal ?? '', /partitions is 16385/);
  t.regex(judged({ partitions: 1.5 }).refusal ?? '', /partitions is 1.5/);
  t.regex(judged({ partitions: Number.NaN }).refusal ?? '', /partitions is NaN/);
  t.is(judged({ leaseMs: 99 }).refusal, 'leaseMs is 99; allowed are whole numbers of milliseconds from 100 to 60000');
  t.regex(judged({ leaseMs: 60_001 }).refusal ?? '', /leaseMs is 60001/);
  t.is(judged({ copies: 0 }).refusal, 'copies is 0; allowed are whole numbers from 1 to 7');
  t.regex(judged({ copies: 8 }).refusal ?? '', /copies is 8/);
  t.is(judged({ minInSync: 0 }).refusal, 'minInSync is 0; allowed are whole numbers from 1 to copies, which is 3');
  t.regex(judged({ onLoss: 'panic' as 'reset' }).refusal ?? '', /'panic'; allowed are 'offline' and 'reset'/);
});

test('a minInSync above copies is refused, naming both and what is allowed', (t) => {
  t.is(
    judged({ copies: 2, minInSync: 3 }).refusal,
    'minInSync is 3 but copies is 2, so no write could ever be acknowledged; allowed are 1 to 2',
  );
});

test('more copies than nodes are allowed, and said to be fewer', (t) => {
  const { refusal, warnings } = judged({}, 2);
  t.is(refusal, null);
  t.deepEqual(warnings, ['with 2 nodes a partition has 2 of the 3 copies asked for: add nodes, or lower copies']);
});

test('fewer nodes than minInSync are allowed, and said to refuse writes', (t) => {
  const { refusal, warnings } = judged({}, 1);
  t.is(refusal, null);
  t.regex(warnings[0] ?? '', /^with 1 node no partition can have the 2 copies in sync .* every write is refused/);
});

test('settings that risk a loss or a standstill are warned about', (t) => {
  t.regex(judged({ minInSync: 1 }).warnings[0] ?? '', /acknowledged even when a single node holds it/);
  t.regex(judged({ minInSync: 3 }).warnings[0] ?? '', /loss of any node stops writes/);
  t.deepEqual(judged({ copies: 1, minInSync: 1 }).warnings, []);
});
