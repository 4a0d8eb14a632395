import test from 'ava';
import { type ThreadedOptions, ThreadedShards } from '../../threaded-shards.ts';
import { TransactionClient } from '../../transaction-client.ts';
import { faultyFrontTable } from '../shard/faulty-table.ts';

async function withShards(
  shardCount: number,
  body: (threaded: ThreadedShards, newClient: () => TransactionClient) => Promise<void>,
  options: ThreadedOptions = {},
): Promise<void> {
  const threaded = new ThreadedShards({ shardCount, ...options });
  await threaded.shards.started();
  try {
    await body(threaded, () => new TransactionClient(threaded.shards.dispatcher, shardCount, options.table));
  } finally {
    await threaded.shards.stop(5000);
  }
}

test('the commands of a transaction are run in order and answered together', async (t) => {
  await withShards(1, async (_shards, newClient) => {
    const client = newClient();
    t.is(await client.call('multi'), 'OK');
    t.is(await client.call('set', 'a', '1'), 'QUEUED');
    t.is(await client.call('incr', 'a'), 'QUEUED');
    t.is(await client.call('get', 'a'), 'QUEUED');
    t.is(await client.call('mget', 'a', 'none'), 'QUEUED');
    t.is(client.queue.queuedCount, 4);
    t.deepEqual(await client.call('exec'), ['OK', 2, '2', ['2', null]]);
    t.is(client.queue.queuedCount, -1);
    t.is(await client.call('get', 'a'), '2');
  });
});

test('a command that fails while a transaction runs has its error in its place; the others stand', async (t) => {
  await withShards(1, async (_shards, newClient) => {
    const client = newClient();
    const reply = await client.transact(['set', 's', 'text'], ['incr', 's'], ['set', 't', '1']);
    t.deepEqual(reply, ['OK', 'error not-a-number value is not an integer or out of range', 'OK']);
    t.is(await client.call('get', 't'), '1');
  });
});

test('groups of writes within a transaction are parts of it, and a refused one is taken back alone', async (t) => {
  await withShards(1, async (_shards, newClient) => {
    const client = newClient();
    const reply = await client.transact(
      ['mset', 'a', '1', 'b', '2', 'c', '3'],
      ['del', 'a', 'none', 'b'],
      ['rename', 'c', 'd'],
      ['msetnx', 'd', '9', 'e', '9'],
      ['msetnx', 'e', '5', 'f', '6'],
      ['copy', 'f', 'g'],
      ['expire', 'g', '100'],
      ['append', 'g', 'x'],
      ['getdel', 'f'],
    );
    t.deepEqual(reply, ['OK', 2, 'OK', 0, 1, 1, 1, 2, '6']);
    t.deepEqual(await client.call('mget', 'a', 'b', 'c', 'd', 'e', 'f', 'g'), [null, null, null, '3', '5', null, '6x']);
    const ttl = Number(await client.call('ttl', 'g'));
    t.true(ttl > 50 && ttl <= 100, `${ttl}`);
  });
});

test('commands of the node, of all keys, and FLUSHALL work in a transaction', async (t) => {
  await withShards(1, async (_shards, newClient) => {
    const client = newClient();
    await client.call('set', 'old', '1');
    const reply = await client.transact(
      ['ping'],
      ['dbsize'],
      ['flushall'],
      ['dbsize'],
      ['set', 'new', '1'],
      ['echo', 'hello'],
      ['keys', '*'],
      ['randomkey'],
      ['scan', '0'],
    );
    t.deepEqual(reply, ['PONG', 1, 'OK', 0, 'OK', 'hello', ['new'], 'new', ['0', ['new']]]);
    t.is(await client.call('get', 'old'), null);
    t.is(await client.call('get', 'new'), '1');
    t.deepEqual(await client.transact(), []);
    t.deepEqual(await client.transact(['ping', 'alone']), ['alone']);
  });
});

