import test from 'ava';
import { RaftNetwork } from './raft-network.ts';

const THREE = { voters: ['a', 'b', 'c'] };

function followersOf(network: RaftNetwork, leader: string): [string, string] {
  const [first = '', second = ''] = [...network.nodes.keys()].filter((id) => id !== leader);
  return [first, second];
}

test('a group elects one leader, whom everybody follows and whose entries everybody applies', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  const request = network.propose(leader, 'x');
  network.run(500);
  t.like(network.node(leader).answerTo(request), { type: 'proposed', term: network.core(leader).term });
  for (const { commands } of network.nodes.values()) t.deepEqual(commands, ['x']);
});

test('a group of one leads at once', (t) => {
  const network = new RaftNetwork({ voters: ['a'] });
  t.is(network.core('a').wakeAtMs, 0);
  network.propose(network.elect(), 'x');
  const request = network.read('a');
  network.run(20);
  t.true(network.nowMs < 50);
  t.deepEqual(network.node('a').commands, ['x']);
  t.is(network.node('a').answerTo(request)?.type, 'read-ready');
});

test('a leader that dies is replaced soon', (t) => {
  const waits: number[] = [];
  for (let seed = 1; seed <= 50; seed++) {
    const network = new RaftNetwork({ ...THREE, seed });
    const old = network.elect();
    network.run(1000);
    network.crash(old);
    const sinceMs = network.nowMs;
    network.elect();
    waits.push(network.nowMs - sinceMs);
  }
  waits.sort((left, right) => left - right);
  t.true((waits[25] ?? 0) < 500, `median ${waits[25]} ms`);
  t.true((waits[49] ?? 0) < 1300, `longest ${waits[49]} ms`);
});

test('split votes end in an election all the same', (t) => {
  let splits = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const network = new RaftNetwork({ voters: ['a', 'b', 'c', 'd'], seed });
    const leader = network.elect();
    network.run(200);
    const { term } = network.core(leader);
    const candidates = followersOf(network, leader);
    for (const id of candidates)
      network.step(id, { type: 'message', from: leader, message: { type: 'timeout-now', term } });
    for (const id of candidates) t.like(network.core(id), { role: 'candidate', term: term + 1 });
    const next = network.elect();
    if (network.core(next).term > term + 1) splits++;
  }
  t.true(splits > 0);
});

test('a node that is cut off does not raise the term, and disturbs nobody when it is back', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  const { term } = network.core(leader);
  const [cut] = followersOf(network, leader);
  network.isolate(cut);
  network.run(10_000);
  t.like(network.core(cut), { role: 'candidate', term });
  network.heal();
  network.run(2000);
  t.is(network.leader, leader);
  for (const { core } of network.nodes.values()) t.is(core.term, term);
});

test('a node that hears nothing but is heard does not disturb', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  const { term } = network.core(leader);
  const [deaf, other] = followersOf(network, leader);
  network.cut(leader, deaf);
  network.cut(other, deaf);
  network.run(5000);
  t.is(network.leader, leader);
  t.is(network.core(leader).term, term);
});

test('voters do not help to replace a leader that they hear, not even in a later term', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  const { term } = network.core(leader);
  const [from, to] = followersOf(network, leader);
  for (const isPreVote of [true, false]) {
    const vote = { type: 'vote', term: term + 1, isPreVote, isTransfer: false, lastIndex: 99, lastTerm: term } as const;
    network.step(to, { type: 'message', from, message: vote });
    network.step(leader, { type: 'message', from, message: vote });
  }
  network.run(100);
  t.is(network.core(to).term, term);
  t.is(network.leader, leader);
});

test('a leader that is cut off steps down within its election timeout', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  network.run(1000);
  network.isolate(leader);
  network.run(700);
  t.is(network.core(leader).leader, null);
  t.is(network.core(leader).leaderSinceMs, Number.POSITIVE_INFINITY);
});

test('a leader that nobody answers steps down, though all hear it', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  for (const other of followersOf(network, leader)) network.cut(other, leader);
  network.run(700);
  t.not(network.core(leader).role, 'leader');
});

