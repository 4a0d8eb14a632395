import test from 'ava';
import fc from 'fast-check';
import { ChangeFlag, ChangeKind, interestIn, interestInAll } from '../../../src/base/change.ts';
import { eventNameOf } from '../../../src/command/event-name.ts';
import type { Change, ChangesListener } from '../../../src/server/dispatch/change-hub.ts';
import { OrderedSession } from '../../../src/server/dispatch/ordered-session.ts';
import { CommandRunner } from '../../command-runner.ts';
import { ModelStore } from '../../model-store.ts';
import { testScale } from '../../scale.ts';
import { type ThreadedOptions, ThreadedShards, until } from '../../threaded-shards.ts';
import { TransactionClient } from '../../transaction-client.ts';
import { faultyFrontTable } from '../shard/faulty-table.ts';

const kindNames = Object.keys(ChangeKind);

/** Notes changes as texts: kind, key, and what is told beside them. */
class Notes implements ChangesListener {
  readonly seen: string[] = [];
  readonly events: string[] = [];
  readonly authors: (OrderedSession | null)[] = [];
  readonly lost: number[] = [];

  onChange(change: Readonly<Change>): void {
    const key = Buffer.from(change.bytes.subarray(change.start, change.end)).toString('latin1');
    this.seen.push(noted(change.kind, key, change.flags));
    this.events.push(`${eventNameOf(change.kind, change.row, change.flags)} ${key}`);
    this.authors.push(change.author);
  }

  onLost(shard: number): void {
    this.lost.push(shard);
  }

  take(): string[] {
    return this.seen.splice(0);
  }

  takeEvents(): string[] {
    return this.events.splice(0);
  }
}

function noted(kind: ChangeKind, key: string, flags: number): string {
  const more = kind === ChangeKind.set ? flags & ChangeFlag.created : flags & ChangeFlag.expires;
  return `${kindNames[kind]} ${key}${more === 0 ? '' : ' !'}`;
}

async function withShards(
  options: ThreadedOptions,
  body: (shards: ThreadedShards, notes: Notes) => Promise<void>,
): Promise<void> {
  const threaded = new ThreadedShards(options);
  await threaded.shards.started();
  const notes = new Notes();
  const stop = threaded.shards.changes.listen(notes, interestInAll);
  try {
    await body(threaded, notes);
  } finally {
    stop();
    await threaded.shards.stop(5000);
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd');
const command = fc.oneof(
  fc.tuple(fc.constant('set'), key, fc.constantFrom('1', 'text')),
  fc.tuple(fc.constant('set'), key, fc.constant('1'), fc.constantFrom('keepttl', 'nx', 'xx', 'get')),
  fc.tuple(fc.constant('set'), key, fc.constant('1'), fc.constant('ex'), fc.constantFrom('100', '1000')),
  fc.tuple(fc.constantFrom('incr', 'decr', 'getdel', 'persist', 'get', 'ttl'), key),
  fc.tuple(fc.constantFrom('append', 'getset', 'setnx'), key, fc.constant('7')),
  fc.tuple(fc.constant('expire'), key, fc.constantFrom('100', '-1', '200')),
  fc.tuple(fc.constant('getex'), key, fc.constantFrom('persist', 'nonsense')),
  fc.tuple(fc.constant('mset'), key, fc.constant('1'), key, fc.constant('2')),
  fc.tuple(fc.constant('del'), key, key, key),
  fc.tuple(fc.constantFrom('rename', 'renamenx', 'copy'), key, key),
  fc.tuple(fc.constant('json.set'), key, fc.constant('$'), fc.constant('{"x":1}')),
  fc.tuple(fc.constant('flushall')),
);

test('every command tells what it changed, in order and before it is answered; a transaction as its commands', async (t) => {
  await withShards({ shardCount: 1 }, async (threaded, notes) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.array(command, { minLength: 1, maxLength: 5 })), { maxLength: 15 }),
        async (rounds) => {
          const model = new ModelStore(Date.now());
          const runner = new CommandRunner(model);
          const expected: string[] = [];
          model.changes = {
            isListening: true,
            onChange: (kind, bytes, start, end, flags) => {
              expected.push(noted(kind, Buffer.from(bytes.subarray(start, end)).toString('latin1'), flags));
            },
            mark: () => expected.length,
            takeBack: (mark) => {
              expected.length = mark;
            },
          };
          const client = new TransactionClient(threaded.shards.dispatcher, 1);
          await client.call('flushall');
          notes.take();
          for (const [isTransaction, commands] of rounds) {
            for (const [name, ...words] of commands) runner.run(name, ...words);
            if (isTransaction) await client.transact(...(commands as [string, ...string[]][]));
            else for (const [name, ...words] of commands) await client.call(name, ...words);
            t.deepEqual(notes.take(), expected.splice(0));
          }
        },
      ),
      { numRuns: 40 * testScale },
    );
  });
});

