import test from 'ava';
import { ClusterRequests } from '../../../../src/server/cluster/cluster-requests.ts';
import { nodeHexId } from '../../../../src/server/cluster/node-hex-id.ts';
import { FakeClusterView } from '../../../fake-cluster-view.ts';
import { after, drain, fence, leave, place } from '../../cluster/controller/configuration.ts';
import { viewOf } from './cluster-stories.ts';

const nodes = ['n1-aa', 'n1-ab', 'n2-aa'];
const placement = [
  ['n1-aa', 'n1-ab'],
  ['n1-aa', 'n2-aa'],
  ['n2-aa', 'n1-ab'],
];

function cluster(): { view: FakeClusterView; ask: (verb: string, fields?: object) => Promise<string> } {
  const view = viewOf('n1-aa', nodes, placement);
  const requests = new ClusterRequests(view);
  return {
    view,
    ask: async (verb, fields = {}) => {
      const answer = await requests.run(verb, JSON.stringify(fields));
      return `${answer.type === 'done' ? answer.result : answer.code}: ${answer.message}`;
    },
  };
}

test('a drain names the present start of the node, and tells what is left on it', async (t) => {
  const { view, ask } = cluster();
  t.is(
    await ask('drain', { node: 'n2-aa' }),
    'accepted: n2-aa is being drained, and stays a member without copies: 2 copies are left on it',
  );
  t.deepEqual(view.submitted, [{ type: 'drain', node: 'n2-aa', boot: 1, isDraining: true, leaves: false }]);
  t.regex(await ask('drain', { node: 'n2-aa' }), /^unchanged: /);
  t.is(await ask('undrain', { node: 'n2-aa' }), 'applied: n2-aa takes copies and primaries again');
  t.is(await ask('undrain', { node: 'n2-aa' }), 'unchanged: n2-aa is not being drained');
  t.is(view.submitted.length, 2);
});

test('a node is named by its id, its id in 40 digits, an address, or a beginning that is its alone', async (t) => {
  for (const node of ['n2-aa', nodeHexId('n2-aa'), '10.0.0.3:6379', '10.0.0.3:8080', '10.0.0.3:17379', 'n2']) {
    t.regex(await cluster().ask('drain', { node }), /^accepted: n2-aa /, node);
  }
  t.is(await cluster().ask('drain', { node: 'n1' }), "invalid-argument: 'n1' is one of n1-aa, n1-ab");
  t.is(
    await cluster().ask('drain', { node: 'x' }),
    "invalid-argument: there is no node 'x'; there are n1-aa, n1-ab, n2-aa",
  );
  t.regex(await cluster().ask('drain', { node: '' }), /^invalid-argument: there is no node ''/);
});

test('what a request may not say is told, and nothing is asked of the controller', async (t) => {
  const { view, ask } = cluster();
  t.regex(await ask('explode'), /^invalid-argument: there is no 'explode'; there are drain, /);
  t.is(await ask('drain'), "invalid-argument: the field 'node' is missing");
  t.is(await ask('drain', { node: 1 }), "invalid-argument: the field 'node' is a string");
  t.is(
    await ask('drain', { node: 'n2-aa', now: true }),
    "invalid-argument: there is no field 'now' here; there are node",
  );
  t.is(await ask('rebalance', { now: true }), "invalid-argument: there is no field 'now' here; there are none");
  t.regex(await ask('drain', ['n2-aa']), /^invalid-argument: the fields are given as a JSON object/);
  t.regex(await ask('drain', JSON.parse('{"__proto__":"x"}')), /^invalid-argument: there is no field '__proto__'/);
  const broken = await new ClusterRequests(view).run('drain', '{"node":');
  t.like(broken, { code: 'invalid-argument', message: 'the fields are no JSON text' });
  t.deepEqual(view.submitted, []);
});

test('an empty node is removed, another one drained first', async (t) => {
  const { view, ask } = cluster();
  t.regex(
    await ask('remove', { node: 'n2-aa' }),
    /^accepted: n2-aa is removed once it is drained: 2 copies .* ends by itself/,
  );
  t.deepEqual(view.submitted, [{ type: 'drain', node: 'n2-aa', boot: 1, isDraining: true, leaves: true }]);
  view.become(
    after(view.state, {
      type: 'register',
      node: 'n4',
      boot: 1,
      address: 'n4:1',
      endpoints: { tcp: '', http: '', link: '' },
      weight: 1,
      zone: null,
      partitions: null,
    }),
  );
  t.regex(await ask('remove', { node: 'n4' }), /^applied: n4 is removed; its process then ends by itself/);
  t.false(view.state.nodes.has('n4'));
});

test('a drain has a node that leaves stay, a removal has a drained one leave, and an undrain ends both', async (t) => {
  const { view, ask } = cluster();
  const last = () => view.submitted.at(-1);
  t.regex(await ask('remove', { node: 'n2-aa' }), /^accepted: /);
  t.regex(await ask('drain', { node: 'n2-aa' }), /^accepted: /);
  t.deepEqual(last(), drain('n2-aa'));
  t.regex(await ask('remove', { node: 'n2-aa' }), /^accepted: /);
  t.deepEqual(last(), leave('n2-aa'));
  t.regex(await ask('undrain', { node: 'n2-aa' }), /^applied: /);
  t.like(view.state.nodes.get('n2-aa'), { isDraining: false, isLeaving: false });
});

