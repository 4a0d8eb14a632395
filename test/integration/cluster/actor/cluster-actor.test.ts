import test, { type ExecutionContext } from 'ava';
import { Members, until } from './members.ts';

function membersOf(t: ExecutionContext): Members {
  const members = new Members();
  t.teardown(() => members.end());
  return members;
}

test('nodes that expect each other found one cluster, and tell where they are reached', async (t) => {
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
