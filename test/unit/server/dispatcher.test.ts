import test from 'ava';
import { ArgsBuffer } from '../../../src/command/args-buffer.ts';
import type { PairCommand } from '../../../src/command/command.ts';
import { families } from '../../../src/command/families.ts';
import { CommandTable, commandTable } from '../../../src/command/table.ts';
import { OrderedSession } from '../../../src/server/dispatch/ordered-session.ts';
import { InThreadShards, type ModelShardStore, plainReply } from '../../in-thread-shards.ts';

/** Shards in this thread, and the replies in the order in which they came. */
function dispatching(shardCount = 1) {
  const shards = new InThreadShards(shardCount);
  const replies: unknown[] = [];
  const buffer = new ArgsBuffer();
  const execute = (session: OrderedSession | null, name: string, ...texts: string[]): void => {
    buffer.begin();
    for (const text of texts) buffer.text(text);
    const onReply = (reply: Parameters<typeof plainReply>[0]): void => {
      replies.push(plainReply(reply));
    };
    shards.dispatcher.execute(commandTable.named(name), buffer.args, { onReply }, session);
  };
  const serve = (): void => {
    for (let shard = 0; shard < shardCount; shard++) {
      shards.serve(shard);
      shards.receive(shard);
    }
  };
  return { shards, replies, execute, serve, store: shards.stores[0] as ModelShardStore };
}

test('a read is answered within the call, a write after its shard has served', (t) => {
  const { replies, execute, serve } = dispatching();
  execute(null, 'set', 'a', '1');
  t.deepEqual(replies, []);
  serve();
  t.deepEqual(replies, ['OK']);
  execute(null, 'get', 'a');
  t.deepEqual(replies, ['OK', '1']);
});

test('a read that meets a group of writes being published goes by the mailbox (I8)', (t) => {
  const { replies, execute, serve, store, shards } = dispatching();
  store.publishing = true;
  execute(null, 'get', 'a');
  t.deepEqual(replies, []);
  t.is(shards.dispatcher.beginRead(Buffer.from('a'), 0, 1), null);
  serve();
  t.deepEqual(replies, [null]);
});

test('a read of several keys that a group of writes overtook goes by the mailbox (I8)', (t) => {
  const { replies, execute, serve, store } = dispatching();
  store.changed = true;
  execute(null, 'mget', 'a', 'b');
  t.deepEqual(replies, []);
  serve();
  t.deepEqual(replies, [[null, null]]);
  store.changed = true;
  execute(null, 'get', 'a');
  t.deepEqual(replies, [[null, null], null]);
});

for (const overtaken of [0, 1]) {
  test(`a read of keys of two shards goes by both mailboxes when a group of writes overtook it on shard ${overtaken} (I8)`, (t) => {
    const { replies, execute, serve, shards } = dispatching(2);
    const keys = [0, 1].map((shard) => {
      const all = Array.from({ length: 100 }, (_, number) => `key:${number}`);
      return all.find((key) => shards.map.shardOfKey(Buffer.from(key), 0, key.length) === shard) as string;
    });
    const [first, second] = keys as [string, string];
    execute(null, 'mset', first, 'a', second, 'b');
    serve();
    t.deepEqual(replies.splice(0), ['OK']);
    (shards.stores[overtaken] as ModelShardStore).changed = true;
    execute(null, 'mget', first, second);
    // What was read is torn perhaps: nothing of it is told, and both shards are asked.
    t.deepEqual(replies, []);
    t.is(shards.dispatcher.mailboxDepth(0), 1);
    t.is(shards.dispatcher.mailboxDepth(1), 1);
    serve();
    t.deepEqual(replies, [['a', 'b']]);
    execute(null, 'mget', second, first);
    t.deepEqual(replies, [
      ['a', 'b'],
      ['b', 'a'],
    ]);
  });
}

test("a read behind a write of its own connection goes by the mailbox, another connection's does not (I7)", (t) => {
  const { replies, execute, serve } = dispatching();
  const session = new OrderedSession(1);
  execute(session, 'set', 'a', '1');
  execute(session, 'get', 'a');
  execute(new OrderedSession(1), 'get', 'a');
  t.deepEqual(replies, [null]);
  t.is(session.inFlight, 2);
  serve();
  t.deepEqual(replies, [null, 'OK', '1']);
  t.is(session.inFlight, 0);
});

test('a command over all shards waits for those of its connection in flight, and blocks the session meanwhile', async (t) => {
  const { replies, execute, serve, shards } = dispatching(2);
  const session = new OrderedSession(2);
  let ready = 0;
  session.onReady = () => ready++;
  execute(session, 'set', 'a', '1');
  execute(session, 'dbsize');
  t.true(session.blocked);
  t.throws(() => execute(session, 'get', 'a'), { name: 'AssertionError' });
  serve();
  await shards.settle();
  t.deepEqual(replies, ['OK', 1]);
  t.false(session.blocked);
  t.is(ready, 1);
});