test('force gives up the last copies of a node that is dead, and of no other', async (t) => {
  const view = viewOf('n1', ['n1', 'n2'], [['n1'], ['n2']]);
  const requests = new ClusterRequests(view);
  const remove = (): ReturnType<ClusterRequests['run']> => requests.run('remove', '{"node":"n2","force":true}');
  t.like(await remove(), { type: 'refused', code: 'conflict' });
  view.become(after(view.state, fence('n2'), (state) => place(state, 1, 'n1')));
  const answer = await remove();
  t.like(answer, { type: 'done', result: 'accepted' });
  t.regex(answer.message, /started again with its data directory, it joins again$/);
  t.deepEqual(
    view.submitted.map(({ type }) => type),
    ['drain', 'reset'],
  );
  t.is(view.state.partitions[1]?.primary, 'n1');
  t.is(view.state.partitions[1]?.losses, 1);
});

test('a failover has the node give its primaries away, if anybody can take them', async (t) => {
  const { view, ask } = cluster();
  t.regex(await ask('failover', { node: 'n1-aa' }), /^accepted: n1-aa gives 2 primaries away/);
  t.deepEqual(view.submitted, [{ type: 'stop', node: 'n1-aa', boot: 1, isOver: false }]);
  t.regex(
    await ask('failover', { node: 'n1-aa' }),
    /^unchanged: n1-aa is giving its primaries away already: 2 are left/,
  );
  t.regex(await ask('undrain', { node: 'n1-aa' }), /^applied: /);
  t.deepEqual(view.submitted[1], { type: 'resume', node: 'n1-aa', boot: 1 });
  t.is(await ask('failover', { node: 'n1-ab' }), 'unchanged: n1-ab is primary of nothing');
  view.become(after(view.state, fence('n1-ab'), fence('n1-aa')));
  t.regex(await ask('failover', { node: 'n2-aa' }), /^conflict: no other node has an in-sync copy/);
});

test('settings are changed one by one, and told with what they lack', async (t) => {
  const { view, ask } = cluster();
  t.regex(
    await ask('settings', { minInSync: 2 }),
    /^applied: copies 2, minInSync 2, onLoss offline; with minInSync equal/,
  );
  t.deepEqual(view.submitted, [{ type: 'set-settings', copies: 2, minInSync: 2, onLoss: 'offline' }]);
  t.regex(await ask('settings', { onLoss: 'offline' }), /^unchanged: the settings are so already/);
  t.regex(await ask('settings', { copies: 1 }), /^invalid-argument: minInSync is 2 but copies is 1/);
  t.regex(await ask('settings', { copies: 1.5 }), /^invalid-argument: copies is 1.5/);
  t.regex(await ask('settings', { onLoss: 'forget' }), /^invalid-argument: onLoss is 'forget'/);
});

test('a rebalance says whether anything is on its way', async (t) => {
  const { view, ask } = cluster();
  t.is(await ask('rebalance'), 'unchanged: all 3 partitions are where they should be');
  view.become(after(view.state, (state) => place(state, 0, 'n2-aa', 'n1-ab')));
  t.is(await ask('rebalance'), 'accepted: 1 of 3 partitions are on their way to where they should be');
  t.deepEqual(view.submitted, []);
});

test('a reset is of the partition as it is now', async (t) => {
  const { view, ask } = cluster();
  t.regex(await ask('reset', { partition: 1 }), /^conflict: partition 1 is online on n1-aa/);
  t.like(view.submitted[0], {
    type: 'reset',
    partition: 1,
    version: view.state.partitions[1]?.version,
    givesUp: false,
  });
  t.regex(await ask('reset', { partition: 3 }), /^invalid-argument: there is no partition 3; the last is 2/);
  t.regex(await ask('reset', { partition: 0.5 }), /^invalid-argument: there is no partition 0.5/);
});

test('what the controller refuses for now can be tried again, and what it does not answer is in doubt', async (t) => {
  const { view, ask } = cluster();
  view.answer = { type: 'refused', reason: 'no leader', isRetryable: true };
  t.is(await ask('drain', { node: 'n2-aa' }), 'try-again: no leader');
  view.answer = { type: 'refused', reason: 'it is wrong', isRetryable: false };
  t.is(await ask('drain', { node: 'n2-aa' }), 'conflict: it is wrong');
  view.answer = { type: 'unknown' };
  t.regex(await ask('drain', { node: 'n2-aa' }), /^indeterminate: /);
});

test('a node that waits for its cluster refuses all of it', async (t) => {
  const requests = new ClusterRequests(new FakeClusterView('n1', 3));
  t.like(await requests.run('drain', '{"node":"n1"}'), { type: 'refused', code: 'not-ready' });
});

test('the last node cannot be drained, in the words of the controller', async (t) => {
  const view = viewOf('n1', ['n1', 'n2'], [['n1', 'n2']]);
  view.become(after(view.state, drain('n2')));
  t.like(await new ClusterRequests(view).run('drain', '{"node":"n1"}'), { type: 'refused', code: 'conflict' });
});