test('what an old leader wrote and did not commit gives way to what the new one commits', (t) => {
  const network = new RaftNetwork({ ...THREE, raft: { appendEntriesMax: 2 } });
  const old = network.elect();
  network.propose(old, 'kept');
  network.run(100);
  network.isolate(old);
  for (let n = 0; n < 20; n++) network.propose(old, `lost ${n}`);
  network.crash(old, 99);
  const leader = network.elect();
  for (let n = 0; n < 5; n++) network.propose(leader, `new ${n}`);
  network.run(100);
  network.heal();
  network.restart(old);
  network.run(1000);
  t.is(network.core(old).lastIndex, network.core(leader).lastIndex);
  t.deepEqual(network.node(old).commands, ['kept', 'new 0', 'new 1', 'new 2', 'new 3', 'new 4']);
});

test('a deposed leader answers no read', (t) => {
  const network = new RaftNetwork(THREE);
  const old = network.elect();
  network.run(100);
  network.isolate(old);
  // The old one is paused for as long as it takes to replace it, and then does not know.
  network.node(old).isPaused = true;
  const [one, other] = followersOf(network, old);
  network.until(() => network.core(one).role === 'leader' || network.core(other).role === 'leader');
  network.propose(network.leader ?? '', 'x');
  network.run(100);
  network.node(old).isPaused = false;
  t.is(network.core(old).role, 'leader');
  const request = network.read(old);
  t.is(network.node(old).answerTo(request), undefined);
  network.heal();
  network.run(200);
  t.like(network.node(old).answerTo(request), { type: 'refused', reason: 'not-leader' });
});

test('a read waits for a round that begins after it', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  network.run(300);
  const first = network.read(leader);
  const second = network.read(leader);
  t.is(network.node(leader).answerTo(first), undefined);
  network.until(() => network.node(leader).answerTo(first) !== undefined);
  // The second came when the round of the first was on its way already.
  t.is(network.node(leader).answerTo(second), undefined);
  network.until(() => network.node(leader).answerTo(second) !== undefined, 30);
  t.is(network.node(leader).answerTo(second)?.type, 'read-ready');
});

test('a follower that is far behind gets a snapshot, and the entries after it', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  const [slow] = followersOf(network, leader);
  network.crash(slow);
  for (let n = 0; n < 30; n++) network.propose(leader, `${n}`);
  network.run(200);
  network.compact(leader);
  network.propose(leader, 'after');
  network.run(100);
  network.restart(slow);
  network.run(2000);
  t.is(network.core(slow).firstIndex, network.core(leader).firstIndex);
  t.deepEqual(network.node(slow).commands, [...Array.from({ length: 30 }, (_, n) => `${n}`), 'after']);
  t.deepEqual(
    network.node(slow).applied.map(({ kind }) => kind),
    ['command'],
  );
});

test('a snapshot that is lost is sent again', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  const [slow] = followersOf(network, leader);
  network.crash(slow);
  network.propose(leader, 'x');
  network.run(200);
  network.compact(leader);
  let lost = 0;
  network.passes = (_from, _to, { type }) => type !== 'snapshot' || ++lost > 2;
  network.restart(slow);
  network.run(4000);
  t.is(lost, 3);
  t.deepEqual(network.node(slow).commands, ['x']);
});

test('a restarted node starts from its disk alone and learns again what is committed', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  for (const text of ['x', 'y']) network.propose(leader, text);
  network.run(200);
  const [id] = followersOf(network, leader);
  network.compact(id);
  network.propose(leader, 'z');
  network.run(200);
  network.crash(id);
  network.restart(id);
  t.is(network.core(id).commitIndex, network.core(id).firstIndex - 1);
  t.deepEqual(network.node(id).commands, ['x', 'y']);
  network.run(300);
  t.deepEqual(network.node(id).commands, ['x', 'y', 'z']);
});

test('what is committed survives the crash of all, with nothing saved but what was durable', (t) => {
  const network = new RaftNetwork({ ...THREE, diskMs: [5, 40] });
  const leader = network.elect();
  for (let n = 0; n < 20; n++) {
    network.propose(leader, `${n}`);
    network.run(7);
  }
  const { commands } = network.node(leader);
  t.true(commands.length > 0 && commands.length < 20);
  for (const id of THREE.voters) network.crash(id);
  for (const id of THREE.voters) network.restart(id);
  network.elect();
  network.run(500);
  for (const id of THREE.voters) t.deepEqual(network.node(id).commands.slice(0, commands.length), commands);
});

