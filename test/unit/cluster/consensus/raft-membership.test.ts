import test from 'ava';
import { changeMembership, majorityOf, reachedByMajority } from '../../../../src/cluster/consensus/membership.ts';
import { RaftNetwork } from './raft-network.ts';

const THREE = { voters: ['a', 'b', 'c'] };

function begin(options = {}): { network: RaftNetwork; leader: string; others: string[] } {
  const network = new RaftNetwork({ ...THREE, ...options });
  const leader = network.elect();
  network.run(200);
  return { network, leader, others: THREE.voters.filter((id) => id !== leader) };
}

test('a majority is more than half, and reaches what so many have reached', (t) => {
  t.deepEqual([1, 2, 3, 4, 5, 6, 7].map(majorityOf), [1, 2, 2, 3, 3, 4, 4]);
  const reached = new Map(Object.entries({ a: 9, b: 5, c: 7, d: 1 }));
  const of = (voters: string[]) => reachedByMajority(voters, (voter) => reached.get(voter) ?? 0);
  t.is(of(['a']), 9);
  t.is(of(['a', 'b']), 5);
  t.is(of(['a', 'b', 'c']), 7);
  t.is(of(['a', 'b', 'c', 'd']), 5);
  t.is(of([]), Number.NEGATIVE_INFINITY);
});

test('a change that changes nothing, or leaves no voter or too many, is none', (t) => {
  const one = { voters: ['a'], learners: ['b'] };
  const seven = { voters: ['a', 'b', 'c', 'd', 'e', 'f', 'g'], learners: ['h'] };
  t.is(changeMembership(one, { type: 'add-learner', node: 'a' }), null);
  t.is(changeMembership(one, { type: 'add-learner', node: 'b' }), null);
  t.is(changeMembership(one, { type: 'promote', node: 'a' }), null);
  t.is(changeMembership(one, { type: 'promote', node: 'c' }), null);
  t.is(changeMembership(one, { type: 'demote', node: 'a' }), null);
  t.is(changeMembership(one, { type: 'remove', node: 'a' }), null);
  t.is(changeMembership(one, { type: 'remove', node: 'c' }), null);
  t.is(changeMembership(seven, { type: 'promote', node: 'h' }), null);
  t.deepEqual(changeMembership(one, { type: 'remove', node: 'b' }), { voters: ['a'], learners: [] });
  t.deepEqual(changeMembership(one, { type: 'promote', node: 'b' }), { voters: ['a', 'b'], learners: [] });
  t.deepEqual(changeMembership(seven, { type: 'demote', node: 'a' }), {
    voters: ['b', 'c', 'd', 'e', 'f', 'g'],
    learners: ['h', 'a'],
  });
});

test('a node that has nothing is passive until it is added; then it gets everything and may be promoted', (t) => {
  const { network, leader } = begin();
  network.add('d');
  network.propose(leader, 'x');
  network.run(5000);
  t.like(network.core('d'), { role: 'follower', term: 0, wakeAtMs: Number.POSITIVE_INFINITY });

  network.change(leader, 'add-learner', 'd');
  network.run(500);
  t.deepEqual(network.node('d').commands, ['x']);
  t.deepEqual(network.core('d').membership, { voters: ['a', 'b', 'c'], learners: ['d'] });
  t.true(network.core(leader).progressOf('d')?.isCaughtUp);

  network.change(leader, 'promote', 'd');
  network.run(500);
  t.deepEqual(network.core('d').membership, { voters: ['a', 'b', 'c', 'd'], learners: [] });
  t.true(network.core('d').wakeAtMs < Number.POSITIVE_INFINITY);
});

test('a learner forgets a leader it hears nothing of, and does not stand itself', (t) => {
  const { network, leader } = begin();
  network.add('d');
  network.change(leader, 'add-learner', 'd');
  network.run(500);
  t.is(network.core('d').leader, leader);
  for (const id of ['a', 'b', 'c']) network.crash(id);
  network.run(5000);
  t.like(network.core('d'), { role: 'follower', leader: null, wakeAtMs: Number.POSITIVE_INFINITY });
});

test('a learner counts in no majority', (t) => {
  const { network, leader, others } = begin();
  network.add('d');
  network.change(leader, 'add-learner', 'd');
  network.run(500);
  for (const id of others) network.crash(id);
  network.propose(leader, 'x');
  network.run(400);
  t.true(network.core('d').lastIndex === network.core(leader).lastIndex);
  t.deepEqual(network.node(leader).commands, []);
});

test('a learner that has not caught up is not promoted', (t) => {
  const { network, leader } = begin();
  network.change(leader, 'add-learner', 'd');
  network.run(500);
  const request = network.change(leader, 'promote', 'd');
  t.like(network.node(leader).answerTo(request), { type: 'refused', reason: 'not-caught-up' });
});

test('one change at a time', (t) => {
  const { network, leader, others } = begin();
  for (const other of others) network.cut(leader, other);
  const node = network.node(leader);
  t.is(node.answerTo(network.change(leader, 'add-learner', 'd'))?.type, 'proposed');
  t.like(node.answerTo(network.change(leader, 'add-learner', 'e')), { type: 'refused', reason: 'membership-busy' });
  network.heal();
  network.run(200);
  t.is(node.answerTo(network.change(leader, 'add-learner', 'e'))?.type, 'proposed');
});

