import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { commandTable } from '../../../src/command/table.ts';
import { encodeRequest } from '../../../src/protocol/resp/request-encoder.ts';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { testScale } from '../../scale.ts';
import { RpcClient } from '../rpc/rpc-client.ts';
import { RawConnection } from '../tcp/raw-connection.ts';
import { sharedNode, startNodeFixture } from './node-fixture.ts';
import { type Plain, PushClient } from './push-client.ts';

const shared = sharedNode();
const port = async (): Promise<number> => (await shared()).node.tcpPort;
const compare = isRedisInstalled() ? test : test.skip;

/** Commands of a connection that may stand in a transaction, with arguments of each kind. */
const variants: Readonly<Record<string, readonly string[]>> = {
  'acl|whoami': [''],
  'cluster|nodes': [''],
  'cluster|slots': [''],
  'cluster|shards': [''],
  'cluster|replicas': ['nobody'],
  'cluster|slaves': ['nobody'],
  'cluster|failover': ['', 'nothing'],
  'cluster|forget': ['nobody'],
  'cluster|report': ['', 'partitions', 'nothing'],
  'cluster|control': ['drain', 'rebalance {}'],
  wait: ['0 10', '1 10', 'x 1', '1 -1'],
  readonly: [''],
  readwrite: [''],
  asking: [''],
  'client|capa': ['redirect', 'nothing'],
  shutdown: ['nosave', 'now'],
  save: [''],
  hello: ['', '2', '3', '4', '3 auth default x', '3 setname me'],
  auth: ['x', 'default x', 'nobody x'],
  'client|id': [''],
  'client|info': [''],
  'client|getname': [''],
  'client|setname': ['me', 'é'],
  'client|setinfo': ['lib-name me', 'nothing me'],
  'client|list': ['', 'type pubsub'],
  'client|kill': ['id 999999', '1.2.3.4:5'],
  'client|reply': ['on', 'off', 'skip', 'nothing'],
  'client|no-evict': ['on', 'nothing'],
  'client|no-touch': ['off'],
  'client|pause': ['1', 'x', '1 write'],
  'client|unpause': [''],
  'client|unblock': ['999999'],
  'client|tracking': ['on', 'off', 'on bcast prefix a', 'on optin', 'on redirect 999999', 'nothing'],
  'client|caching': ['yes', 'no', 'nothing'],
  'client|trackinginfo': [''],
  'client|getredir': [''],
  unwatch: [''],
  subscribe: ['a', 'a b', 'a b a'],
  unsubscribe: ['', 'a', 'a b'],
  psubscribe: ['a*', 'a* b*'],
  punsubscribe: ['', 'a* b*'],
  ssubscribe: ['a', 'a b'],
  sunsubscribe: ['', 'a b'],
};

type Words = readonly string[];

function wordsOf(text: string): Words {
  return text.split(' ').filter((word) => word !== '');
}

const queued: readonly Words[] = Object.entries(variants).flatMap(([name, all]) =>
  all.map((rest) => [...name.split('|'), ...wordsOf(rest)]),
);
const ofKeys: readonly Words[] = [['set', 'key', '1'], ['get', 'key'], ['mget', 'key', 'other', 'third'], ['ping']];

const subscribing = /^[ps]?(?:un)?subscribe$/;
const isMessage = (reply: Plain): boolean => Array.isArray(reply) && subscribing.test(String(reply[0]));

/** Runs commands in a transaction, all sent at once, and checks that every command has its one reply. */
async function checkTransaction(t: ExecutionContext, resp: 2 | 3, commands: readonly Words[]): Promise<void> {
  const client = await PushClient.open(await port(), resp);
  const title = `RESP${resp}: ${commands.map((words) => words.join(' ')).join('; ')}`;
  try {
    client.send(['multi'], ...commands, ['exec'], ['ping', 'the end']);
    const isEnd = (reply: Plain): boolean => reply === 'the end' || (Array.isArray(reply) && reply[1] === 'the end');
    await client.until(() => client.replies.some(isEnd));
    const replies = client.replies.filter((reply) => !isMessage(reply));
    t.is(replies.length, commands.length + 3, `${title} → ${JSON.stringify(replies)}`);
    const ofQueue = replies.slice(1, -2);
    t.true(
      ofQueue.every((reply) => reply === 'QUEUED' || String(reply).startsWith('-')),
      title,
    );
    const outcome = replies.at(-2);
    if (ofQueue.some((reply) => reply !== 'QUEUED')) t.regex(String(outcome), /^-EXECABORT/, title);
    else t.is(Array.isArray(outcome) ? outcome.length : outcome, commands.length, title);
  } finally {
    client.close();
  }
}

