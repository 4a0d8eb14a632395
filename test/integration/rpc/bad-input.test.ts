import test from 'ava';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';
import { packr, RpcClient, type Scope } from './rpc-client.ts';

const node = sharedNode({ requestTimeout: '300ms' });
const open = async (t: Scope) => RpcClient.open(t, (await node()).node.tcpPort);

/** `[0, id, "get", [param]]` of a param in bytes. */
const getOf = (id: number, ...param: number[]) => [0x94, 0, id, 0xa3, 0x67, 0x65, 0x74, 0x91, ...param];
const method = (name: string) => [0xa0 | name.length, ...Buffer.from(name)];

const refused: Record<string, [bytes: number[], code: string]> = {
  'a method that is a number': [[0x94, 0, 5, 1, 0x90], 'bad-request'],
  'a method that is bin': [[0x94, 0, 5, 0xc4, 1, 0x67, 0x90], 'bad-request'],
  'a method that is an array': [[0x94, 0, 5, 0x91, 0x91, 0x90, 0x90], 'bad-request'],
  'params that are nil': [[0x94, 0, 5, ...method('get'), 0xc0], 'bad-request'],
  'params that are a map': [[0x94, 0, 5, ...method('get'), 0x81, 0xa1, 0x61, 1], 'bad-request'],
  'params that are a str': [[0x94, 0, 5, ...method('get'), 0xa1, 0x61], 'bad-request'],
  'an unknown method': [[0x94, 0, 5, ...method('nosuch'), 0x90], 'unknown-command'],
  'an empty method': [[0x94, 0, 5, 0xa0, 0x90], 'unknown-command'],
  'a method that clients may not name': [[0x94, 0, 5, ...method('flux.entry'), 0x91, 0xa1, 0x61], 'unknown-command'],
  'a fixext': [getOf(5, 0xd4, 1, 0), 'invalid-argument'],
  'a timestamp': [getOf(5, 0xd6, 0xff, 0, 0, 0, 0), 'invalid-argument'],
  'an ext 8': [getOf(5, 0xc7, 3, 1, 9, 9, 9), 'invalid-argument'],
  'an ext in a document': [[0x94, 0, 5, ...method('set'), 0x92, 0xa1, 0x61, 0x91, 0xd4, 1, 0], 'invalid-argument'],
  NaN: [getOf(5, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0), 'invalid-argument'],
  'an infinity': [getOf(5, 0xca, 0x7f, 0x80, 0, 0), 'invalid-argument'],
  'a bin in a document': [[0x94, 0, 5, ...method('set'), 0x92, 0xa1, 0x61, 0x91, 0xc4, 1, 1], 'invalid-argument'],
  'a str in a document that is no UTF-8': [
    [0x94, 0, 5, ...method('set'), 0x92, 0xa1, 0x61, 0x91, 0xa1, 0xff],
    'invalid-argument',
  ],
  'a name in a document that is nil': [
    [0x94, 0, 5, ...method('set'), 0x92, 0xa1, 0x61, 0x81, 0xc0, 1],
    'invalid-argument',
  ],
  'an integer beyond 64 bits with a sign': [
    [0x94, 0, 5, ...method('set'), 0x92, 0xa1, 0x61, 0xcf, 255, 255, 255, 255, 255, 255, 255, 255],
    'invalid-argument',
  ],
  'a document of 129 levels': [
    [0x94, 0, 5, ...method('set'), 0x92, 0xa1, 0x61, ...new Array<number>(128).fill(0x91), 0x90],
    'too-deep',
  ],
  'a nesting bomb that ends': [
    [0x94, 0, 5, ...method('get'), 0x91, ...new Array<number>(100_000).fill(0x91), 0x90],
    'too-deep',
  ],
  'a float that is no integer where one is wanted': [
    [0x94, 0, 5, ...method('expire'), 0x92, 0xa1, 0x61, 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0],
    'invalid-argument',
  ],
};

for (const [what, [bytes, code]] of Object.entries(refused)) {
  test(`${what} is refused on its id, and the connection goes on`, async (t) => {
    const client = await open(t);
    client.send(bytes);
    const [error, result] = await client.answerTo(5);
    t.like(error, { code, retryable: false });
    t.true((error?.message.length ?? 0) > 0);
    t.is(result, null);
    t.is(await client.result('ping'), 'PONG');
  });
}

