import test from 'ava';
import { type ThreadedOptions, ThreadedShards } from '../../threaded-shards.ts';
import { TransactionClient } from '../../transaction-client.ts';

async function withShards(
  shardCount: number,
  body: (shards: ThreadedShards, newClient: () => TransactionClient) => Promise<void>,
  options: ThreadedOptions = {},
): Promise<void> {
  const threaded = new ThreadedShards({ shardCount, ...options });
  await threaded.shards.started();
  try {
    await body(threaded, () => new TransactionClient(threaded.shards.dispatcher, shardCount));
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
    t.is(await client.call('ttl', 'g'), 100);
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