test('every command of a connection is either run at once by MULTI, or tried by these tests', (t) => {
  for (const command of commandTable.commands) {
    if (command.kind !== 'connection') continue;
    t.is(command.inTransaction !== 'at-once', command.name in variants, command.name);
  }
});

test('each command of a connection may be queued, or is refused, and has one reply', async (t) => {
  for (const words of queued) {
    await checkTransaction(t, 2, [words]);
    await checkTransaction(t, 3, [['set', 'key', '1'], words, ['get', 'key']]);
  }
  t.deepEqual((await shared()).faults, []);
});

test('any of them together leave the replies of a connection in step', async (t) => {
  const words = fc.oneof(fc.constantFrom(...queued), fc.constantFrom(...ofKeys));
  const property = fc.asyncProperty(
    fc.constantFrom<2 | 3>(2, 3),
    fc.array(words, { minLength: 1, maxLength: 6 }),
    async (resp, commands) => checkTransaction(t, resp, commands),
  );
  await fc.assert(property, { numRuns: Math.ceil(150 * testScale) });
  t.deepEqual((await shared()).faults, []);
});

test('commands that may not be in a transaction are refused when they are queued', async (t) => {
  const client = await PushClient.open(await port());
  t.teardown(async () => client.close());
  const rows = commandTable.commands.filter(({ flags }) => flags.includes('no_multi'));
  t.true(rows.length > 1);
  for (const { name, arity } of rows) {
    const words = [...name.split('|'), ...Array.from({ length: Math.abs(arity) - name.split('|').length }, () => 'x')];
    t.is(await client.call('multi'), 'OK');
    t.is(await client.call(...words), '-ERR Command not allowed inside a transaction', name);
    t.is(await client.call('exec'), '-EXECABORT Transaction discarded because of previous errors.');
  }
});

