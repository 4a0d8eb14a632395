import test from 'ava';
import fc from 'fast-check';
import type { Args } from '../../../src/command/args.ts';
import { ArgsBuffer } from '../../../src/command/args-buffer.ts';
import { commandTable } from '../../../src/command/table.ts';
import { OrderedSession } from '../../../src/server/dispatch/ordered-session.ts';
import { RefusalReason } from '../../../src/shard/guarded-reply.ts';
import { InThreadCluster } from '../../in-thread-cluster.ts';
import { InThreadShards, plainReply } from '../../in-thread-shards.ts';

const scale = Number(process.env['FLUXCACHE_TEST_SCALE'] ?? 1);
const PARTITIONS = 4;

const key = fc.integer({ min: 0, max: 5 }).map((number) => `key:${number}`);
const value = fc.integer({ min: -5, max: 99 }).map(String);

/** Of one connection, whose keys nobody else has: what each replies depends on the order of all before it. */
const command = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant('get'), key) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('append'), key, value) },
  fc.tuple(fc.constant('incr'), key),
  fc.tuple(fc.constant('set'), key, value),
  fc.tuple(fc.constantFrom('rename', 'copy', 'renamenx'), key, key),
  fc.array(key, { minLength: 1, maxLength: 5 }).map((keys) => ['mget', ...keys]),
  fc.array(key, { minLength: 1, maxLength: 5 }).map((keys) => ['del', ...keys]),
  fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 3 }).map((pairs) => ['mset', ...pairs.flat()]),
) as fc.Arbitrary<string[]>;

const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constantFrom('serve', 'receive', 'acknowledge'), node: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constantFrom('deliver', 'answer'),
      node: fc.nat(2),
      to: fc.nat(2),
      limit: fc.integer({ min: 1, max: 3 }),
    }),
  },
  fc.record({ what: fc.constantFrom('look', 'hear'), node: fc.nat(2) }),
  fc.record({ what: fc.constantFrom('retire', 'refuse', 'permit'), partition: fc.nat(PARTITIONS - 1) }),
  fc.record({ what: fc.constant('promote'), partition: fc.nat(PARTITIONS - 1), node: fc.nat(2) }),
  fc.record({ what: fc.constant('wait'), ms: fc.integer({ min: 1, max: 30 }) }),
);
type Happening = {
  readonly what: string;
  readonly node?: number;
  readonly to?: number;
  readonly limit?: number;
  readonly partition?: number;
  readonly ms?: number;
};

const step = fc.record({
  connection: fc.nat(2),
  command,
  before: fc.array(happening, { maxLength: 5 }) as fc.Arbitrary<Happening[]>,
});
type Step = { readonly connection: number; readonly command: readonly string[]; readonly before: readonly Happening[] };

function happen(
  cluster: InThreadCluster,
  { what, node = 0, to = 0, limit = 1, partition = 0, ms = 0 }: Happening,
): void {
  const at = cluster.node(node);
  const primary = cluster.primary(partition);
  const shard = primary?.shards[primary.map.shardOfPartition(partition)];
  const link = at.links.get(cluster.node(to).id);
  if (what === 'serve') at.serve(2);
  if (what === 'receive') at.receive(2);
  if (what === 'acknowledge') at.acknowledge();
  if (what === 'deliver') link?.deliver(limit);
  if (what === 'answer') link?.receive(limit);
  if (what === 'look') at.dispatcher.look();
  if (what === 'hear' && at.state !== cluster.state) at.hear(cluster.state);
  if (what === 'retire') cluster.retire(partition);
  if (what === 'promote') cluster.promote(partition, at);
  if (what === 'refuse') shard?.refusals.set(partition, RefusalReason.handingOver);
  if (what === 'permit') shard?.refusals.clear();
  if (what === 'wait') cluster.nowMs += ms;
}

function argsOf(texts: readonly string[]): Args {
  const buffer = new ArgsBuffer();
  buffer.begin();
  for (const text of texts) buffer.text(text);
  return buffer.args;
}

