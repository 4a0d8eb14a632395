import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { Word } from '../../command-runner.ts';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { RespConnection } from '../../resp-connection.ts';
import { testScale } from '../../scale.ts';
import { startNodeFixture } from '../resp/node-fixture.ts';
import { Certificates, hasOpenssl } from '../server/certificates.ts';
import { runProgram } from './program.ts';
import { RedisFront } from './redis-front.ts';

const withRedis = isRedisInstalled() ? test : test.skip;
const withRedisAndTls = isRedisInstalled() && hasOpenssl ? test : test.skip;
/** A million with FLUXCACHE_TEST_SCALE=50. */
const KEYS = 20_000 * testScale;
const COMMANDS_AT_ONCE = 1000;
/** Between reading what is left to live on one server and on the other. */
const TTL_SLACK_MS = 60_000;

async function startRedis(t: ExecutionContext, tls?: { cert: Buffer; key: Buffer }) {
  const redis = await RedisServer.start();
  const front = await RedisFront.open(redis.path, tls);
  t.teardown(async () => {
    front.close();
    await redis.stop();
  });
  return { redis, port: front.port };
}

interface Asked {
  send(commands: readonly (readonly Word[])[]): Promise<Buffer[]>;
}

async function sendAll(to: Asked, commands: readonly (readonly Word[])[]): Promise<string[]> {
  const replies: string[] = [];
  for (let at = 0; at < commands.length; at += COMMANDS_AT_ONCE) {
    for (const reply of await to.send(commands.slice(at, at + COMMANDS_AT_ONCE)))
      replies.push(reply.toString('latin1'));
  }
  return replies;
}

/** Strings of all sorts: one in seven expires, one in eleven has bytes in its key, one in thousand is long. */
function stringsOf(count: number): { key: Buffer; words: Word[] }[] {
  return Array.from({ length: count }, (_, at) => {
    const key = Buffer.from(`string:${at}`);
    if (at % 11 === 0) key[6] = 0xff;
    const value = at % 1000 === 0 ? randomBytes(100_000) : at % 3 === 0 ? randomBytes(20) : Buffer.from(String(at));
    const expiry = at % 7 === 0 ? ['PX', String(3_600_000 + at)] : [];
    return { key, words: ['SET', key, value, ...expiry] };
  });
}

const collections: readonly (readonly Word[])[] = [
  ['HSET', 'hash', 'a', '1', 'b', 'ü"'],
  ['HSET', 'hash:2', 'a', '1'],
  ['RPUSH', 'list', 'x', 'y', 'x'],
  ['SADD', 'set', 'one'],
  ['ZADD', 'zset', '1.5', 'low', '+inf', 'high'],
  ['XADD', 'stream', '1-1', 'f', 'v', 'f', 'w'],
  ['HSET', 'binary', 'a', Buffer.from([0xff])],
  ['PEXPIRE', 'list', '3600000'],
];