test('no change before the leader has committed an entry of its term', (t) => {
  const { network, leader, others } = begin();
  const [one = '', two = ''] = others;
  network.crash(leader);
  // Elected, but whatever it appends does not arrive.
  network.passes = (_from, _to, { type }) => type !== 'append';
  network.until(() => network.core(one).role === 'leader' || network.core(two).role === 'leader');
  const heir = network.leader ?? '';
  const request = network.change(heir, 'add-learner', 'd');
  t.like(network.node(heir).answerTo(request), { type: 'refused', reason: 'membership-busy' });
});

test('a membership that is not committed is undone with the entry that brought it', (t) => {
  const { network, leader } = begin();
  network.isolate(leader);
  network.change(leader, 'add-learner', 'd');
  t.deepEqual(network.core(leader).membership.learners, ['d']);
  network.run(2000);
  network.propose(network.leader ?? '', 'x');
  network.heal();
  network.run(2000);
  t.deepEqual(network.node(leader).commands, ['x']);
  t.deepEqual(network.core(leader).membership, { voters: ['a', 'b', 'c'], learners: [] });
});

test('a leader that removes itself leads until that is committed, and is replaced without a timeout', (t) => {
  const { network, leader, others } = begin();
  network.change(leader, 'remove', leader);
  t.is(network.core(leader).role, 'leader');
  network.until(() => network.core(leader).role !== 'leader', 50);
  network.until(() => network.leader !== null, 50);
  t.true(others.includes(network.leader ?? ''));
  t.is(network.core(leader).wakeAtMs, Number.POSITIVE_INFINITY);
  const { term } = network.core(network.leader ?? '');
  network.run(5000);
  t.is(network.core(network.leader ?? '').term, term);
  t.deepEqual(network.core(network.leader ?? '').membership.voters, others);
});

test('a demoted leader hands over and listens', (t) => {
  const { network, leader, others } = begin();
  network.change(leader, 'demote', leader);
  network.run(500);
  t.true(others.includes(network.leader ?? ''));
  network.propose(network.leader ?? '', 'x');
  network.run(200);
  t.deepEqual(network.node(leader).commands, ['x']);
});

test('a removed node is told that it is, and keeps quiet', (t) => {
  const { network, leader, others } = begin();
  const [gone = ''] = others;
  network.change(leader, 'remove', gone);
  network.run(500);
  t.is(network.core(gone).commitIndex, network.core(leader).commitIndex);
  t.is(network.core(gone).wakeAtMs, Number.POSITIVE_INFINITY);
  // And then it is left alone.
  let sent = 0;
  network.passes = (_from, to) => {
    if (to === gone) sent++;
    return true;
  };
  network.run(1000);
  t.is(sent, 0);
});

test('a removed node that does not know disturbs nobody, not even in a later term', (t) => {
  const { network, leader, others } = begin();
  const [gone = ''] = others;
  network.isolate(gone);
  network.change(leader, 'remove', gone);
  // For so long that nobody tells it any more.
  network.run(10_000);
  const { term } = network.core(leader);
  network.heal();
  network.run(5000);
  t.is(network.core(gone).role, 'candidate');
  const message = { type: 'voted', term: term + 5, isPreVote: false, isGranted: false } as const;
  network.step(leader, { type: 'message', from: gone, message });
  t.is(network.leader, leader);
  t.is(network.core(leader).term, term);
});

test('a node that is being removed is elected if only it has the entry that removes it', (t) => {
  const network = new RaftNetwork({ voters: ['a', 'b'] });
  const leader = network.elect();
  network.run(200);
  const other = leader === 'a' ? 'b' : 'a';
  network.cut(leader, other);
  network.change(leader, 'remove', leader);
  network.until(() => network.node(leader).unsaved.length === 0);
  network.crash(leader);
  network.heal();
  network.restart(leader);
  network.until(() => network.core(other).role === 'leader', 5000);
  network.run(500);
  t.deepEqual(network.core(other).membership, { voters: [other], learners: [] });
});

test('a group grows from one to five voters and shrinks to one again', (t) => {
  const network = new RaftNetwork({ voters: ['a'] });
  network.elect();
  for (const id of ['b', 'c', 'd', 'e']) {
    network.add(id);
    network.run(100);
    network.change('a', 'add-learner', id);
    network.run(500);
    network.change('a', 'promote', id);
    network.run(500);
    network.propose('a', `with ${id}`);
  }
  t.is(network.core('e').membership.voters.length, 5);
  for (const id of ['a', 'b', 'c', 'd']) {
    const leader = network.elect();
    network.run(300);
    network.change(leader, 'remove', id);
    network.run(1000);
  }
  t.deepEqual(network.core('e').membership, { voters: ['e'], learners: [] });
  t.is(network.core('e').role, 'leader');
  t.deepEqual(network.node('e').commands, ['with b', 'with c', 'with d', 'with e']);
});