test('changes bear the names of Redis', async (t) => {
  await withShards({ shardCount: 2 }, async (threaded, notes) => {
    const call = async (name: string, ...words: string[]): Promise<string[]> => {
      await threaded.call(name, ...words);
      return notes.takeEvents();
    };
    const a = threaded.keyOf(0, 1);
    const b = threaded.keyOf(0, 2);
    const far = threaded.keyOf(1, 1);
    t.deepEqual(await call('set', a, '1'), [`set ${a}`]);
    t.deepEqual(await call('set', a, '1', 'ex', '9'), [`set ${a}`, `expire ${a}`]);
    t.deepEqual(await call('incr', a), [`incrby ${a}`]);
    t.deepEqual(await call('persist', a), [`persist ${a}`]);
    t.deepEqual(await call('append', a, 'x'), [`append ${a}`]);
    t.deepEqual(await call('getex', a, 'ex', '5'), [`expire ${a}`]);
    t.deepEqual(await call('rename', a, b), [`rename_from ${a}`, `rename_to ${b}`]);
    t.deepEqual(await call('copy', b, a), [`copy_to ${a}`]);
    t.deepEqual(await call('copy', b, far), [`copy_to ${far}`]);
    t.deepEqual(await call('rename', far, a), [`rename_to ${a}`, `rename_from ${far}`]);
    t.deepEqual(await call('expire', a, '-1'), [`del ${a}`]);
    t.deepEqual(await call('json.set', a, '$', '{"n":1}'), [`json.set ${a}`]);
    t.deepEqual(await call('json.numincrby', a, '$.n', '1'), [`json.numincrby ${a}`]);
    t.deepEqual(await call('json.del', a), [`json.del ${a}`]);
    t.deepEqual(await call('getdel', b), [`del ${b}`]);
    t.deepEqual(await call('flushall'), ['null ', 'null ']);
  });
});

test('a change names the session whose command made it; what nobody asked for names none', async (t) => {
  await withShards({ shardCount: 1 }, async (threaded, notes) => {
    const one = new OrderedSession(1);
    const other = new OrderedSession(1);
    await Promise.all([
      threaded.callIn(one, 'set', 'a', '1'),
      threaded.callIn(other, 'set', 'b', '1', 'px', '20'),
      threaded.callIn(null, 'set', 'c', '1'),
    ]);
    await until('the key expired', () => notes.seen.includes('expired b'));
    const byChange = notes.seen.map((seen, index) => [seen, notes.authors[index]]);
    t.deepEqual(
      byChange.filter(([seen]) => seen !== 'expired b'),
      [
        ['set a !', one],
        ['set b !', other],
        ['expiry b !', other],
        ['set c !', null],
      ],
    );
    t.is(notes.authors[notes.seen.indexOf('expired b')], null);
  });
});

test('an entry that expires is told when it does, though nothing else happens', async (t) => {
  await withShards({ shardCount: 2 }, async (threaded, notes) => {
    const late: number[] = [];
    for (let round = 0; round < 5; round++) {
      const name = threaded.keyOf(round % 2, round);
      const dueMs = Date.now() + 100;
      await threaded.call('set', name, 'v', 'px', '100');
      await until('the key expired', () => notes.seen.includes(`expired ${name}`));
      late.push(Date.now() - dueMs);
    }
    t.true(Math.min(...late) < 250, `${late}`);
  });
});

