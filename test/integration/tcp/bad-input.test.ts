/**
 * What a node does with bad input on its TCP port: the error that redis-server gives where it has one, else a clear one;
 * a bystander is served before, during and after, and nothing of its data is lost.
 */
import test, { type ExecutionContext } from 'ava';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { exchange, RespConnection } from '../../resp-connection.ts';
import { latin1 } from '../../resp-decoding.ts';
import { type NodeFixture, startNodeFixture } from '../resp/node-fixture.ts';
import { Bystander, words } from './bystander.ts';
import { RawConnection } from './raw-connection.ts';

const ends: (() => Promise<void>)[] = [];
let started: Promise<NodeFixture> | null = null;
let redis: RedisServer | null = null;

/** The node of most tests. */
function node(): Promise<NodeFixture> {
  started ??= startNodeFixture({ teardown: (end) => void ends.push(end) });
  return started;
}

test.before(async () => {
  if (isRedisInstalled()) redis = await RedisServer.start();
});

test.after.always('what stood behind errors was not run, and nothing went wrong within the node', async (t) => {
  try {
    const { node: ours, faults } = await node();
    const client = await RawConnection.to(ours.tcpPort);
    t.is(await client.exchange(words('EXISTS', 'bad:behind', 'bad:http'), ':0\r\n'), ':0\r\n');
    t.deepEqual(faults, []);
  } finally {
    for (const end of ends) await end();
    await redis?.stop();
  }
});

/** What is sent, and all that is to come back, a PING behind it included where the connection is to go on. */
const sameAsRedis: Record<string, [sent: string, answer: string]> = {
  'too few arguments': [words('GET'), "-ERR wrong number of arguments for 'get' command\r\n"],
  'too many arguments': [words('GET', 'a', 'b'), "-ERR wrong number of arguments for 'get' command\r\n"],
  'a subcommand with too many arguments': [
    words('CLIENT', 'ID', 'x'),
    "-ERR wrong number of arguments for 'client|id' command\r\n",
  ],
  'an odd number of arguments to MSET': [
    words('MSET', 'bad:a', '1', 'bad:b'),
    "-ERR wrong number of arguments for 'mset' command\r\n",
  ],
  'an unknown command': [
    words('NOSUCH', 'a', 'b'),
    "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \r\n",
  ],
  'an unknown command with line ends in it': [
    words('NO\r\nSUCH', 'a\r\n+OK'),
    "-ERR unknown command 'NO  SUCH', with args beginning with: 'a  +OK' \r\n",
  ],
  'an unknown command of a megabyte': [
    words('N'.repeat(2 ** 20), 'a'),
    `-ERR unknown command '${'N'.repeat(128)}', with args beginning with: 'a' \r\n`,
  ],
  'an empty command': [words(''), "-ERR unknown command '', with args beginning with: \r\n"],
  'an unknown option': [words('SET', 'bad:a', '1', 'NOSUCH'), '-ERR syntax error\r\n'],
  'options that contradict': [words('SET', 'bad:a', '1', 'NX', 'XX'), '-ERR syntax error\r\n'],
  'an option without its value': [words('SET', 'bad:a', '1', 'EX'), '-ERR syntax error\r\n'],
  'a time to live of 0': [words('SET', 'bad:a', '1', 'EX', 0), "-ERR invalid expire time in 'set' command\r\n"],
  'a time to live beyond the end of time': [
    words('SET', 'bad:a', '1', 'EX', '9223372036854775807'),
    "-ERR invalid expire time in 'set' command\r\n",
  ],
  'a time to live that is no number': [
    words('SET', 'bad:a', '1', 'PX', '1.5'),
    '-ERR value is not an integer or out of range\r\n',
  ],
  'INCR of what is no number': [
    words('SET', 'bad:text', 'x') + words('INCR', 'bad:text') + words('GET', 'bad:text'),
    '+OK\r\n-ERR value is not an integer or out of range\r\n$1\r\nx\r\n',
  ],
  'INCR beyond 64 bits': [
    words('SET', 'bad:max', '9223372036854775807') + words('INCR', 'bad:max') + words('GET', 'bad:max'),
    '+OK\r\n-ERR increment or decrement would overflow\r\n$19\r\n9223372036854775807\r\n',
  ],
  'DECRBY beyond 64 bits': [words('DECRBY', 'bad:none', '-9223372036854775808'), '-ERR decrement would overflow\r\n'],
  'INCRBY of a number with a blank': [
    words('INCRBY', 'bad:none', ' 1'),
    '-ERR value is not an integer or out of range\r\n',
  ],
  'INCRBYFLOAT to infinity': [
    words('SET', 'bad:float', '1e308') + words('INCRBYFLOAT', 'bad:float', 'inf') + words('GET', 'bad:float'),
    '+OK\r\n-ERR increment would produce NaN or Infinity\r\n$5\r\n1e308\r\n',
  ],
  'an offset beyond the largest value': [
    words('SETRANGE', 'bad:none', 2 ** 40, 'x'),
    '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n',
  ],
  'a negative offset': [words('SETRANGE', 'bad:none', -1, 'x'), '-ERR offset is out of range\r\n'],
  'EXEC without MULTI': [words('EXEC'), '-ERR EXEC without MULTI\r\n'],
  'a transaction with a mistake': [
    words('MULTI') + words('SET', 'bad:multi', '1') + words('NOSUCH') + words('EXEC') + words('EXISTS', 'bad:multi'),
    "+OK\r\n+QUEUED\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n" +
      '-EXECABORT Transaction discarded because of previous errors.\r\n:0\r\n',
  ],
  'empty lines and empty arrays': ['\r\n\n*0\r\n*-1\r\n*-3\r\n', ''],
  'an inline command of line ends and blanks only': ['   \t \r\n', ''],
  'binary keys and values': [
    words('SET', 'bad:\0\r\n\xff\x80', '\0\x01\r\n\xfe') +
      words('GET', 'bad:\0\r\n\xff\x80') +
      words('STRLEN', 'bad:\0'),
    '+OK\r\n$5\r\n\0\x01\r\n\xfe\r\n:0\r\n',
  ],
  'the empty key': [words('SET', '', 'empty') + words('GET', '') + words('DEL', ''), '+OK\r\n$5\r\nempty\r\n:1\r\n'],
};

