import test from 'ava';
import { Packr } from 'msgpackr';
import { InThreadRpc } from '../../../rpc-session.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true });

/** Makes the requests one after the other, each in a message of its own, and returns their results. */
async function resultsOf(rpc: InThreadRpc, requests: readonly (readonly [string, readonly unknown[]])[]) {
  for (const [id, [method, params]] of requests.entries()) {
    await rpc.receive(packr.pack([0, id, method, params]));
    await rpc.settle();
  }
  return rpc.messages();
}

test('what a command keeps is not overwritten by the next that arrives in the same memory', async (t) => {
  const rpc = new InThreadRpc(2);
  const messages = await resultsOf(rpc, [
    ['set', ['source', 'value']],
    // Names on either shard, so that some of these moves are over both.
    ...['one', 'two', 'three', 'four', 'five', 'six'].map((name) => ['copy', ['source', name]] as const),
    ['mget', ['one', 'two', 'three', 'four', 'five', 'six']],
    ['watch', ['source']],
    ['multi', []],
    ['get', ['source']],
    ['exec', []],
    ['subscribe', ['news']],
    ['ping', []],
  ]);
  const answers = new Map(
    messages.filter(([kind]) => kind === 1).map(([, id, error, result]) => [id, error ?? result]),
  );
  t.deepEqual(answers.get(7), Array(6).fill('value'));
  t.deepEqual(answers.get(11), ['value']);
  t.is(rpc.channels.publish(Buffer.from('news'), Buffer.from('hello')), 1, 'to the name that was given');
  t.deepEqual(rpc.faults, []);
});

test('slow operations of a batch are kept for SLOWLOG as commands by themselves are', async (t) => {
  const rpc = new InThreadRpc(2);
  rpc.slowLog.thresholdMs = 0;
  await resultsOf(rpc, [
    [
      'batch',
      [
        ['append', ['a', 'x']],
        ['get', ['a']],
      ],
    ],
    ['del', ['a']],
  ]);
  const names = [...rpc.slowLog.latest(10)].map(({ words }) => Buffer.concat(words).toString());
  t.deepEqual(names, ['del', 'get', 'append'], 'the last ones first');
});

test('a value that may not be told after it was read is taken back, and the key is asked for by a command', async (t) => {
  const rpc = new InThreadRpc(2);
  const { dispatcher } = rpc.shards;
  const endRead = dispatcher.endRead.bind(dispatcher);
  let thrownAway = 0;
  dispatcher.endRead = () => {
    endRead();
    thrownAway++;
    return false;
  };
  const messages = await resultsOf(rpc, [
    ['set', ['text', 'value']],
    ['set', ['number', 7]],
    ['set', ['bytes', Buffer.of(0xff, 0)]],
    ['get', ['text']],
    ['get', ['number']],
    ['get', ['bytes']],
    ['get', ['absent']],
  ]);
  t.is(thrownAway, 4);
  t.deepEqual(
    messages.slice(3).map(([, , error, result]) => [error, result]),
    [
      [null, 'value'],
      [null, 7],
      [null, Buffer.of(0xff, 0)],
      [null, null],
    ],
  );
  t.is(messages.length, 7);
});
