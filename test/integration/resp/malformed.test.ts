/** What a node does with damaged and random bytes on its TCP port is what redis-server does, byte for byte. */
import test from 'ava';
import fc from 'fast-check';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { exchange, RespConnection } from '../../resp-connection.ts';
import { latin1 } from '../../resp-decoding.ts';
import { requestStream } from '../../resp-streams.ts';
import { testScale } from '../../scale.ts';
import { startNodeFixture } from './node-fixture.ts';

const compare = isRedisInstalled() ? test : test.skip;

compare('damaged and random bytes get the replies and errors of redis-server, and harm nobody else', async (t) => {
  const { node, faults } = await startNodeFixture(t);
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const bystander = await RespConnection.open({ host: '127.0.0.1', port: node.tcpPort });
  t.teardown(async () => bystander.close());
  let refusals = 0;
  await fc.assert(
    // What a connection speaks is told by its first byte, so the stream begins as RESP does.
    fc.asyncProperty(requestStream, async (text) => {
      const bytes = latin1(`PING\r\n${text}`);
      const [ours, theirs] = await Promise.all([
        exchange({ host: '127.0.0.1', port: node.tcpPort }, bytes),
        exchange({ path: redis.path }, bytes),
      ]);
      const [mine, redisOwn] = [ours.toString('utf8'), theirs.toString('utf8')];
      if (redisOwn.includes('Protocol error')) refusals++;
      // Redis hangs up on HTTP without a word, and drops what it had not sent yet.
      const http = mine.indexOf('HTTP/1.1 400');
      const isSame = http >= 0 ? mine.slice(0, http).startsWith(redisOwn) : mine === redisOwn;
      if (!isSame) throw new Error(JSON.stringify({ sent: text, ours: mine, theirs: redisOwn }));
    }),
    { numRuns: Math.ceil(400 * testScale), includeErrorInReport: true },
  );
  t.true(refusals > 20);
  t.deepEqual(await bystander.send([['ECHO', 'still here']]), [Buffer.from('$10\r\nstill here\r\n')]);
  t.deepEqual(faults, []);
});