test('what is evicted is told, each key once, and is gone', async (t) => {
  await withShards({ shardCount: 1, budgetBytes: 4 << 20, eviction: 'flux' }, async (threaded, notes) => {
    const value = 'x'.repeat(1000);
    const count = 8000;
    for (let from = 0; from < count; from += 1000) {
      const names = Array.from({ length: 1000 }, (_, number) => `k${from + number}`);
      const replies = await Promise.all(names.map((name) => threaded.call('set', name, value)));
      t.true(replies.every((reply) => reply === 'OK'));
    }
    const present = new Set<string>();
    for (const seen of notes.seen) {
      const [kind, name = ''] = seen.split(' ');
      if (kind === 'set') present.add(name);
      else {
        t.is(kind, 'evicted');
        t.true(present.delete(name), name);
      }
    }
    t.true(present.size < count);
    t.is(await threaded.call('dbsize'), present.size);
    for (const name of [...present].slice(0, 200)) t.is(await threaded.call('exists', name), 1);
  });
});

test('a command of many keys, and keys longer than a frame, are told through a small ring, whole and in order', async (t) => {
  await withShards({ shardCount: 1, replyRingBytes: 4096, budgetBytes: 64 << 20 }, async (threaded, notes) => {
    const keys = Array.from({ length: 8000 }, (_, number) => `key:${number}`);
    t.is(await threaded.call('mset', ...keys.flatMap((name) => [name, 'v'])), 'OK');
    t.deepEqual(
      notes.take(),
      keys.map((name) => `set ${name} !`),
    );
    t.is(await threaded.call('del', ...keys), keys.length);
    t.deepEqual(
      notes.take(),
      keys.map((name) => `removed ${name}`),
    );
    const long = 'x'.repeat(50_000);
    t.is(await threaded.call('set', long, 'v'), 'OK');
    t.deepEqual(notes.take(), [`set ${long} !`]);
    // Many entries expire together while nobody waits for a reply: the ring fills, and all come in the end.
    await threaded.call('flushall');
    notes.take();
    for (let from = 0; from < 5000; from += 1000) {
      await Promise.all(keys.slice(from, from + 1000).map((name) => threaded.call('set', name, 'v', 'px', '50')));
    }
    await until('all expired', () => notes.seen.filter((seen) => seen.startsWith('expired')).length === 5000);
    t.is(await threaded.call('set', 'after', '1'), 'OK');
  });
});

test('shards tell of the kinds that are listened to, and of nothing without a listener', async (t) => {
  const threaded = new ThreadedShards({ shardCount: 1 });
  await threaded.shards.started();
  const notes = new Notes();
  await threaded.call('set', 'a', '1');
  const stop = threaded.shards.changes.listen(notes, interestIn(ChangeKind.removed));
  await threaded.call('set', 'a', '2');
  await threaded.call('del', 'a');
  t.deepEqual(notes.take(), ['removed a']);
  const more = new Notes();
  const stopMore = threaded.shards.changes.listen(more, interestIn(ChangeKind.set));
  await threaded.call('set', 'a', '3');
  t.deepEqual(more.take(), ['set a !']);
  stop();
  stopMore();
  await threaded.call('del', 'a');
  t.deepEqual([...notes.take(), ...more.take()], []);
  await threaded.shards.stop(5000);
});

test('when a shard is replaced listeners are told that its changes may be lost, and hear of those that follow', async (t) => {
  const entry = new URL('../shard/faulty-shard-thread.ts', import.meta.url);

  await withShards({ shardCount: 2, entry, table: faultyFrontTable }, async (threaded, notes) => {
    const name = threaded.keyOf(1);
    const reply = String(await threaded.call('fault.assert', name));
    t.regex(reply, /indeterminate/);
    t.deepEqual(notes.lost, [1]);
    t.is(await threaded.call('set', name, '1'), 'OK');
    t.deepEqual(notes.take(), [`set ${name} !`]);
  });
});

test('a listener that throws misses the change, is told so, and costs neither the reply nor the other listeners', async (t) => {
  await withShards({ shardCount: 1 }, async ({ shards }, notes) => {
    const lost: number[] = [];
    const stop = shards.changes.listen(
      {
        onChange: () => {
          throw new TypeError('a defect');
        },
        onLost: (shard) => void lost.push(shard),
      },
      interestInAll,
    );
    const client = new TransactionClient(shards.dispatcher, 1);
    t.is(await client.call('set', 'a', '1'), 'OK');
    stop();
    t.deepEqual(lost, [0]);
    t.deepEqual(notes.take(), ['set a !']);
  });
});