test('a read whose work grows with the value is left to the shard when the value is large', async (t) => {
  const { replies, execute, shards } = dispatching();
  execute(null, 'json.set', 'small', '$', '{"a":1}');
  execute(null, 'json.set', 'large', '$', JSON.stringify({ a: 1, text: 'x'.repeat(100_000) }));
  // In chunks: more than one turn.
  await shards.settle();
  t.deepEqual(replies.splice(0), ['OK', 'OK']);
  execute(null, 'json.get', 'small', '$.a');
  t.deepEqual(replies, ['[1]']);
  execute(null, 'json.get', 'large', '$.a');
  t.deepEqual(replies, ['[1]']);
  await shards.settle();
  t.deepEqual(replies, ['[1]', '[1]']);
});

test('a sink may ask for the next command while it holds a reply', (t) => {
  const { shards, execute, serve } = dispatching();
  execute(null, 'mset', 'a', 'first', 'b', 'second');
  serve();
  const seen: unknown[] = [];
  const args = (key: string) => new ArgsBuffer().begin().text(key).args;
  shards.dispatcher.execute(commandTable.named('get'), args('a'), {
    onReply: (outer) => {
      shards.dispatcher.execute(commandTable.named('get'), args('b'), {
        onReply: (inner) => seen.push(plainReply(inner)),
      });
      seen.push(plainReply(outer));
    },
  });
  t.deepEqual(seen, ['second', 'first']);
});

test('a dispatcher that closes refuses what comes and answers what is in flight', (t) => {
  const { shards, replies, execute, serve } = dispatching();
  execute(null, 'set', 'a', '1');
  shards.dispatcher.close();
  execute(null, 'get', 'a');
  t.is(shards.dispatcher.beginRead(Buffer.from('a'), 0, 1), null);
  t.is(shards.dispatcher.inFlight, 1);
  serve();
  t.deepEqual(replies, ['error shutting-down the node is shutting down', 'OK']);
  t.is(shards.dispatcher.inFlight, 0);
});

test('a command over several shards is refused whole when one of them has no room', (t) => {
  const shards = new InThreadShards(2, { ringBytes: 1024, queuedCountMax: 2 });
  const buffer = new ArgsBuffer();
  const replies: unknown[] = [];
  const keys = [0, 1].map((shard) => {
    for (let number = 0; ; number++) {
      const key = `key:${number}`;
      if (shards.map.shardOfKey(Buffer.from(key), 0, key.length) === shard) return key;
    }
  }) as [string, string];
  const mset = (...texts: string[]): void => {
    buffer.begin();
    for (const text of texts) buffer.text(text);
    shards.dispatcher.execute(commandTable.named('mset'), buffer.args, {
      onReply: (reply) => replies.push(plainReply(reply)),
    });
  };
  while (replies.length === 0) mset(keys[1], 'x'.repeat(100));
  t.regex(String(replies[0]), /^error overloaded/);
  mset(keys[0], 'not written', keys[1], 'nor this');
  t.regex(String(replies[1]), /^error overloaded/);
  t.is(shards.dispatcher.mailboxDepth(0), 0);
  shards.serve(0);
  t.is(shards.stores[0]?.keyCount, 0);
});

/** Shards whose command `two` works on two keys, by these steps. */
function withSteps(start: PairCommand['start']) {
  const row: PairCommand = {
    kind: 'pair',
    name: 'two',
    arity: 3,
    flags: ['write'],
    keys: { first: 0, last: 1, step: 1 },
    group: 'generic',
    since: '0.1.0',
    summary: '',
    complexity: '',
    syntax: 'key key',
    run: () => {},
    start,
  };
  const table = new CommandTable([...families, row]);
  const shards = new InThreadShards(2, { table });
  const session = new OrderedSession(2);
  const replies: unknown[] = [];
  const buffer = new ArgsBuffer().begin();
  for (const shard of [0, 1]) buffer.text(keyOfShard(shards, shard));
  const sink = { onReply: (reply: Parameters<typeof plainReply>[0]) => void replies.push(plainReply(reply)) };
  shards.dispatcher.execute(table.named('two'), buffer.args, sink, session);
  return { shards, session, replies };
}

function keyOfShard({ map }: InThreadShards, shard: number): string {
  for (let number = 0; ; number++) {
    const key = `key:${number}`;
    if (map.shardOfKey(Buffer.from(key), 0, key.length) === shard) return key;
  }
}

test('a command over two shards that throws at its start is answered, and counts as in flight no more', (t) => {
  const { shards, session, replies } = withSteps(() => {
    throw new Error('no start');
  });
  t.deepEqual(replies, ["error internal the command 'two' failed; the log says more"]);
  t.deepEqual(shards.defects, ['two: Error: no start']);
  t.is(shards.dispatcher.inFlight, 0);
  t.false(session.blocked);
});

test('a command over two shards whose later step throws is answered, and its connection goes on', async (t) => {
  const { shards, session, replies } = withSteps((args) => {
    const own = new ArgsBuffer().begin().bytes(args.bytes, args.start(0), args.end(0)).args;
    return {
      next: (previous) => {
        if (previous !== null) throw new Error('no second step');
        return { command: 'get', args: own };
      },
    };
  });
  t.true(session.blocked);
  await shards.settle();
  t.deepEqual(replies, ["error internal the command 'two' failed; the log says more"]);
  t.deepEqual(shards.defects, ['two: Error: no second step']);
  t.is(shards.dispatcher.inFlight, 0);
  t.false(session.blocked);
});