test('EXEC is null when a watched key was changed, made, removed or given another expiry since WATCH', async (t) => {
  await withShards(1, async (_shards, newClient) => {
    const client = newClient();
    const other = newClient();
    const changes: (readonly [name: string, ...texts: string[]])[] = [
      ['set', 'k', 'other'],
      ['append', 'k', 'x'],
      ['del', 'k'],
      ['expire', 'k', '50'],
      ['persist', 'k'],
      ['flushall'],
      ['set', 'absent', '1'],
      ['rename', 'k', 'l'],
    ];
    for (const change of changes) {
      await other.call('flushall');
      await other.call('set', 'k', 'v', 'ex', '100');
      t.is(await client.call('watch', 'k', 'absent'), 'OK');
      await other.call(...change);
      t.is(client.queue.watchedCount, 2);
      t.is(await client.transact(['set', 'done', '1']), null, change.join(' '));
      t.is(client.queue.watchedCount, 0);
      t.is(await client.call('get', 'done'), null, change.join(' '));
      t.deepEqual(await client.transact(['set', 'done', '1']), ['OK'], 'watches are for one EXEC');
    }
    await client.call('watch', 'k');
    t.deepEqual(await client.transact(['get', 'k']), [null]);
    await client.call('watch', 'k');
    await other.call('set', 'k', 'again');
    await client.call('unwatch');
    t.deepEqual(await client.transact(['get', 'k']), ['again']);
  });
});

test('WATCH, MULTI and EXEC may come in one pipeline', async (t) => {
  await withShards(2, async (_shards, newClient) => {
    const client = newClient();
    const replies = [
      client.call('set', 'k', '1'),
      client.call('watch', 'k'),
      client.call('multi'),
      client.call('incr', 'k'),
      client.call('exec'),
      client.call('get', 'k'),
    ];
    t.deepEqual(await Promise.all(replies), ['OK', 'OK', 'OK', 'QUEUED', [2], '2']);
  });
});

test('what cannot be queued aborts the transaction, with the texts of Redis', async (t) => {
  await withShards(1, async (_shards, newClient) => {
    const client = newClient();
    t.is(await client.call('exec'), 'error bad-request EXEC without MULTI');
    t.is(await client.call('discard'), 'error bad-request DISCARD without MULTI');
    await client.call('multi');
    t.is(await client.call('multi'), 'error bad-request MULTI calls can not be nested');
    t.is(await client.call('watch', 'k'), 'error bad-request WATCH inside MULTI is not allowed');
    t.is(await client.call('set', 'k', '1'), 'QUEUED');
    t.is(await client.call('set', 'k'), "error arity wrong number of arguments for 'set' command");
    const aborted = 'error transaction-aborted Transaction discarded because of previous errors.';
    t.is(await client.call('exec'), aborted);
    t.is(await client.call('get', 'k'), null);
    await client.call('multi');
    await client.call('set', 'k', '1');
    t.is(await client.call('discard'), 'OK');
    t.is(await client.call('get', 'k'), null);
    t.is(await client.call('exec'), 'error bad-request EXEC without MULTI');
  });
});

test('a transaction may be over several shards, and is answered as one over one', async (t) => {
  await withShards(3, async (threaded, newClient) => {
    const client = newClient();
    const [a, b, c] = [threaded.keyOf(0), threaded.keyOf(1), threaded.keyOf(2)];
    const reply = await client.transact(
      ['set', a, '1'],
      ['mset', b, '2', c, '3', a, '4'],
      ['ping'],
      ['mget', c, 'none', a, b],
      ['del', a, b, 'none'],
      ['incr', c],
      ['dbsize'],
      ['keys', '*'],
      ['randomkey'],
      ['flushall'],
      ['dbsize'],
      ['set', b, '5'],
    );
    t.deepEqual(reply, ['OK', 'OK', 'PONG', ['3', null, '4', '2'], 2, 4, 1, [c], c, 'OK', 0, 'OK']);
    t.deepEqual(await client.call('mget', a, b, c), [null, '5', null]);
    const scanned: string[] = [];
    await client.call('mset', a, '1', c, '1');
    for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
      const [[next, keys]] = (await client.transact(['scan', cursor], ['get', a])) as [[string, string[]]];
      scanned.push(...keys);
      cursor = next;
    }
    t.deepEqual(scanned.sort(), [a, b, c].sort());
    await client.call('multi');
    const crossing = "error cross-slot Keys in request don't hash to the same slot";
    t.is(await client.call('rename', a, b), crossing);
    t.regex(String(await client.call('exec')), /transaction-aborted/);
  });
});

