import test from 'ava';
import { emptyClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { type GroupView, nextGroupChange, successorOf } from '../../../../src/cluster/controller/group-plan.ts';
import { after, drain, fence, register } from './configuration.ts';

interface Scene {
  readonly voters: string;
  readonly learners?: string;
  readonly nodes: string;
  readonly fenced?: string;
  readonly gone?: string;
  readonly behind?: string;
  readonly foreign?: string;
  readonly draining?: string;
  readonly votersMax?: number;
}

/** Nodes are letters; `a` leads. Those that are gone are fenced. */
function view(scene: Scene): GroupView {
  const { voters, learners = '', nodes, fenced = '', gone = '', behind = '', foreign = '', draining = '' } = scene;
  const state = after(
    emptyClusterState,
    ...[...nodes].map((node) => register(node)),
    ...[...fenced, ...gone].map((node) => fence(node)),
    ...[...draining].map((node) => drain(node)),
  );
  return {
    self: 'a',
    state,
    group: { voters: [...voters], learners: [...learners] },
    votersMax: scene.votersMax ?? 7,
    isCaughtUp: (node) => !behind.includes(node),
    isGone: (node) => gone.includes(node),
    isForeign: (node) => foreign.includes(node),
  };
}

function next(scene: Scene): string | null {
  const change = nextGroupChange(view(scene));
  return change === null ? null : `${change.type} ${change.node}`;
}

test('nothing changes in a group in which all are well', (t) => {
  t.is(next({ voters: 'abc', nodes: 'abc' }), null);
});

test('a registered node becomes a learner, and a voter once it has caught up', (t) => {
  t.is(next({ voters: 'a', nodes: 'ab' }), 'add-learner b');
  t.is(next({ voters: 'a', learners: 'b', nodes: 'ab', behind: 'b' }), null);
  t.is(next({ voters: 'a', learners: 'b', nodes: 'ab' }), 'promote b');
});

test('fenced and draining nodes do not become voters', (t) => {
  t.is(next({ voters: 'abc', learners: 'd', nodes: 'abcd', fenced: 'd' }), null);
  t.is(next({ voters: 'abc', learners: 'd', nodes: 'abcd', draining: 'd' }), null);
  t.is(next({ voters: 'abc', nodes: 'abcd', fenced: 'd' }), null, 'nor learners while they are silent');
});

test('there are no more voters than the most', (t) => {
  t.is(next({ voters: 'abc', learners: 'd', nodes: 'abcd', votersMax: 3 }), null);
});

test('a voter that is gone is replaced: first another one is promoted, then it is demoted', (t) => {
  const full = { nodes: 'abcd', gone: 'b', votersMax: 3 };
  t.is(next({ ...full, voters: 'abc', learners: 'd' }), 'promote d');
  t.is(next({ ...full, voters: 'abcd' }), 'demote b');
  t.is(next({ ...full, voters: 'acd', learners: 'b' }), null);
});

test('a voter that is gone stays one where nobody can stand in', (t) => {
  t.is(next({ voters: 'abc', nodes: 'abc', gone: 'b' }), null);
  t.is(next({ voters: 'abc', learners: 'd', nodes: 'abcd', gone: 'b', behind: 'd', votersMax: 3 }), null);
});

test('of an even number of voters one that is gone is demoted, for then fewer make a majority', (t) => {
  t.is(next({ voters: 'abcd', nodes: 'abcd', gone: 'c' }), 'demote c');
  t.is(next({ voters: 'abcd', nodes: 'abcd', fenced: 'c' }), null, 'not one that is only silent for a moment');
});

test('members of the group that were removed from the cluster, or never registered, leave it', (t) => {
  t.is(next({ voters: 'abcd', nodes: 'abc', foreign: 'd' }), 'remove d');
  t.is(next({ voters: 'abc', learners: 'x', nodes: 'abc', foreign: 'x' }), 'remove x');
  t.is(next({ voters: 'abc', nodes: 'ab' }), null, 'not one that may register yet');
  t.is(next({ voters: 'abc', nodes: 'bc', foreign: 'a' }), null, 'nor the leader');
});

test('no change is proposed that leaves fewer live voters than a majority', (t) => {
  t.is(next({ voters: 'ab', nodes: 'ab', gone: 'b' }), 'demote b', 'alone, the leader is a majority of itself');
  t.is(next({ voters: 'ab', learners: 'c', nodes: 'abc', fenced: 'b' }), 'promote c');
  t.is(next({ voters: 'abcde', learners: 'f', nodes: 'abcdef', fenced: 'cde' }), null, 'three of six live: a half');
  t.is(next({ voters: 'abcdef', nodes: 'abcde', foreign: 'f', fenced: 'bcd' }), null, 'two of five live');
});

test('a leader that is drained hands over to a live voter that has caught up and stays', (t) => {
  const to = (scene: Scene) => successorOf(view(scene));
  t.is(to({ voters: 'abc', nodes: 'abc' }), null);
  t.is(to({ voters: 'abc', nodes: 'abc', draining: 'a' }), 'b');
  t.is(to({ voters: 'abcd', nodes: 'abcd', draining: 'ab', fenced: 'c' }), 'd');
  t.is(to({ voters: 'abc', nodes: 'abc', draining: 'a', behind: 'b' }), 'c');
  t.is(to({ voters: 'a', learners: 'b', nodes: 'ab', draining: 'a' }), null);
});
