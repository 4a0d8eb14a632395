import test, { type ExecutionContext } from 'ava';
import { RefusalReason } from '../../../../src/shard/guarded-reply.ts';
import { Admission } from '../../../../src/shard/shard-client.ts';
import { eventually, PeerClient, PeerServer, type PeerServerOptions, ScriptedCommands } from '../../../peer-nodes.ts';
import { ThreadedShards } from '../../../threaded-shards.ts';

async function pairOf(
  t: ExecutionContext,
  options: PeerServerOptions,
): Promise<{ server: PeerServer; client: PeerClient }> {
  const server = await PeerServer.start({ front: { drainTimeoutMs: 10_000 }, ...options });
  const client = new PeerClient({ nodes: { server: server.port } });
  t.teardown(() => {
    client.close();
    server.close();
  });
  await client.up();
  return { server, client };
}

test('a node that stops answers all that others sent before they knew, also what it has not read yet', async (t) => {
  const script = new ScriptedCommands();
  // Held back from the third command on, the rest stays where the sockets keep it.
  const { server, client } = await pairOf(t, { commands: script, limits: { forwardsMax: 2 } });
  const value = 'v'.repeat(100_000);
  const replies = Array.from({ length: 100 }, (_, index) => client.call('set', `k${index}`, value));
  await script.until(2);
  const drained = server.front.drain();
  let isTold = 0;
  const answering = (async () => {
    for (let index = 0; index < 100; index++) {
      await script.until(index + 1);
      script.reply(index, (reply) => reply.integer(index));
    }
  })();
  for (const reply of replies) t.is(await reply, isTold++);
  await answering;
  t.true(await drained);
  t.false(client.link().isUp);
  t.false(
    client.log.some(({ message }) => /closed/.test(message)),
    'it is no fault',
  );
});

test('a node that stops is sent nothing more, and its link is up again when it is', async (t) => {
  const script = new ScriptedCommands();
  const { server, client } = await pairOf(t, { commands: script });
  const { port } = server;
  const first = client.call('set', 'a', '1');
  await script.until(1);
  const drained = server.front.drain();
  const behind = client.call('set', 'a', '2');
  await eventually('the asker knows', () => !client.link().isUp);
  t.deepEqual(await client.call('set', 'a', '3'), { admission: Admission.unreachable });
  let receivers = -1;
  client.link().publish(Buffer.from('channel'), Buffer.from('message'), false, (count) => {
    receivers = count;
  });
  t.is(receivers, 0);
  t.is(client.links.inFlight, 2);
  await script.until(2);
  script.reply(0, (reply) => reply.status('OK'));
  script.refuse(1, RefusalReason.notPrimary);
  t.is(await first, 'OK');
  t.like(await behind, { reason: RefusalReason.notPrimary });
  t.true(await drained);
  const next = await PeerServer.start({ commands: script, port });
  t.teardown(() => next.close());
  await client.up();
  const again = client.call('set', 'a', '4');
  await script.until(3);
  script.reply(2, (reply) => reply.status('OK'));
  t.is(await again, 'OK');
});

test('what is not answered when the time to stop is over is cut off, and its asker told', async (t) => {
  const script = new ScriptedCommands();
  const { server, client } = await pairOf(t, { commands: script, front: { drainTimeoutMs: 50 } });
  const write = client.call('set', 'a', '1');
  await script.until(1);
  t.false(await server.front.drain());
  t.regex(String(await write), /^error indeterminate/);
});

test('nodes that stop under load, one after the other: every command was run, or may be sent elsewhere', async (t) => {
  const threads = new ThreadedShards({ shardCount: 2 });
  t.teardown(() => threads.shards.stop(1000));
  await threads.shards.started();
  const { dispatcher } = threads.shards;
  const options: PeerServerOptions = {
    commands: { runForwarded: (command, args, _flags, sink) => dispatcher.execute(command, args, sink, null) },
    front: { drainTimeoutMs: 10_000 },
  };
  let { server, client } = await pairOf(t, options);
  const { port } = server;
  let isOver = false;
  let run = 0;
  const errors: unknown[] = [];
  const writers = Array.from({ length: 16 }, async () => {
    while (!isOver) {
      const replies = await Promise.all(Array.from({ length: 8 }, () => client.call('incr', 'count')));
      for (const reply of replies) {
        if (typeof reply === 'number') run++;
        else if (typeof reply === 'string') errors.push(reply);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  for (let round = 0; round < 5; round++) {
    const before = run;
    await eventually('commands run', () => run > before + 500);
    t.true(await server.front.drain());
    server = await PeerServer.start({ ...options, port });
    await client.up();
  }
  isOver = true;
  await Promise.all(writers);
  t.deepEqual(errors, []);
  t.is(await client.call('get', 'count'), String(run));
  server.close();
});
