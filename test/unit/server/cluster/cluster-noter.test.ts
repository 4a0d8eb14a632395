import test from 'ava';
import { monotonicMs } from '../../../../src/base/monotonic.ts';
import type { ClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { ReignStage } from '../../../../src/cluster/partition-gates.ts';
import type { ClusterNote } from '../../../../src/server/cluster/cluster-note.ts';
import { ClusterNoter, NOTES_MAX } from '../../../../src/server/cluster/cluster-noter.ts';
import { FakeClusterView, linkTo } from '../../../fake-cluster-view.ts';
import {
  after,
  alter,
  drain,
  entryOf,
  fence,
  handOver,
  member,
  register,
  reset,
  stop,
  unfence,
} from '../../cluster/controller/configuration.ts';
import { viewOf } from './cluster-stories.ts';

const START_MS = 1_700_000_000_000;

/** Partitions 0 and 1 are a's, both with a copy on b; 2 is b's, 3 is c's, each with the copies on both others. */
function watched(self = 'b') {
  const view = viewOf(
    self,
    ['a', 'b', 'c'],
    [
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['b', 'c'],
      ['c', 'a', 'b'],
    ],
  );
  const noter = new ClusterNoter(view);
  const become = (atMs: number, ...steps: Parameters<typeof after>[1][]): void =>
    view.become(after(view.state, ...steps), START_MS + atMs);
  return { view, noter, become };
}

function kinds(notes: readonly ClusterNote[]): string[] {
  return notes.map(({ kind }) => kind);
}

/** What the shards of the node say when they have come so far. */
function reach(view: FakeClusterView, partition: number, stage: ReignStage): void {
  view.gates.setStage(partition, stage, monotonicMs());
}

test('a node that is fenced is noted as lost, with who took over and since when it was not reached', (t) => {
  const { view, noter, become } = watched();
  view.tell({ atMs: START_MS, links: [linkTo('a', { isConnected: false, lostAtMs: START_MS + 10, lostBoot: 1 })] });
  t.deepEqual(noter.suspicions(), [{ node: 'a', boot: 1, sinceMs: START_MS + 10 }]);
  become(2000, fence('a'));
  t.deepEqual(noter.after(0), [
    {
      kind: 'lost',
      node: 'a',
      boot: 1,
      marks: [
        [0, 1],
        [1, 1],
      ],
      suspectedAtMs: START_MS + 10,
      partitions: 2,
      offline: 0,
      reset: 0,
      unproven: 0,
      takenBy: [['b', 2]],
      seq: 1,
      atMs: START_MS + 2000,
    },
  ]);
  t.deepEqual(noter.suspicions(), [], 'it is known to be lost');
});

test('a node that says nothing is suspected, though it is connected; one that another start has replaced is not', (t) => {
  const { view, noter } = watched();
  view.tell({
    atMs: START_MS + 5000,
    links: [linkTo('a', { heardAtMs: START_MS + 4500 }), linkTo('c', { heardAtMs: START_MS })],
  });
  t.deepEqual(noter.suspicions(), [{ node: 'c', boot: 1, sinceMs: START_MS + 900 }]);
  view.tell({ links: [linkTo('a', { isConnected: false, lostAtMs: START_MS, lostBoot: 0, heardAtMs: START_MS })] });
  t.deepEqual(noter.suspicions(), []);
});

test('what this node took over is noted when it takes writes, when it is read, and at the first write', (t) => {
  const { view, noter } = watched();
  view.tell({ atMs: START_MS, links: [linkTo('a', { isConnected: false, lostAtMs: Date.now() - 500, lostBoot: 1 })] });
  view.become(after(view.state, fence('a')));
  const epoch = entryOf(view.state, 0).epoch;
  const told = (): string[] => {
    view.tell({});
    return kinds(noter.after(1));
  };
  view.gates.beginReign(0, epoch, 0);
  reach(view, 0, ReignStage.begun);
  t.deepEqual(told(), [], 'one of two');
  view.gates.beginReign(1, epoch, 0);
  reach(view, 1, ReignStage.begun);
  t.deepEqual(told(), ['took']);
  reach(view, 0, ReignStage.opened);
  reach(view, 0, ReignStage.written);
  t.deepEqual(told(), ['took', 'first-write']);
  t.is(noter.lastTakeoverMs, null);
  reach(view, 1, ReignStage.opened);
  t.deepEqual(told(), ['took', 'first-write', 'served']);
  reach(view, 1, ReignStage.written);
  t.deepEqual(told(), ['took', 'first-write', 'served'], 'the first alone');
  for (const note of noter.after(1)) {
    t.true('lost' in note && note.lost === 1);
    t.true(note.atMs >= (noter.after(0)[0]?.atMs ?? 0) && note.atMs <= Date.now() + 1);
  }
  t.like(noter.after(1)[0], { partitions: 2 });
  const lastMs = noter.lastTakeoverMs ?? 0;
  t.true(lastMs >= 499 && lastMs < 60_000, `${lastMs}`);
});

test('of what moved on before it was served nobody waits', (t) => {
  const { view, noter } = watched();
  view.become(after(view.state, fence('a')));
  const { epoch } = entryOf(view.state, 0);
  view.gates.beginReign(0, epoch, 0);
  reach(view, 0, ReignStage.begun);
  reach(view, 0, ReignStage.opened);
  view.tell({});
  t.deepEqual(kinds(noter.after(1)), []);
  view.become(after(view.state, (state) => handOver(state, 1, 'c')));
  view.tell({});
  t.deepEqual(kinds(noter.after(1)), ['took', 'served']);
  t.like(noter.after(2)[0], { kind: 'served', partitions: 1 });
});

test('partitions whose only copy was lost are noted as offline, and as regained with how many are empty', (t) => {
  const { noter, become } = watched('c');
  become(
    0,
    (state) => alter(state, 0, member('a')),
    (state) => alter(state, 1, member('a')),
  );
  become(1000, fence('a'));
  t.deepEqual(kinds(noter.after(0)), ['lost', 'offline']);
  t.like(noter.after(0)[0], { partitions: 0, offline: 2, takenBy: [] });
  t.like(noter.after(0)[1], { node: 'a', partitions: 2 });
  become(2000, (state) => reset(state, 0, true));
  t.deepEqual(kinds(noter.after(2)), ['reset']);
  become(3000, unfence('a'));
  t.deepEqual(kinds(noter.after(3)), ['back', 'online', 'regained']);
  t.like(noter.after(5)[0], { kind: 'regained', lost: 1, partitions: 2, empty: 1, atMs: START_MS + 3000 });
});

test('a node that ends in order is not lost: what it was primary of until the end, it handed over', (t) => {
  const { view, noter, become } = watched();
  become(0, stop('c', false));
  become(1, (state) => handOver(state, 3, 'b'));
  become(500, stop('c', true));
  t.deepEqual(kinds(noter.after(0)), []);
  view.tell({});
  t.deepEqual(noter.after(0), [{ kind: 'handed-over', node: 'c', partitions: 1, seq: 1, atMs: START_MS + 1 }]);
  become(600, stop('a', true));
  view.tell({});
  t.like(noter.after(1), [{ kind: 'handed-over', node: 'a', partitions: 2 }]);
});

test('a node that ends in order with only copies is lost with them', (t) => {
  const { noter, become } = watched();
  become(0, (state) => alter(state, 0, member('a')));
  become(600, stop('a', true));
  t.like(noter.after(0)[0], { kind: 'lost', node: 'a', partitions: 0, offline: 1 });
});

test('partitions that were handed over one after the other are told of together', (t) => {
  const { view, noter } = watched();
  view.become(after(view.state, (state) => handOver(state, 0, 'b')));
  view.tell({});
  t.deepEqual(noter.after(0), [], 'another may follow');
  view.become(
    after(view.state, (state) => handOver(state, 1, 'b')),
    Date.now() - 1000,
  );
  view.tell({});
  t.like(noter.after(0), [{ kind: 'handed-over', node: 'a', partitions: 2 }]);
  view.become(after(view.state, (state) => handOver(state, 0, 'a')));
  view.tell({});
  t.is(noter.last, 1, 'whoever takes it tells');
});

test('a node that starts again before it was fenced is lost and restarted; its former start was the one not reached', (t) => {
  const { view, noter, become } = watched();
  view.tell({ links: [linkTo('a', { lostAtMs: START_MS + 5, lostBoot: 1 })] });
  become(1500, register('a', 2));
  t.deepEqual(kinds(noter.after(0)), ['lost', 'restarted']);
  t.like(noter.after(0)[0], { node: 'a', boot: 1, suspectedAtMs: START_MS + 5 });
  t.like(noter.after(0)[1], { node: 'a', boot: 2 });
});

test('who joins, is drained, leaves, leads, and what is set is noted', (t) => {
  const { view, noter, become } = watched();
  view.tell({ atMs: START_MS, leader: 'a', term: 3 });
  t.is(noter.last, 0, 'who led already is no news');
  become(0, register('d', 7));
  become(1, drain('d', true, 7));
  become(2, { type: 'remove', node: 'd' });
  view.tell({ atMs: START_MS + 3, leader: null, term: 4 });
  view.tell({ atMs: START_MS + 4, leader: 'a', term: 4 });
  view.tell({ atMs: START_MS + 5, leader: 'c', term: 5 });
  become(6, { type: 'set-settings', copies: 2, minInSync: 2, onLoss: 'reset' });
  noter.shardDied(1, 2);
  t.like(noter.after(0), [
    { kind: 'joined', node: 'd', boot: 7, atMs: START_MS },
    { kind: 'drained', node: 'd', isDraining: true, isLeaving: false },
    { kind: 'left', node: 'd', boot: 7 },
    { kind: 'leader', node: 'c', term: 5, atMs: START_MS + 5 },
    { kind: 'settings', copies: 2, minInSync: 2, onLoss: 'reset' },
    { kind: 'shard-restarted', shard: 1, partitions: 2 },
  ]);
});

test('what a node that starts learns of the past is not noted', (t) => {
  const view = new FakeClusterView('b', 4);
  const noter = new ClusterNoter(view);
  view.boot = 2;
  let state: ClusterState = viewOf(
    'b',
    ['a', 'b', 'c'],
    [
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['b', 'c'],
      ['c', 'a', 'b'],
    ],
  ).state;
  view.become(state);
  state = after(state, fence('a'), register('b', 2));
  view.become(state);
  view.tell({ leader: 'a', term: 1 });
  t.is(noter.last, 0);
  view.become(after(state, unfence('a')));
  t.deepEqual(kinds(noter.after(0)), ['back']);
});

test('the latest notes are kept, and told from any number on', (t) => {
  const { noter } = watched();
  for (let number = 0; number < 3 * NOTES_MAX + 7; number++) noter.shardDied(number, 0);
  t.is(noter.last, 3 * NOTES_MAX + 7);
  const all = noter.after(0);
  t.is(all.length, NOTES_MAX);
  t.is(all[0]?.seq, 2 * NOTES_MAX + 8);
  t.is(all.at(-1)?.seq, noter.last);
  t.deepEqual(
    noter.after(noter.last - 5, 3).map(({ seq }) => seq),
    [noter.last - 4, noter.last - 3, noter.last - 2],
  );
  t.deepEqual(noter.after(noter.last), []);
  t.deepEqual(noter.after(noter.last + 100), []);
});

test('once it is stopped it follows nothing any more', (t) => {
  const { view, noter, become } = watched();
  noter.stop();
  t.is(view.listenerCount, 0);
  become(0, fence('a'));
  t.is(noter.last, 0);
});
