import test from 'ava';
import { assembleFailovers } from '../../../../src/monitoring/cluster-timeline/assemble-failovers.ts';
import { lost, noted } from './scripted-notes.ts';

/** n1 was killed at 1000; n2 and n3 each took some of what it had. */
const killed = [
  noted('n2', [
    lost(1, 3000, { suspectedAtMs: 1004 }),
    { kind: 'took', lost: 1, partitions: 2, firstAtMs: 3002, seq: 2, atMs: 3004 },
    { kind: 'served', lost: 1, partitions: 2, seq: 3, atMs: 3010 },
    { kind: 'first-write', lost: 1, seq: 4, atMs: 3050 },
  ]),
  noted('n3', [
    lost(7, 3003, { suspectedAtMs: 1001 }),
    { kind: 'took', lost: 7, partitions: 1, firstAtMs: 3005, seq: 8, atMs: 3005 },
    { kind: 'served', lost: 7, partitions: 1, seq: 9, atMs: 3040 },
    { kind: 'first-write', lost: 7, seq: 10, atMs: 3020 },
  ]),
];

const whole = {
  node: 'n1',
  suspectedAtMs: 1001,
  fencedAtMs: 3000,
  promotedAtMs: 3002,
  promotedLastAtMs: 3005,
  firstWriteAtMs: 3020,
  endedAtMs: 3040,
  partitions: 3,
  lostPartitions: 0,
  keysLost: 0,
  takenBy: { n2: 2, n3: 1 },
};

test('a failover is put together from what all have noted: of each moment the earliest, at the end the last', (t) => {
  t.deepEqual(assembleFailovers(killed), [whole]);
  t.deepEqual(assembleFailovers([...killed].reverse()), [whole], 'whoever is asked');
});

test('what nobody who is there has noted is not known', (t) => {
  t.deepEqual(assembleFailovers([]), []);
  const [second, third] = killed;
  const third3 = { ...whole, suspectedAtMs: 1001, fencedAtMs: 3003, promotedAtMs: 3005, endedAtMs: null };
  t.deepEqual(assembleFailovers([third ?? noted('n3', [])]), [third3]);
  t.deepEqual(assembleFailovers([{ ...(second ?? noted('n2', [])), notes: second?.notes.slice(0, 1) ?? [] }]), [
    {
      ...whole,
      suspectedAtMs: 1004,
      promotedAtMs: null,
      promotedLastAtMs: null,
      firstWriteAtMs: null,
      endedAtMs: null,
    },
  ]);
});

test('a node that lagged does not say what became of partitions it did not see one after the other', (t) => {
  const early = noted('n4', [lost(1, 2990, { partitions: 4, unproven: 1, takenBy: [['n2', 4]] })]);
  t.deepEqual(assembleFailovers([early, ...killed]), [{ ...whole, fencedAtMs: 2990 }]);
  t.is(assembleFailovers([early])[0]?.keysLost, null, 'it alone cannot say that nothing was lost');
});

test('two losses of the same start of a node are told apart by the reigns that ended', (t) => {
  const second = [
    noted('n2', [lost(1, 3000), lost(5, 4000, { marks: [[0, 4]], partitions: 1, takenBy: [['n3', 1]] })]),
    noted('n3', [lost(2, 3001), lost(3, 4001, { marks: [[0, 4]], partitions: 1, takenBy: [['n3', 1]] })]),
    // Its clock is a minute late.
    noted('n4', [lost(2, 63_001), lost(3, 64_001, { marks: [[0, 4]], partitions: 1, takenBy: [['n3', 1]] })]),
  ];
  t.deepEqual(
    assembleFailovers(second).map(({ fencedAtMs, partitions }) => [fencedAtMs, partitions]),
    [
      [4000, 1],
      [3000, 3],
    ],
  );
});

test('a node that was primary of nothing is lost and that is all', (t) => {
  const idle = { marks: [], partitions: 0, takenBy: [] } as const;
  const all = [noted('n2', [lost(1, 3000, idle)]), noted('n3', [lost(1, 3900, idle), lost(2, 30_000, idle)])];
  const failovers = assembleFailovers(all);
  t.is(failovers.length, 2);
  t.like(failovers[1], { fencedAtMs: 3000, promotedAtMs: null, endedAtMs: 3000, partitions: 0, keysLost: 0 });
});

test('what had its only copy in sync there is lost, unless it comes back with it', (t) => {
  const loss = lost(1, 3000, { partitions: 0, offline: 3, takenBy: [] });
  t.like(assembleFailovers([noted('n2', [loss])])[0], { lostPartitions: 3, keysLost: null, endedAtMs: null });
  const back = (empty: number) =>
    noted('n2', [loss, { kind: 'regained', lost: 1, partitions: 3, empty, seq: 2, atMs: 8000 }]);
  t.like(assembleFailovers([back(0)])[0], { lostPartitions: 3, keysLost: 0, endedAtMs: 8000 });
  t.like(assembleFailovers([back(1)])[0], { lostPartitions: 3, keysLost: null, endedAtMs: 8000 });
  const begun = lost(1, 3000, { partitions: 3, reset: 3 });
  t.like(assembleFailovers([noted('n2', [begun])])[0], { partitions: 3, lostPartitions: 3, keysLost: null });
});

test('a node that is suspected is told of at once, and no more once others reach it', (t) => {
  const suspicion = { node: 'n1', boot: 1, sinceMs: 1004 };
  const all = [noted('n2', [], [suspicion]), noted('n3', [], [{ ...suspicion, sinceMs: 1001 }])];
  t.like(assembleFailovers(all), [{ node: 'n1', suspectedAtMs: 1001, fencedAtMs: null, keysLost: null }]);
  t.deepEqual(assembleFailovers([noted('n2', []), noted('n3', [])]), []);
  const lagging = noted('n4', [], [suspicion]);
  t.deepEqual(assembleFailovers([...killed, lagging]), [whole], 'it is known to be lost by now');
  const again = noted('n4', [], [{ ...suspicion, sinceMs: 9000 }]);
  t.deepEqual(
    assembleFailovers([...killed, again]).map(({ suspectedAtMs, endedAtMs }) => [suspectedAtMs, endedAtMs]),
    [
      [9000, null],
      [1001, 3040],
    ],
  );
});

test('the latest fifty are told, the latest first', (t) => {
  const notes = Array.from({ length: 60 }, (_, index) => lost(index + 1, 1000 * index, { marks: [[0, index]] }));
  const failovers = assembleFailovers([noted('n2', notes)]);
  t.is(failovers.length, 50);
  t.is(failovers[0]?.fencedAtMs, 59_000);
  t.is(failovers.at(-1)?.fencedAtMs, 10_000);
});
