import test from 'ava';
import fc from 'fast-check';
import { RetryDesk } from '../../../src/server/cluster/retry-desk.ts';

const PARTITIONS = 4;

interface Drawn {
  readonly partitions: readonly number[];
  readonly deadlineMs: number;
}

const drawn = fc.record({
  partitions: fc.uniqueArray(fc.nat(PARTITIONS - 1), { minLength: 1, maxLength: 3 }),
  deadlineMs: fc.integer({ min: 1, max: 20 }),
});
const step = fc.oneof(
  fc.record({ add: drawn, shuffled: fc.boolean() }),
  fc.record({ open: fc.uniqueArray(fc.nat(PARTITIONS - 1)), isRefused: fc.boolean() }),
);

test('what waits is sent in its order, per partition, once, or given up when its time is over', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const waiting = new Int32Array(PARTITIONS);
      const desk = new RetryDesk(waiting);
      const ended = new Map<number, string>();
      const sent: number[][] = Array.from({ length: PARTITIONS }, () => []);
      const all = new Map<number, Drawn>();
      let nowMs = 0;
      let next = 0;
      let late: number[] = [];
      const add = (order: number, isRefusedOnce: boolean): void => {
        const command = all.get(order) as Drawn;
        desk.add({
          order,
          partitions: command.partitions,
          deadlineMs: command.deadlineMs,
          bytes: 10,
          send: () => {
            if (isRefusedOnce) {
              // As when the target refuses it at once: it waits again, at its former place.
              add(order, false);
              return;
            }
            if (ended.has(order)) throw new Error('it is sent or given up once');
            ended.set(order, 'sent');
            for (const partition of command.partitions) sent[partition]?.push(order);
          },
          giveUp: () => {
            if (ended.has(order)) throw new Error('it is sent or given up once');
            if (nowMs < command.deadlineMs) throw new Error('it has time left');
            ended.set(order, 'given up');
          },
        });
      };
      for (const happened of steps) {
        if ('add' in happened) {
          all.set(next, happened.add);
          // One that was under way comes back behind later ones.
          if (happened.shuffled) late.push(next);
          else {
            for (const order of late) add(order, false);
            late = [];
            add(next, false);
          }
          next++;
          continue;
        }
        for (const order of late) add(order, happened.isRefused);
        late = [];
        nowMs++;
        desk.look(nowMs, ({ partitions }) => partitions.every((partition) => happened.open.includes(partition)), false);
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const left = [...all].filter(
            ([order, { partitions }]) => !ended.has(order) && partitions.includes(partition),
          );
          t.is(waiting[partition], left.length);
        }
      }
      for (const order of late) add(order, false);
      nowMs = 21;
      desk.look(nowMs, () => false, false);
      t.is(desk.count, 0);
      t.is(desk.bytes, 0);
      t.is(ended.size, all.size);
      for (const orders of sent)
        t.deepEqual(
          orders,
          orders.toSorted((left, right) => left - right),
        );
    }),
    { numRuns: 200 },
  );
});

test('the others are sent, or wait on, when one that is sent throws', (t) => {
  const waiting = new Int32Array(2);
  const desk = new RetryDesk(waiting);
  const sent: number[] = [];
  for (let order = 0; order < 3; order++) {
    desk.add({
      order,
      partitions: [order % 2],
      deadlineMs: 10,
      bytes: 1,
      send: () => {
        if (order === 0) throw new Error('broken');
        sent.push(order);
      },
      giveUp: () => t.fail(),
    });
  }
  t.throws(() => desk.look(0, () => true, false), { message: 'broken' });
  t.is(desk.count, 2);
  t.deepEqual([...waiting], [1, 1]);
  desk.look(0, () => true, false);
  t.deepEqual(sent, [1, 2]);
  t.true(desk.hasRoom(1));
});