const breaking: Record<string, [bytes: number[], id: number | null, code: string]> = {
  'a negative id': [[0x94, 0, 0xff, ...method('ping'), 0x90], null, 'protocol'],
  'an id that is a float': [[0x94, 0, 0xca, 0, 0, 0, 0, ...method('ping'), 0x90], null, 'protocol'],
  'an id beyond 32 bits': [[0x94, 0, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0, ...method('ping'), 0x90], null, 'protocol'],
  'an id that is a str': [[0x94, 0, 0xa1, 0x61, ...method('ping'), 0x90], null, 'protocol'],
  'a response': [[0x94, 1, 5, 0xc0, 0xc0], null, 'protocol'],
  'a message of type 3': [[0x94, 3, 5, ...method('ping'), 0x90], null, 'protocol'],
  'a request of three elements': [[0x93, 0, 5, 0xa0], null, 'protocol'],
  'an array of two elements': [[0xdc, 0, 2, 0, 5], null, 'protocol'],
  'an array of 2^32 - 1 elements in place of a message': [[0xdd, 255, 255, 255, 255], null, 'protocol'],
  'params of 2^32 - 1 elements': [
    [0x94, 0, 5, ...method('mget'), 0xdd, 255, 255, 255, 255, 0xa1, 0x61],
    5,
    'request-too-large',
  ],
  'a map of 2^32 - 1 pairs': [[...getOf(5, 0xdf, 255, 255, 255, 255)], 5, 'request-too-large'],
  'a str of 4 GiB': [getOf(5, 0xdb, 255, 255, 255, 255, 0x61), 5, 'request-too-large'],
  'a bin of 4 GiB': [getOf(5, 0xc6, 255, 255, 255, 255, 0x61), 5, 'request-too-large'],
  'an ext of 4 GiB': [getOf(5, 0xc9, 255, 255, 255, 255, 1), 5, 'request-too-large'],
  'the byte that begins no value': [getOf(5, 0xc1), 5, 'protocol'],
};

for (const [what, [bytes, id, code]] of Object.entries(breaking)) {
  test(`${what} closes the connection behind an error`, async (t) => {
    const client = await open(t);
    const other = await open(t);
    client.send([0x94, 0, 4, ...method('ping'), 0x90]);
    client.send(bytes);
    t.deepEqual(await client.answerTo(4), [null, 'PONG']);
    const [error] = await client.answerTo(id);
    t.like(error, { code, retryable: false });
    await client.until('the connection is closed', () => client.isClosed);
    t.is(await other.result('ping'), 'PONG');
  });
}

test('bytes of another protocol behind a message close the connection', async (t) => {
  const client = await open(t);
  client.send([0x94, 0, 4, ...method('ping'), 0x90, ...Buffer.from('*1\r\n$4\r\nPING\r\n')]);
  t.deepEqual(await client.answerTo(4), [null, 'PONG']);
  t.like((await client.answerTo(null))[0], { code: 'protocol' });
  await client.until('the connection is closed', () => client.isClosed);
});

test('an id in flight is refused to a second request, and the first is answered', async (t) => {
  const client = await open(t);
  const both = Buffer.concat([packr.pack([0, 7, 'set', ['dup', 1]]), packr.pack([0, 7, 'set', ['dup', 2]])]);
  client.send(both);
  const answers = [await client.answerTo(7), await client.answerTo(7)];
  t.deepEqual(answers.map(([error, result]) => error?.code ?? result).sort(), ['OK', 'bad-request']);
  t.is(await client.result('get', 'dup'), 1);
  client.send(packr.pack([0, 7, 'get', ['dup']]));
  t.deepEqual(await client.answerTo(7), [null, 1], 'an id that was answered may be used again');
});

test('half a message and then silence closes the connection', async (t) => {
  const client = await open(t);
  t.is(await client.result('ping'), 'PONG');
  client.send([0x94, 0, 5, ...method('set'), 0x92, 0xa1]);
  await client.until('the connection is closed', () => client.isClosed);
  t.pass();
});

test('a message beyond the limit is refused before it has arrived', async (t) => {
  const { node: small } = await startNodeFixture(t, { maxBody: '64kb', maxValue: '32kb' });
  const client = await RpcClient.open(t, small.tcpPort);
  t.is(await client.result('set', 'a', 'x'.repeat(32 * 1024)), 'OK');
  t.is(await client.fault('set', 'a', 'x'.repeat(32 * 1024 + 1)), 'value-too-large');
  t.is(await client.fault('set', 'a', ['x'.repeat(32 * 1024)]), 'value-too-large');
  client.send([0x94, 0, 0xcc, 200, ...method('set'), 0x92, 0xa1, 0x61, 0xdb, 0, 2, 0, 0]);
  t.like((await client.answerTo(200))[0], { code: 'request-too-large' });
  await client.until('the connection is closed', () => client.isClosed);
});

test('answers that a client does not take are not made, and others are served', async (t) => {
  const { node: small } = await startNodeFixture(t, { maxClientOutput: '2mb' });
  const client = await RpcClient.open(t, small.tcpPort);
  const other = await RpcClient.open(t, small.tcpPort);
  await client.result('set', 'big', 'x'.repeat(1_000_000));
  client.socket.unpipe();
  client.socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  client.socket.write(
    Buffer.concat(Array.from({ length: 1000 }, (_, id) => packr.pack([0, id + 1000, 'get', ['big']]))),
  );
  for (let count = 0; count < 200; count++) t.is(await other.result('ping'), 'PONG');
  t.true(process.memoryUsage().arrayBuffers - before < 100e6, 'a thousand answers would be a gigabyte');
  client.socket.destroy();
  t.is(await other.result('get', 'none'), null);
});
