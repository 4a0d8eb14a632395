import test from 'ava';
import { CommandColors, commandLabel } from '../../../../src/monitoring/dashboard/page/command-colors.js';

test('a command has the same colour on every page, whichever is the busiest', (t) => {
  const one = new CommandColors();
  const other = new CommandColors();
  one.assign(['set', 'get', 'del']);
  other.assign(['get', 'hgetall', 'set']);
  for (const name of ['get', 'set']) t.is(one.of(name), other.of(name));
});

test('no two commands that are shown have one colour, and those that stay keep theirs', (t) => {
  const colors = new CommandColors();
  const names = ['xadd', 'xread', 'zadd', 'hset', 'hget', 'lpush', 'get'];
  colors.assign(names);
  t.is(new Set(names.map((name) => colors.of(name))).size, names.length);
  const before = colors.of('zadd');
  colors.assign(['zadd', 'set', 'sadd', 'mget']);
  t.is(colors.of('zadd'), before);
});

test('commands are written as people write them', (t) => {
  t.deepEqual(['get', 'config|get', 'flux.entry'].map(commandLabel), ['GET', 'CONFIG GET', 'GET /v1/keys']);
});
