import test from 'ava';
import type { ClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import type { ClusterReport } from '../../../../src/command/cluster-report.ts';
import { ClusterTimeline, type NewsLink } from '../../../../src/monitoring/cluster-timeline/cluster-timeline.ts';
import type { PeerSample } from '../../../../src/monitoring/dashboard/feed.ts';
import { ClusterNoter } from '../../../../src/server/cluster/cluster-noter.ts';
import { clusterReport } from '../../../../src/server/cluster/cluster-report.ts';
import { type FakeClusterView, linkTo } from '../../../fake-cluster-view.ts';
import { eventually } from '../../../peer-nodes.ts';
import { after, fence, handOver, stop } from '../../cluster/controller/configuration.ts';
import { viewOf } from '../../server/cluster/cluster-stories.ts';

const sample: PeerSample = {
  commands: 5,
  hits: 1,
  misses: 2,
  p99Ms: null,
  keys: 3,
  usedBytes: 4,
  budgetBytes: 5,
  connections: 6,
  eventLoopMaxMs: 7.5,
  processors: 0.5,
  ready: true,
};

/** Nodes that hear of each other as links between main threads have it, in the same turn. */
class Nodes {
  readonly views = new Map<string, FakeClusterView>();
  readonly noters = new Map<string, ClusterNoter>();
  readonly timelines = new Map<string, ClusterTimeline>();
  /** Nodes that do not answer. */
  readonly silent = new Set<string>();
  /** How many questions each has asked. */
  readonly asked = new Map<string, number>();
  nowMs = 1_000_000;

  constructor(...names: readonly string[]) {
    for (const name of names) {
      const view = viewOf(name, names, [[...names], [...names]]);
      const noter = new ClusterNoter(view);
      this.views.set(name, view);
      this.noters.set(name, noter);
      this.timelines.set(
        name,
        new ClusterTimeline({
          self: name,
          boot: () => view.boot,
          report: (): ClusterReport => clusterReport(view, true),
          noter,
          links: () => this.#linksOf(name),
          nowMs: () => this.nowMs,
        }),
      );
    }
  }

  *#linksOf(self: string): Iterable<NewsLink> {
    for (const node of this.timelines.keys()) {
      if (node === self) continue;
      yield {
        node,
        ask: (question, onAnswer) => {
          this.asked.set(self, this.askedBy(self) + 1);
          onAnswer(this.silent.has(node) ? null : this.timeline(node).answer(question));
        },
      };
    }
  }

  askedBy(name: string): number {
    return this.asked.get(name) ?? 0;
  }

  timeline(name: string): ClusterTimeline {
    const timeline = this.timelines.get(name);
    if (timeline === undefined) throw new Error(`no node ${name}`);
    return timeline;
  }

  /** All of them see the same. */
  become(...steps: Parameters<typeof after>[1][]): void {
    for (const view of this.views.values()) view.become(after(view.state, ...steps), this.nowMs);
  }
}

test('others are asked only while somebody looks', async (t) => {
  const nodes = new Nodes('a', 'b', 'c');
  const timeline = nodes.timeline('b');
  t.is(nodes.askedBy('b'), 0);
  const first = timeline.watch();
  const second = timeline.watch();
  t.is(nodes.askedBy('b'), 2, 'both others, at once');
  await eventually('they are asked again', () => nodes.askedBy('b') >= 4);
  first();
  first();
  await eventually('they are asked as long as one looks', () => nodes.askedBy('b') >= 6);
  second();
  const asked = nodes.askedBy('b');
  // By then it would have asked again.
  t.teardown(nodes.timeline('c').watch());
  await eventually('another one asks twice', () => nodes.askedBy('c') >= 4);
  t.is(nodes.askedBy('b'), asked);
});

test('what others noted before anybody looked is told once they are asked', (t) => {
  const nodes = new Nodes('a', 'b', 'c');
  nodes.silent.add('a');
  for (let shard = 0; shard < 150; shard++) nodes.noters.get('c')?.shardDied(shard, 0);
  nodes.become(fence('a'));
  const timeline = nodes.timeline('b');
  t.deepEqual(timeline.happenings(), []);
  t.like(timeline.failovers(), [{ node: 'a', partitions: 2, takenBy: { b: 2 } }]);
  const failovers = timeline.failovers();
  nodes.timeline('c').sample = () => sample;
  t.teardown(timeline.watch());
  t.is(timeline.happenings().length, 150, 'all of it, in more than one answer');
  t.is(timeline.failovers(), failovers, 'the same array, since it says the same');
  const { peers, report } = timeline.cluster();
  t.is(report.table?.length, 2);
  t.deepEqual(peers, [
    { node: 'a', heardAtMs: null, sample: null },
    { node: 'c', heardAtMs: nodes.nowMs, sample },
  ]);
});

test('a node that was lost is shown as it was, and what it noted is still told', (t) => {
  const nodes = new Nodes('a', 'b', 'c');
  nodes.noters.get('a')?.shardDied(3, 1);
  nodes.timeline('a').sample = () => sample;
  const timeline = nodes.timeline('b');
  timeline.watch()();
  nodes.silent.add('a');
  nodes.nowMs += 5000;
  timeline.watch()();
  t.deepEqual(timeline.cluster().peers[0], { node: 'a', heardAtMs: nodes.nowMs - 5000, sample });
  t.is(timeline.happenings().length, 1);
  // Started again: it has forgotten what it was, and begins with its first number.
  const view = nodes.views.get('a');
  if (view !== undefined) view.boot = 2;
  nodes.silent.delete('a');
  timeline.watch()();
  t.is(timeline.happenings().length, 2, 'the fake node still tells what it noted, of a start that is new');
});

test('whom another node suspects is told until that node is not heard of', (t) => {
  const nodes = new Nodes('a', 'b', 'c');
  nodes.views.get('c')?.tell({ links: [linkTo('a', { isConnected: false, lostAtMs: 77, lostBoot: 1 })] });
  const timeline = nodes.timeline('b');
  timeline.watch()();
  t.like(timeline.failovers(), [{ node: 'a', suspectedAtMs: 77, fencedAtMs: null }]);
  nodes.silent.add('c');
  nodes.nowMs += 3001;
  timeline.watch()();
  t.deepEqual(timeline.failovers(), []);
});

test('a node that has ended in order is suspected by nobody, though another one was asked before that was known', (t) => {
  const nodes = new Nodes('a', 'b', 'c');
  nodes.views.get('c')?.tell({ links: [linkTo('a', { isConnected: false, lostAtMs: 77, lostBoot: 1 })] });
  const timeline = nodes.timeline('b');
  timeline.watch()();
  t.is(timeline.failovers().length, 1);
  const handOvers = [0, 1].map((partition) => (state: ClusterState) => handOver(state, partition, 'b'));
  nodes.become(stop('a', false), ...handOvers, stop('a', true));
  t.deepEqual(timeline.failovers(), []);
});

test('a question that is none is not answered', (t) => {
  const timeline = new Nodes('a', 'b').timeline('a');
  for (const text of ['', '{', '[]', 'null', '{"boot":1}', '{"boot":-1,"after":0}', '{"boot":1,"after":"0"}']) {
    t.is(timeline.answer(Buffer.from(text)), null, text);
  }
  t.not(timeline.answer(Buffer.from('{"boot":1,"after":900,"more":true}')), null);
});
