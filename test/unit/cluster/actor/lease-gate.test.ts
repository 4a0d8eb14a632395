import test from 'ava';
import { LeaseGate } from '../../../../src/cluster/actor/lease-gate.ts';
import { after, fence, register, running } from '../controller/configuration.ts';

function gateOf(self: string) {
  const published: number[] = [];
  /** Changes that were sent, and taken in. */
  const shards = { sent: 10, taken: 10 };
  const gate = new LeaseGate(
    self,
    { setLease: (endsAtMs) => published.push(endsAtMs) },
    {
      get nextChange() {
        return [shards.sent + 1];
      },
      haveTaken: ([change = 0]) => shards.taken >= change,
    },
  );
  const changed = (...states: Parameters<LeaseGate['changed']>): void => {
    gate.changed(...states);
    shards.sent++;
  };
  return { gate, published, shards, changed };
}

test('a lease is published as it is renewed, and each only once', (t) => {
  const { gate, published } = gateOf('a');
  gate.update(700, 0);
  gate.update(700, 100);
  gate.update(850, 150);
  t.deepEqual(published, [Number.NEGATIVE_INFINITY, 700, 850]);
});

test('after this node lost a primary none is published until the shards know of it', (t) => {
  const { gate, published, shards, changed } = gateOf('a');
  const state = running('a', 'b');
  gate.update(700, 0);
  changed(state, after(state, fence('a')));
  gate.update(1400, 800);
  t.deepEqual(published.slice(1), [700]);
  shards.taken = shards.sent;
  gate.update(1400, 801);
  t.deepEqual(published.slice(1), [700, 1400]);
});

test('changes that follow the one that took a primary are not waited for', (t) => {
  const { gate, published, shards, changed } = gateOf('a');
  const state = running('a', 'b');
  const fenced = after(state, fence('a'));
  changed(state, fenced);
  for (let time = 100; time < 2000; time += 100) {
    // The shards are always one behind.
    changed(fenced, fenced);
    gate.update(700 + time, time);
    shards.taken = shards.sent - 1;
  }
  t.deepEqual(published.slice(1, 3), [900, 1000]);
});

test('changes that take nothing from this node wait for no shard', (t) => {
  const { gate, published, changed } = gateOf('a');
  const state = running('a', 'b');
  changed(state, after(state, fence('b')));
  changed(state, after(state, register('c')));
  gate.update(700, 0);
  t.deepEqual(published.slice(1), [700]);
});

test('a primary that came back in a later epoch counts as lost until the shards know of it', (t) => {
  const { gate, published, shards, changed } = gateOf('a');
  const state = running('a', 'b');
  const own = state.partitions.findIndex(({ primary }) => primary === 'a');
  const partitions = state.partitions.map((entry, partition) =>
    partition === own ? { ...entry, epoch: entry.epoch + 2, version: entry.version + 2 } : entry,
  );
  changed(state, { ...state, partitions });
  gate.update(700, 0);
  t.deepEqual(published.slice(1), []);
  shards.taken = shards.sent;
  gate.update(700, 1);
  t.deepEqual(published.slice(1), [700]);
});

test('a lease that has long been over is taken down', (t) => {
  const { gate, published } = gateOf('a');
  gate.update(700, 0);
  gate.update(700, 60_000);
  gate.update(700, 61_000);
  gate.update(700, 99_000);
  t.deepEqual(published.slice(1), [700, Number.NEGATIVE_INFINITY]);
  gate.update(99_700, 99_000);
  t.is(published.at(-1), 99_700);
});