test('a leader commits what the others have saved before it has itself', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  network.run(100);
  network.node(leader).isDiskStuck = true;
  network.propose(leader, 'x');
  network.run(100);
  t.deepEqual(network.node(leader).commands, ['x']);
  t.true(network.node(leader).disk.entries.length < network.core(leader).commitIndex);
});

test('a follower whose disk stands still answers its leader, but acknowledges nothing', (t) => {
  const network = new RaftNetwork({ voters: ['a', 'b'] });
  const leader = network.elect();
  const follower = leader === 'a' ? 'b' : 'a';
  network.run(100);
  network.node(follower).isDiskStuck = true;
  network.propose(leader, 'x');
  network.run(3000);
  t.is(network.leader, leader);
  t.deepEqual(network.node(leader).commands, []);
  network.unstick(follower);
  network.run(100);
  t.deepEqual(network.node(leader).commands, ['x']);
});

test('leadership goes over without waiting for a timeout', (t) => {
  const network = new RaftNetwork(THREE);
  const old = network.elect();
  network.run(200);
  const [to] = followersOf(network, old);
  network.propose(old, 'x');
  network.transfer(old, to);
  const request = network.propose(old, 'refused');
  t.like(network.node(old).answerTo(request), { type: 'refused', reason: 'not-leader', leader: null });
  network.until(() => network.core(to).role === 'leader', 60);
  network.run(100);
  t.deepEqual(network.node(to).commands, ['x']);
  t.is(network.core(old).leader, to);
});

test('a transfer that does not succeed in time is given up', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  network.run(200);
  const [to] = followersOf(network, leader);
  network.passes = (_from, _to, { type }) => type !== 'timeout-now';
  const request = network.transfer(leader, to);
  network.run(900);
  t.is(network.node(leader).answerTo(request), undefined);
  network.run(200);
  t.like(network.node(leader).answerTo(request), { type: 'refused', reason: 'not-caught-up' });
  t.is(network.node(leader).answerTo(network.propose(leader, 'x'))?.type, 'proposed');
});

test('leadership is not given to who is behind, or no voter', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  network.run(200);
  const [dead] = followersOf(network, leader);
  network.crash(dead);
  network.propose(leader, 'x');
  network.run(100);
  const reasonOf = (to: string) => network.node(leader).answerTo(network.transfer(leader, to));
  t.like(reasonOf(dead), { type: 'refused', reason: 'not-caught-up' });
  t.like(reasonOf('stranger'), { type: 'refused', reason: 'not-caught-up' });
  t.like(reasonOf(leader), { type: 'refused', reason: 'membership-invalid' });
});

test('more than may be unfinished is refused, and taken once it is finished', (t) => {
  const network = new RaftNetwork({ ...THREE, raft: { unfinishedBytesMax: 10, readsMax: 1 } });
  const leader = network.elect();
  network.run(200);
  const followers = followersOf(network, leader);
  for (const other of followers) network.cut(leader, other);
  const node = network.node(leader);
  t.is(node.answerTo(network.propose(leader, 'twelve bytes'))?.type, 'proposed');
  t.like(node.answerTo(network.propose(leader, 'x')), { type: 'refused', reason: 'overloaded', leader });
  network.read(leader);
  t.like(node.answerTo(network.read(leader)), { type: 'refused', reason: 'overloaded' });
  network.heal();
  network.run(200);
  t.is(node.answerTo(network.propose(leader, 'x'))?.type, 'proposed');
});

test('everybody but the leader refuses, and says who leads', (t) => {
  const network = new RaftNetwork(THREE);
  const leader = network.elect();
  const [id] = followersOf(network, leader);
  const requests = [network.propose(id, 'x'), network.read(id), network.change(id, 'remove', 'b')];
  for (const request of [...requests, network.transfer(id, id)]) {
    t.like(network.node(id).answerTo(request), { type: 'refused', reason: 'not-leader', leader });
  }
});

test('lost, late and doubled messages delay, but the log comes to the same everywhere', (t) => {
  const network = new RaftNetwork({ ...THREE, loss: 0.2, duplication: 0.3, delayMs: [1, 60] });
  for (let n = 0; n < 100; n++) {
    if (network.leader !== null) network.propose(network.leader, `${n}`);
    network.run(50);
  }
  network.loss = 0;
  network.elect();
  network.run(1000);
  const [first, ...others] = [...network.nodes.values()].map(({ commands }) => commands);
  t.true((first?.length ?? 0) > 80);
  for (const commands of others) t.deepEqual(commands, first);
});