withRedis(
  'a live Redis is brought over: strings with their times to live, and what is left out is told by type',
  async (t) => {
    const { redis, port } = await startRedis(t);
    const strings = stringsOf(KEYS);
    await sendAll(
      redis,
      strings.map(({ words }) => words),
    );
    await sendAll(redis, collections);
    await redis.send([['CONFIG', 'SET', 'requirepass', 'their secret']]);
    const maxMemory = `${Math.ceil(64 + 16 * testScale)}mb`;
    const { node } = await startNodeFixture(t, { maxMemory });
    const args = ['-p', String(node.tcpPort), 'import', '--from', `redis://127.0.0.1:${port}`];
    const refused = await runProgram(args);
    t.is(refused.code, 1);
    t.regex(refused.stderr, /NOAUTH|Authentication required/);

    const environment = { FLUXCACHE_FROM_PASSWORD: 'their secret' };
    const run = await runProgram([...args, '--json'], { environment });
    t.is(run.code, 1);
    const told = JSON.parse(run.stdout);
    t.log(`${told.done} entries in ${told.seconds} s`);
    t.like(told, {
      done: KEYS,
      leftOut: Object.fromEntries(
        [
          ['hash', 3] as const,
          ['list', 1] as const,
          ['set', 1] as const,
          ['stream', 1] as const,
          ['zset', 1] as const,
        ].map(([type, count]) => [`of type ${type}`, count]),
      ),
    });
    const flux = await RespConnection.open({ host: '127.0.0.1', port: node.tcpPort });
    t.teardown(() => flux.close());
    t.is((await flux.send([['DBSIZE']])).join(), `:${KEYS}\r\n`);
    for (let at = 0; at < strings.length; at += COMMANDS_AT_ONCE) {
      const keys = strings.slice(at, at + COMMANDS_AT_ONCE).map(({ key }) => key);
      const gets = keys.map((key) => ['GET', key]);
      const ttls = keys.map((key) => ['PTTL', key]);
      const [ours, theirs] = await Promise.all([sendAll(flux, gets), sendAll(redis, gets)]);
      if (ours.join('') !== theirs.join('')) t.deepEqual(ours, theirs);
      const [ourTtls, theirTtls] = await Promise.all([sendAll(flux, ttls), sendAll(redis, ttls)]);
      for (const [index, ttl] of ourTtls.entries()) {
        const [mine, other] = [Number(ttl.slice(1)), Number(theirTtls[index]?.slice(1))];
        const isSame = other < 0 ? mine === other : Math.abs(mine - other) < TTL_SLACK_MS && mine > 0;
        if (!isSame) t.is(mine, other, String(keys[index]));
      }
    }

    const documents = await runProgram([...args, '--as-json', '--match', '[^s]*'], { environment });
    t.is(documents.code, 1);
    t.regex(documents.stdout, /^4 entries imported in .*\nleft out, of type hash with what is not UTF-8: 1\n$/);
    const others = await runProgram([...args, '--as-json', '--type', 'stream'], { environment });
    t.is(others.code, 0, others.stderr);
    await runProgram([...args, '--as-json', '--type', 'set'], { environment });
    const jsonOf = async (key: string) =>
      JSON.parse((await flux.send([['JSON.GET', key]])).join().split('\r\n')[1] ?? '');
    t.deepEqual(await jsonOf('hash'), { a: '1', b: 'ü"' });
    t.deepEqual(await jsonOf('list'), ['x', 'y', 'x']);
    t.deepEqual(await jsonOf('set'), ['one']);
    t.deepEqual(await jsonOf('zset'), [
      { member: 'low', score: 1.5 },
      { member: 'high', score: 'inf' },
    ]);
    t.deepEqual(await jsonOf('stream'), [{ id: '1-1', fields: ['f', 'v', 'f', 'w'] }]);
    const lefts = await Promise.all([flux, redis].map((each) => sendAll(each, [['PTTL', 'list']])));
    const [ours, theirs] = lefts.map(([reply]) => Number(reply?.slice(1)));
    t.true(Math.abs(Number(ours) - Number(theirs)) < TTL_SLACK_MS);
  },
);

withRedisAndTls('a Redis behind TLS is read with its own authority, or not at all', async (t) => {
  const certificates = new Certificates().issue('server');
  t.teardown(() => {
    certificates.remove();
  });
  const tls = { cert: certificates.read('server.pem'), key: certificates.read('server.key') };
  const { redis, port } = await startRedis(t, tls);
  await redis.send([['SET', 'secret', 'kept']]);
  const { node, connect } = await startNodeFixture(t);
  const args = ['-p', String(node.tcpPort), 'import', '--from', `rediss://127.0.0.1:${port}`];
  const unknown = await runProgram(args);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /its certificate is signed by one that is not trusted/);
  const trusted = await runProgram([...args, '--from-cacert', certificates.path('ca.pem')]);
  t.is(trusted.code, 0, trusted.stderr);
  t.is(await (await connect(2)).call('GET', 'secret'), 'kept');
});