/** The replies, by step; what is not run when time is over fails the test. */
async function run(cluster: InThreadCluster, steps: readonly Step[]): Promise<unknown[]> {
  const sessions = [0, 1, 2].map(() => new OrderedSession(cluster.shardCount));
  // It reads copies, too; here these hold what has been done.
  for (const session of sessions.slice(2)) session.readsReplicas = true;
  const replies: unknown[] = steps.map(() => 'NOT ANSWERED');
  for (const [number, { connection, command: texts, before }] of steps.entries()) {
    for (const what of before) happen(cluster, what);
    const session = sessions[connection] as OrderedSession;
    for (let turns = 0; session.blocked && turns < 100; turns++) cluster.turn();
    // What blocks it waits for a primary.
    if (session.blocked) {
      repair(cluster);
      await cluster.settle();
    }
    const [name = '', ...rest] = texts;
    const own = rest.map((text) => (text.startsWith('key:') ? `${text}:${connection}` : text));
    const args = argsOf(own);
    cluster.node(connection).dispatcher.execute(
      commandTable.named(name),
      args,
      {
        onReply: (reply) => {
          if (replies[number] !== 'NOT ANSWERED') throw new Error(`I4: command ${number} is answered twice`);
          replies[number] = plainReply(reply);
        },
      },
      session,
    );
    args.bytes.fill(0xee);
  }
  repair(cluster);
  await cluster.settle();
  return replies;
}

function repair(cluster: InThreadCluster): void {
  for (let partition = 0; partition < cluster.partitionCount; partition++) {
    if (cluster.primary(partition) === null) cluster.promote(partition, cluster.node(partition));
  }
  for (const node of cluster.nodes) for (const shard of node.shards) shard.refusals.clear();
  cluster.tellAll();
}

/** What each connection would have been told by one store that runs its commands one by one. */
async function expected(steps: readonly Step[], replies: readonly unknown[]): Promise<unknown[]> {
  const one = new InThreadShards(1);
  const wanted: unknown[] = [];
  for (const [number, { connection, command: texts }] of steps.entries()) {
    const [name = '', ...rest] = texts;
    const own = rest.map((text) => (text.startsWith('key:') ? `${text}:${connection}` : text));
    one.dispatcher.execute(commandTable.named(name), argsOf(own), {
      onReply: (reply) => wanted.push(plainReply(reply)),
    });
    await one.settle();
    // A write whose reply was lost has taken effect, in this cluster where nothing else is lost.
    if (String(replies[number]).startsWith('error indeterminate')) wanted[number] = replies[number];
  }
  return wanted;
}

test("a connection's commands have the replies of one store that runs them in order, wherever their partitions go meanwhile", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 }),
      fc.array(step, { minLength: 1, maxLength: 40 }),
      async (shards, steps) => {
        const cluster = new InThreadCluster({
          partitions: PARTITIONS,
          shards,
          dispatcher: { forwardTimeoutMs: 1_000_000 },
        });
        const replies = await run(cluster, steps);
        cluster.stop();
        t.deepEqual(replies, await expected(steps, replies));
        t.deepEqual(cluster.defects, []);
      },
    ),
    { numRuns: 150 * scale },
  );
});

test('every command is answered exactly once when commands wait no longer than a moment, and links are lost', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ step, losing: fc.option(fc.tuple(fc.nat(2), fc.nat(2)), { freq: 5 }) }), {
        minLength: 5,
        maxLength: 60,
      }),
      async (drawn) => {
        const cluster = new InThreadCluster({ partitions: PARTITIONS, dispatcher: { forwardTimeoutMs: 20 } });
        const sessions = [0, 1, 2].map(() => new OrderedSession(1));
        let owed = 0;
        for (const {
          step: { connection, command: texts, before },
          losing,
        } of drawn) {
          for (const what of before) happen(cluster, what);
          if (losing !== null) cluster.node(losing[0]).links.get(cluster.node(losing[1]).id)?.lose();
          const session = sessions[connection] as OrderedSession;
          for (let turns = 0; session.blocked && turns < 1000; turns++) {
            cluster.nowMs += 5;
            cluster.turn();
          }
          const [name = '', ...rest] = texts;
          let answers = 0;
          owed++;
          const onReply = (): void => {
            if (++answers > 1) throw new Error('I4: a command is answered twice');
            owed--;
          };
          cluster.node(connection).dispatcher.execute(commandTable.named(name), argsOf(rest), { onReply }, session);
        }
        await cluster.settle();
        cluster.stop();
        t.is(owed, 0);
        for (const session of sessions) t.is(session.inFlight, 0);
      },
    ),
    { numRuns: 80 * scale },
  );
});