test('what a transaction changed of its connection holds for the command behind EXEC', async (t) => {
  const two = await PushClient.open(await port(), 2);
  t.teardown(async () => two.close());
  for (const words of [['multi'], ['subscribe', 'a'], ['set', 'own', '1'], ['exec']]) await two.call(...words);
  t.regex(String(await two.call('get', 'own')), /^-ERR Can't execute 'get'/);

  const three = await PushClient.open(await port(), 3);
  t.teardown(async () => three.close());
  for (const words of [['multi'], ['client', 'tracking', 'on'], ['set', 'own', '1'], ['exec']]) {
    await three.call(...words);
  }
  t.is(await three.call('get', 'own'), '1');
  t.is(await three.call('set', 'own', '2'), 'OK');
  t.deepEqual(await three.push(), ['invalidate', ['own']]);
});

test('a command of a transaction that CLIENT PAUSE held back is queued, whatever others were answered meanwhile', async (t) => {
  const { node } = await startNodeFixture(t);
  const [held, other] = [await PushClient.open(node.tcpPort), await PushClient.open(node.tcpPort)];
  t.teardown(async () => {
    held.close();
    other.close();
  });
  t.is(await held.call('multi'), 'OK');
  t.is(await other.call('client', 'pause', '300'), 'OK');
  held.send(['set', 'own', '1'], ['exec']);
  t.regex(String(await other.call('nothing')), /^-ERR unknown command/);
  t.is(await held.reply(), 'QUEUED');
  t.deepEqual(await held.reply(), ['OK']);
});

test('a client that is gone when its transaction is run is subscribed to nothing', async (t) => {
  const { node } = await startNodeFixture(t, { shards: 2 });
  const other = await PushClient.open(node.tcpPort);
  t.teardown(async () => other.close());
  for (let round = 0; round < 20; round++) {
    const gone = await RawConnection.to(node.tcpPort);
    const commands = [['multi'], ['subscribe', 'left'], ['set', 'key', '1'], ['exec']];
    gone.send(Buffer.concat(commands.map((words) => encodeRequest(words))));
    gone.socket.destroy();
  }
  let clients = '';
  do clients = String(await other.call('client', 'list'));
  while (clients.split('\n').length > 2);
  t.deepEqual(await other.call('pubsub', 'channels'), []);
});

const scripts: readonly string[] = [
  'multi; subscribe a b; exec; ping',
  'multi; subscribe a; exec; ping',
  'multi; unsubscribe; exec; ping',
  'multi; shutdown nosave; exec; ping',
  'multi; save; exec; ping',
  'multi; watch a; exec; ping',
  'multi; unwatch; exec; ping',
  'multi; set script 1; quit; ping',
  'multi; set script 1; reset; exec; ping',
  'client reply skip; multi; set script 1; exec; ping',
  'client reply skip; client getname; ping',
  'client reply skip; watch a; ping',
  'client reply skip; nothing; ping',
  'client reply skip; client reply skip; ping; echo 1',
  'client reply off; multi; set script 1; exec; client reply on; ping',
  'watch script; set script 1; multi; get script; exec; multi; get script; exec',
];

compare('sessions with transactions are answered as by redis-server', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  for (const script of scripts) {
    const request = Buffer.concat([...script.split('; '), 'quit'].map((line) => encodeRequest(line.split(' '))));
    const [ours, theirs] = await Promise.all(
      [{ port: (await startNodeOnce()).tcpPort, host: '127.0.0.1' }, { path: redis.path }].map(async (target) => {
        const connection = await RawConnection.open(target);
        connection.send(request);
        const answer = await connection.closed();
        connection.socket.destroy();
        return answer;
      }),
    );
    t.is(ours, theirs, script);
  }
});

async function startNodeOnce(): Promise<{ readonly tcpPort: number }> {
  return (await shared()).node;
}

test('over MessagePack-RPC a transaction of them has one result a command', async (t) => {
  const client = await RpcClient.open(t, await port());
  for (const words of queued) {
    const [method, ...params] = words;
    // Methods of the protocol itself, which are no commands.
    if (method === 'hello' || method === 'auth') continue;
    t.is(await client.result('multi'), 'OK');
    const [refusal] = await client.call(method as string, ...params);
    t.is(await client.result('set', 'key', 'one'), 'QUEUED', words.join(' '));
    if (refusal !== null) t.is(await client.fault('exec'), 'transaction-aborted', words.join(' '));
    else {
      const [error, results] = await client.call('exec');
      t.is(error, null, words.join(' '));
      t.is(Array.isArray(results) ? results.length : results, 2, words.join(' '));
    }
  }
  t.is(await client.result('ping'), 'PONG');
});

test('over MessagePack-RPC requests of a transaction may be sent with those around it', async (t) => {
  const client = await RpcClient.open(t, await port());
  const answers = await Promise.all([
    client.call('set', 'piped', '1'),
    client.call('multi'),
    client.call('incr', 'piped'),
    client.call('subscribe', 'a', 'b'),
    client.call('exec'),
    client.call('get', 'piped'),
    client.call('discard'),
  ]);
  const subscribed = ['a', 'b'].map((name, index) => ['subscribe', name, index + 1]);
  t.deepEqual(
    answers.map(([error, result]) => error?.code ?? result),
    ['OK', 'OK', 'QUEUED', 'QUEUED', [2, subscribed], 2, 'bad-request'],
  );
});

test('over MessagePack-RPC replies cannot be turned off, and the error says what to do', async (t) => {
  const client = await RpcClient.open(t, await port());
  for (const mode of ['off', 'skip']) {
    const [error] = await client.call('client', 'reply', mode);
    t.is(error?.code, 'bad-request');
    t.regex(error?.message ?? '', /a notification gets no reply/);
  }
  t.is(await client.result('client', 'reply', 'on'), 'OK');
  t.is(await client.result('ping'), 'PONG');
});
