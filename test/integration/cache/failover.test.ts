import test from 'ava';
import { ClusterProcesses } from '../../cluster-processes.ts';
import { type Plain, PushClient } from '../resp/push-client.ts';

const FLAGS = ['--max-memory', '32mb', '--shards', '1', '--partitions', '16'];
const FAILOVER_MS = 30_000;

/** Sends commands, and again those that were refused for a reason that passes, until each has its reply. */
async function callAll(client: PushClient, commands: readonly (readonly string[])[]): Promise<Plain[]> {
  const endMs = performance.now() + FAILOVER_MS;
  const replies = new Map<number, Plain>();
  while (replies.size < commands.length) {
    const asked = commands.map((_, index) => index).filter((index) => !replies.has(index));
    client.send(...asked.map((index) => commands[index] ?? []));
    for (const index of asked) {
      const reply = await client.reply();
      const passes = typeof reply === 'string' && /^-(CLUSTERDOWN|TRYAGAIN)/.test(reply);
      if (!passes || performance.now() > endMs) replies.set(index, reply);
    }
  }
  return commands.map((_, index) => replies.get(index) ?? null);
}

const keys = Array.from({ length: 48 }, (_, index) => `key:${index}`);

test('tokens and invalidations outlive the node that gave them, killed at any moment', async (t) => {
  const cluster = await ClusterProcesses.start({ count: 3, flags: FLAGS });
  t.teardown(() => cluster.end());
  const clients: PushClient[] = [];
  t.teardown(() => {
    for (const client of clients) client.close();
  });
  const connect = async (name: string): Promise<PushClient> => {
    const client = await PushClient.open(cluster.addressesOf(name).tcpPort, 2);
    clients.push(client);
    return client;
  };
  const [first, second, third] = await Promise.all([connect('n1'), connect('n2'), connect('n3')]);

  // Taken through one node, wherever the keys are.
  const taken = await callAll(
    first,
    keys.map((key) => ['getfill', key, 'for', '60000']),
  );
  const tokens = taken.map((reply) => String((reply as readonly Plain[])[2]));
  for (const token of tokens) t.regex(token, /^[0-9a-f]{12}$/);
  const tagged = keys.map((key) => `tagged:${key}`);
  await callAll(
    second,
    tagged.map((key) => ['set', key, 'old', 'ex', '600', 'stale', '600', 'tags', '1', 'all']),
  );
  await callAll(second, [['set', 'untagged', 'v']]);

  await cluster.process('n1').kill();
  // In the middle of the failover, through a node that has noticed nothing yet.
  const [tags] = await callAll(second, [['invalidate', 'hard', 'all']]);
  t.is(tags, 1);
  for (const client of [second, third]) {
    const read = await callAll(
      client,
      [...tagged, 'untagged'].map((key) => ['get', key]),
    );
    t.deepEqual(read, [...tagged.map(() => null), 'v']);
  }

  const seen = await callAll(
    third,
    keys.map((key) => ['getfill', key]),
  );
  for (const [index, reply] of seen.entries()) {
    t.deepEqual((reply as readonly Plain[]).slice(0, 3), ['miss', null, null], `${keys[index]} is still being filled`);
  }
  const forged = await callAll(
    second,
    keys.map((key) => ['set', key, 'forged', 'fill', '00000000000a']),
  );
  for (const reply of forged) t.regex(String(reply), /^-FILLLOST/);
  const filled = await callAll(
    second,
    keys.map((key, index) => ['set', key, 'loaded', 'fill', tokens[index] ?? '']),
  );
  t.deepEqual(new Set(filled), new Set(['OK']));
  const again = await callAll(
    third,
    keys.map((key, index) => ['set', key, 'twice', 'fill', tokens[index] ?? '']),
  );
  for (const reply of again) t.regex(String(reply), /^-FILLLOST/);
  const hits = await callAll(
    third,
    keys.map((key) => ['getfill', key]),
  );
  for (const reply of hits) t.deepEqual((reply as readonly Plain[]).slice(0, 2), ['hit', 'loaded']);

  // The node that was away comes back with nothing that was invalidated.
  await cluster.startNode('n1');
  await cluster.isReady('n1');
  const back = await connect('n1');
  const read = await callAll(
    back,
    tagged.map((key) => ['get', key]),
  );
  t.deepEqual(new Set(read), new Set([null]));
  t.is((await callAll(back, [['delmatch', 'key:*']]))[0], keys.length);
});