test('over several shards a watched key of any of them that changed leaves all as they were', async (t) => {
  await withShards(3, async (threaded, newClient) => {
    const client = newClient();
    const [a, b, c] = [threaded.keyOf(0), threaded.keyOf(1), threaded.keyOf(2)];
    await client.call('watch', a, c);
    await newClient().call('set', c, 'other');
    t.is(await client.transact(['set', a, '1'], ['set', b, '1']), null);
    t.deepEqual(await client.call('mget', a, b, c), [null, null, 'other']);
    await client.call('watch', c);
    t.deepEqual(await client.transact(['set', a, '1'], ['set', b, '1']), ['OK', 'OK']);
  });
});

test('many transactions over changing shards, in pipelines of several connections, are each run whole', async (t) => {
  await withShards(3, async (threaded, newClient) => {
    const keys = [0, 1, 2].map((shard) => threaded.keyOf(shard));
    const clients = [newClient(), newClient(), newClient()];
    const rounds = 150;
    const replies: Promise<unknown>[] = [];
    for (let round = 0; round < rounds; round++) {
      const client = clients[round % 3] as TransactionClient;
      const from = keys[round % 3] as string;
      const to = keys[(round + 1 + (round % 2)) % 3] as string;
      replies.push(client.transact(['decrby', from, String(round)], ['incrby', to, String(round)], ['incr', 'count']));
    }
    for (const reply of await Promise.all(replies)) t.is((reply as unknown[]).length, 3);
    const values = (await clients[0]?.call('mget', ...keys)) as string[];
    t.is(
      values.reduce((total, value) => total + Number(value), 0),
      0,
    );
    t.is(await clients[0]?.call('get', 'count'), String(rounds));
  });
});

const faultyThread = new URL('../shard/faulty-shard-thread.ts', import.meta.url);
for (const fault of ['fault.assert', 'fault.group', 'fault.hang', 'fault.exit']) {
  test(`a shard that dies in the middle of a transaction (${fault}) leaves nothing of it on any shard`, async (t) => {
    const options = { entry: faultyThread, table: faultyFrontTable, limits: { hangMs: 1500 } };
    await withShards(
      2,
      async (threaded, newClient) => {
        const client = newClient();
        const [a, b] = [threaded.keyOf(0), threaded.keyOf(1)];
        await client.call('mset', a, 'old', b, 'old');
        for (const faulty of [a, b]) {
          const reply = await client.transact(
            ['set', a, 'new'],
            ['set', b, 'new'],
            [fault, faulty],
            ['append', a, 'x'],
          );
          t.regex(String(reply), /error (indeterminate|overloaded)/);
          t.deepEqual(await client.call('mget', a, b), ['old', 'old']);
        }
        // On one shard alone.
        const reply = await client.transact(['set', a, 'new'], ['del', a], [fault, a]);
        t.regex(String(reply), /error indeterminate/);
        t.is(await client.call('get', a), 'old');
        t.deepEqual(await client.transact(['set', a, 'after'], ['set', b, 'after']), ['OK', 'OK']);
        t.deepEqual(await client.call('mget', a, b), ['after', 'after']);
        t.is(threaded.deaths.length, 3);
      },
      options,
    );
  });
}
