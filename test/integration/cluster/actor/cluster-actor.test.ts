import test, { type ExecutionContext } from 'ava';
import { type Member, Members, until } from './members.ts';

function membersOf(t: ExecutionContext): Members {
  const members = new Members();
  t.teardown(() => members.end());
  return members;
}

function entryOf(seen: Member, of: Member) {
  return seen.client.state.nodes.get(of.client.self);
}

test.serial('nodes that expect each other found one cluster, and tell where they are reached', async (t) => {
  const members = await membersOf(t).found(3);
  const ids = new Set(members.map(({ client }) => client.clusterId));
  t.is(ids.size, 1);
  t.regex([...ids][0] ?? '', /^[\da-f]{40}$/);
  for (const { client } of members) {
    t.deepEqual([...client.state.nodes.keys()].sort(), members.map((member) => member.client.self).sort());
    t.is(client.state.settings?.partitions, 4);
  }
  const [first] = members;
  const entry = first?.client.state.nodes.get(first.client.self);
  t.is(entry?.address, first?.address);
  t.deepEqual(entry?.endpoints, { tcp: '127.0.0.1:1111', http: '', link: 'here.example:2222' });
  await until(() => members.every(({ client }) => client.status.leader !== null), 'the leader is known to all');
});

test.serial('a node that is gone is fenced, and heals under another port; a fourth one joins', async (t) => {
  const members = membersOf(t);
  const [first, second, third] = (await members.found(3)) as [Member, Member, Member];
  // Whoever is gone cannot be asked for the cluster: the others know each other by now.
  await first.client.stop(0);
  await until(() => entryOf(second, first)?.isFenced === true, 'the node is fenced');
  await until(() => second.isWell && third.isWell, 'the others go on');
  const back = await members.add('n1', { expect: 3, seeds: [second.address] });
  t.is(back.client.self, first.client.self);
  t.is(back.client.boot, first.client.boot + 1);
  await until(() => back.isWell && entryOf(third, back)?.address === back.address, 'it is back at its new address');
  const fourth = await members.add('n4', { expect: 0, seeds: [third.address] });
  await until(() => fourth.isWell && entryOf(back, fourth) !== undefined, 'the fourth is a member');
  t.is(fourth.client.clusterId, first.client.clusterId);
});

test.serial(
  'a node that ends in order hands over, is fenced without a wait, and is a member again at once',
  async (t) => {
    const members = membersOf(t);
    const [first, second, third] = (await members.found(3, { leaseMs: 4000 })) as [Member, Member, Member];
    const leader = [first, second, third].find(({ client }) => client.status.leader === client.self) ?? first;
    const other = leader === third ? second : third;
    // Nobody here fills copies: what it is primary of cannot go elsewhere, but leadership can.
    const handedOver = leader.client.handOver(1500);
    await until(() => entryOf(other, leader)?.life === 'stopping', 'others know that it ends');
    await handedOver;
    await until(() => ![null, leader.client.self].includes(other.client.status.leader), 'another one leads');
    const endsAtMs = Date.now();
    await leader.client.stop(2000);
    await until(() => entryOf(other, leader)?.life === 'stopped', 'others know that it has ended');
    t.true(Date.now() - endsAtMs < 3000, 'its lease is not waited for');
    const name = leader.client.self.slice(0, 2);
    const back = await members.add(name, { expect: 3, seeds: [other.address] });
    await until(() => back.isWell && entryOf(other, back)?.life === 'running', 'it is back');
  },
);

test.serial('a node that was removed is told, and cannot go on', async (t) => {
  const members = membersOf(t);
  const [first, second, third] = (await members.found(3)) as [Member, Member, Member];
  const fourth = await members.add('n4', { expect: 0, seeds: [third.address] });
  await until(() => fourth.isWell, 'the fourth is a member');
  const entry = entryOf(first, fourth);
  const drained = await second.client.submit({
    type: 'drain',
    node: fourth.client.self,
    boot: entry?.boot ?? 0,
    isDraining: true,
    leaves: true,
  });
  t.is(drained.type, 'applied');
  await until(() => entryOf(first, fourth) === undefined, 'it is removed');
  await until(() => fourth.failures.length > 0, 'it knows');
  t.regex(fourth.failures[0] ?? '', /was removed from the cluster/);
  const again = await t.throwsAsync(members.add('n4', { expect: 0, seeds: [third.address] }));
  t.regex(again?.message ?? '', /n4-\w+ was removed from cluster \w+\. Empty .*n4 to let it join as a new node/);
});

test.serial('a node set to other partitions than the cluster has ends with both numbers', async (t) => {
  const members = membersOf(t);
  const alone = await members.add('n1', { expect: 1 });
  await until(() => alone.isWell, 'a founder alone has its cluster');
  const other = await members.add('n2', { expect: 0, seeds: [alone.address], settings: { partitions: 8 } });
  await until(() => other.failures.length > 0, 'it has failed');
  t.regex(other.failures[0] ?? '', /the cluster has 4 partitions, and this node is set to 8; set partitions to 4/);
  t.deepEqual([...alone.client.state.nodes.keys()], [alone.client.self], 'it was never a member');
});

test.serial('founders that are set up otherwise are told, and found nothing', async (t) => {
  const members = membersOf(t);
  const first = await members.add('n1', { expect: 2 });
  const second = await members.add('n2', { expect: 2, seeds: [first.address], settings: { copies: 3 } });
  const isTold = ({ logged }: Member) => logged.includes('the node waits for a cluster');
  await until(() => isTold(first) && isTold(second), 'both are told');
  t.deepEqual([first.client.clusterId, second.client.clusterId], ['', '']);
  const answer = await first.client.submit({ type: 'remove', node: 'nobody' });
  t.like(answer, { type: 'refused', isRetryable: true });
});

test.serial('a node of no cluster says what it waits for', async (t) => {
  const members = membersOf(t);
  const first = await members.add('n1', { expect: 3 });
  const second = await members.add('n2', { expect: 3, seeds: [first.address, '127.0.0.1:1'] });
  const waitsFor = () => second.client.status.waitsFor ?? '';
  await until(() => waitsFor().includes('2 of the 3') && waitsFor().includes('seed 127.0.0.1:1'), 'it says so');
  t.true(waitsFor().includes([first.client.self, second.client.self].sort().at(0) ?? '-'));
  await members.add('n3', { expect: 3, seeds: [second.address] });
  await until(() => second.client.clusterId !== '' && waitsFor() === '', 'it waits no more');
  t.pass();
});

test.serial('a port that is taken, and a directory in use, are told by name', async (t) => {
  const members = membersOf(t);
  const first = await members.add('n1', { expect: 1 });
  await t.throwsAsync(members.add('n2', { expect: 1, bus: { port: first.client.busPort } }), {
    message: new RegExp(`${first.client.busPort}`),
  });
  await t.throwsAsync(members.add('n1', { expect: 1 }), { message: /n1 is in use by process \d+/ });
});