/** As above, but what the connection is closed behind. */
const closedAsByRedis: Record<string, [sent: string, answer: string]> = {
  'a negative length': ['*2\r\n$3\r\nGET\r\n$-1\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
  'a very negative length': [
    '*2\r\n$3\r\nGET\r\n$-9223372036854775808\r\n',
    '-ERR Protocol error: invalid bulk length\r\n',
  ],
  'a huge length': ['*2\r\n$3\r\nGET\r\n$9223372036854775807\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
  'a length beyond 64 bits': [
    '*2\r\n$3\r\nGET\r\n$99999999999999999999999\r\n',
    '-ERR Protocol error: invalid bulk length\r\n',
  ],
  'a length that is no number': ['*2\r\n$3\r\nGET\r\n$abc\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
  'a length with a sign': ['*2\r\n$3\r\nGET\r\n$+3\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
  'no length': ['*2\r\n$3\r\nGET\r\n$\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
  'an integer in place of an argument': ['*2\r\n$3\r\nGET\r\n:1\r\n', "-ERR Protocol error: expected '$', got ':'\r\n"],
  'an array within an array': ['*1\r\n*1\r\n', "-ERR Protocol error: expected '$', got '*'\r\n"],
  'a huge number of arguments': ['*2147483648\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
  'a number of arguments that is none': ['*x\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
  'an endless number of arguments': [`*${'1'.repeat(200_000)}`, '-ERR Protocol error: too big mbulk count string\r\n'],
  'an endless length': [`*1\r\n$${'1'.repeat(200_000)}`, '-ERR Protocol error: too big bulk count string\r\n'],
  'an endless line': ['x'.repeat(200_000), '-ERR Protocol error: too big inline request\r\n'],
  'quotes that are not closed': ['SET "bad:a 1\r\n', '-ERR Protocol error: unbalanced quotes in request\r\n'],
};

for (const [what, [sent, answer]] of Object.entries(sameAsRedis)) {
  test(`${what}: answered as by redis-server, and the connection goes on`, (t) =>
    answers(t, sent + words('PING'), `${answer}+PONG\r\n`));
}

for (const [what, [sent, answer]] of Object.entries(closedAsByRedis)) {
  test(`${what}: refused as by redis-server behind the answers owed, and closed`, (t) => {
    // What stands behind an error is not looked at.
    return answers(t, `PING\r\n${sent}\r\nSET bad:behind 1\r\n`, `+PONG\r\n${answer}`);
  });
}

async function answers(t: ExecutionContext, sent: string, expected: string): Promise<void> {
  const { node: ours } = await node();
  const bystander = await Bystander.open(ours.tcpPort);
  const answer = exchange({ port: ours.tcpPort, host: '127.0.0.1' }, latin1(sent));
  await bystander.works();
  t.is((await answer).toString('latin1'), expected);
  await bystander.works();
  if (redis === null) t.log('not compared: redis-server is not installed');
  else t.is((await exchange({ path: redis.path }, latin1(sent))).toString('latin1'), expected, 'redis-server');
}

test('more arguments than a command may have are refused before they come', async (t) => {
  const { node: ours } = await node();
  const bystander = await Bystander.open(ours.tcpPort);
  const client = await RawConnection.to(ours.tcpPort);
  client.send('*1048577\r\n$4\r\nMGET\r\n');
  t.is(await client.closed(), '-ERR Protocol error: invalid multibulk length\r\n');
  const most = await RawConnection.to(ours.tcpPort);
  most.send(`*1048576\r\n$6\r\nNOSUCH\r\n${'$0\r\n\r\n'.repeat(1_048_575)}PING\r\n`);
  await bystander.works();
  t.regex(await most.until((text) => text.endsWith('+PONG\r\n')), /^-ERR unknown command 'NOSUCH'/);
  await bystander.works();
});

test('10000 errors in one go are each answered, in order, as by redis-server', async (t) => {
  const { node: ours } = await node();
  const bystander = await Bystander.open(ours.tcpPort);
  const requests = Array.from({ length: 10_000 }, (_, index) => {
    switch (index % 4) {
      case 0:
        return [`NOSUCH${index}`, 'x'];
      case 1:
        return ['GET'];
      case 2:
        return ['INCRBY', 'bad:flood', `x${index}`];
      default:
        return ['ECHO', `${index}`];
    }
  });
  const client = await RespConnection.open({ port: ours.tcpPort, host: '127.0.0.1' });
  const sent = client.send(requests);
  await bystander.works();
  const replies = await sent;
  client.close();
  t.is(replies[9999]?.toString(), '$4\r\n9999\r\n');
  t.is(replies[9996]?.toString(), "-ERR unknown command 'NOSUCH9996', with args beginning with: 'x' \r\n");
  if (redis !== null) t.deepEqual(replies.map(String), (await redis.send(requests)).map(String));
  await bystander.works();
});

test('a whole script that comes one byte at a time is answered as when it comes at once', async (t) => {
  const script = [
    words('SET', 'bytes:a', 'x\r\n\0'),
    'GET "bytes:a"\r\n',
    words('MSET', 'bytes:b', '1', 'bytes:c', '2'),
    '\r\n*0\r\n',
    words('NOSUCH', 'x'),
    words('MULTI'),
    words('INCR', 'bytes:b'),
    "APPEND bytes:b ' !'\n",
    words('EXEC'),
    words('MGET', 'bytes:a', 'bytes:b', 'bytes:none'),
    words('SUBSCRIBE', 'bytes'),
    words('GET', 'bytes:a'),
    words('UNSUBSCRIBE'),
    words('DEL', 'bytes:a', 'bytes:b', 'bytes:c'),
    words('INCRBY', 'bytes:b', 'many'),
    '*1\r\n$x\r\n',
  ].join('');
  const { node: ours } = await node();
  const bystander = await Bystander.open(ours.tcpPort);
  const atOnce = (await exchange({ port: ours.tcpPort, host: '127.0.0.1' }, latin1(script))).toString('latin1');
  t.true(atOnce.endsWith('-ERR Protocol error: invalid bulk length\r\n'), atOnce);
  if (redis !== null) t.is(atOnce, (await exchange({ path: redis.path }, latin1(script))).toString('latin1'));
  const slow = await RawConnection.to(ours.tcpPort);
  for (const byte of latin1(script)) {
    slow.send(Uint8Array.of(byte));
    await new Promise(setImmediate);
  }
  t.is(await slow.closed(), atOnce);
  await bystander.works();
});

test('keys and values up to the limits are taken, larger ones refused, and the connection goes on', async (t) => {
  const { node: ours } = await startNodeFixture(t, { maxKey: 1000, maxValue: '64kb', maxBody: '256kb' });
  const bystander = await Bystander.open(ours.tcpPort);
  const client = await RawConnection.to(ours.tcpPort);
  const [longest, largest] = ['k'.repeat(1000), 'v'.repeat(65_536)];
  for (const [request, answer] of [
    [words('SET', longest, largest), '+OK\r\n'],
    [words('SET', `${longest}k`, '1'), '-ERR key is too large: 1001 bytes, the limit is 1000\r\n'],
    [words('MGET', longest, `${longest}k`), '-ERR key is too large: 1001 bytes, the limit is 1000\r\n'],
    [words('STRLEN', longest), ':65536\r\n'],
    [words('SET', 'a', `${largest}v`), '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n'],
    [words('APPEND', longest, 'v'), '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n'],
    [
      words('MSET', '{m}a', '1', '{m}b', `${largest}v`),
      '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n',
    ],
    [words('MGET', '{m}a', '{m}b'), '*2\r\n$-1\r\n$-1\r\n'],
    [words('STRLEN', longest), ':65536\r\n'],
  ] as const) {
    t.is(await client.exchange(request, answer), answer);
  }
  await bystander.works();
  client.send(`*3\r\n$3\r\nSET\r\n$1\r\na\r\n$${256 * 1024 + 1}\r\n`);
  t.true(
    (await client.closed()).endsWith('-ERR Protocol error: invalid bulk length\r\n'),
    'refused before it has come',
  );
  await bystander.works();
});

test('a nesting bomb is refused by its depth, and leaves what was there', async (t) => {
  const { node: ours } = await node();
  const bystander = await Bystander.open(ours.tcpPort);
  const client = await RawConnection.to(ours.tcpPort);
  const bomb = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);
  t.is(await client.exchange(words('JSON.SET', 'bomb', '$', '{"a":1}'), '+OK\r\n'), '+OK\r\n');
  for (const [levels, open, close] of [
    [2000, '[', ']'],
    [2000, '{"a":', '}'],
    [200_000, '[', ''],
  ] as const) {
    const refusal = await client.exchange(
      words('JSON.SET', 'bomb', '$.a', bomb(open, close, levels)),
      '-ERR JSON nests',
    );
    t.regex(refusal, /^-ERR JSON nests deeper than 128 levels/);
    await client.until((text) => text.endsWith('\r\n'));
  }
  const path = `$${'.a'.repeat(2000)}`;
  const answer = await client.exchange(words('JSON.GET', 'bomb', path), '$2\r\n[]\r\n');
  t.regex(answer, /^(\$2\r\n\[\]|-ERR .*)\r\n$/s);
  const pattern = '-ERR pattern is longer than 1024 bytes\r\n';
  t.is(await client.exchange(words('KEYS', `${'*a'.repeat(2000)}b`), pattern), pattern);
  t.is(await client.exchange(words('JSON.GET', 'bomb'), '$7\r\n{"a":1}\r\n'), '$7\r\n{"a":1}\r\n');
  await bystander.works();
});

test('HTTP and TLS are refused wherever they come, and what was owed is answered', async (t) => {
  const { node: ours } = await node();
  const bystander = await Bystander.open(ours.tcpPort);
  const http = await RawConnection.to(ours.tcpPort);
  http.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 19\r\n\r\nSET bad:http hacked');
  t.regex(await http.closed(), /^HTTP\/1\.1 400 Bad Request\r\n/);
  const late = await RawConnection.to(ours.tcpPort);
  late.send('PING\r\nHost: localhost\r\nSET bad:http hacked\r\n');
  t.regex(await late.closed(), /^\+PONG\r\nHTTP\/1\.1 400 Bad Request\r\n/);
  const hello = Buffer.from('16030100c8010000c40303', 'hex');
  const tls = await RawConnection.to(ours.tcpPort);
  tls.send(Buffer.concat([hello, Buffer.alloc(200, 1)]));
  t.is(await tls.closed(), '');
  const text = await RawConnection.to(ours.tcpPort);
  text.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  t.regex(await text.closed(), /HTTP\/1\.1 400 Bad Request\r\n/);
  const reader = await RawConnection.to(ours.tcpPort);
  t.is(await reader.exchange(words('EXISTS', 'bad:http'), ':0\r\n'), ':0\r\n');
  await bystander.works();
});
