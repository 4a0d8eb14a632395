import test from 'ava';
import { commandTable } from '../../../src/command/table.ts';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { RespConnection } from '../../resp-connection.ts';
import { startNodeFixture } from './node-fixture.ts';

const compare = isRedisInstalled() ? test : test.skip;

compare('a wrong number of arguments is refused in the words of redis-server, by every command it has', async (t) => {
  const { node } = await startNodeFixture(t);
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const ours = await RespConnection.open({ host: '127.0.0.1', port: node.tcpPort });
  t.teardown(async () => ours.close());
  let compared = 0;
  for (const { name, arity, group } of commandTable.commands) {
    const words = name.split('|');
    const [info] = await redis.send([['COMMAND', 'INFO', name]]);
    const isOfRedis = info !== undefined && !/^\*1\r\n(\*-1|\$-1)\r\n$/.test(info.toString('latin1'));
    if (group === 'internal' || !isOfRedis) continue;
    // As many arguments as are too few, or one too many where the number is fixed.
    const wrong = arity > 0 ? [arity - 1, arity + 1] : [-arity - 1];
    for (const count of wrong.filter((length) => length >= words.length)) {
      const request = [...words, ...Array.from({ length: count - words.length }, () => 'x')];
      const [[our], [their]] = await Promise.all([ours.send([request]), redis.send([request])]);
      t.is(our?.toString('latin1'), their?.toString('latin1'), request.join(' '));
      compared++;
    }
  }
  t.log(`${compared} requests compared`);
  t.true(compared > 100);
});

compare('an unknown subcommand is refused in the words of redis-server, by every command that has some', async (t) => {
  const { node } = await startNodeFixture(t);
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const ours = await RespConnection.open({ host: '127.0.0.1', port: node.tcpPort });
  t.teardown(async () => ours.close());
  const containers = commandTable.commands.filter(({ kind }) => kind === 'container');
  for (const { name } of containers) {
    for (const request of [
      [name, 'nope'],
      [name.toUpperCase(), 'No\r\npe', 'x', 'y'],
      [name, ''],
    ]) {
      const [[our], [their]] = await Promise.all([ours.send([request]), redis.send([request])]);
      t.is(our?.toString('latin1'), their?.toString('latin1'), request.join(' '));
    }
  }
  t.true(containers.length > 8);
});
