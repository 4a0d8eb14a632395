import { ErrorReply } from '../../command-runner.ts';
import { testCommands } from '../../stores.ts';

testCommands('GETENTRY tells all there is of a key, such that SET can write the same', (t, { run, clock }) => {
  t.is(run('getentry none'), null);
  run('set plain v');
  t.like(Object.fromEntries(run('getentry plain') as Map<string, unknown>), {
    value: 'v',
    bytes: 1,
    type: 'string',
    'expires-at': -1,
    stale: 0,
    'content-type': null,
    tags: [],
  });
  run('set full {"a":1} type json ct text/x px 5000 stale 700 tags 2 one two');
  const { version, ...told } = Object.fromEntries(run('getentry full') as Map<string, unknown>);
  t.true(Number(version) > 0);
  t.deepEqual(told, {
    value: '{"a":1}',
    bytes: 7,
    type: 'json',
    'expires-at': clock.timeMs + 5000,
    stale: 700,
    'content-type': 'text/x',
    tags: ['one', 'two'],
  });
  clock.timeMs += 5000;
  t.is(run('getentry full'), null);
});

testCommands('GETENTRY leaves out a value that is longer than asked for', (t, { run }) => {
  run('set k 12345');
  const value = (line: string) => (run(line) as Map<string, unknown>).get('value');
  t.is(value('getentry k upto 5'), '12345');
  t.is(value('getentry k UPTO 4'), null);
  t.is((run('getentry k upto 0') as Map<string, unknown>).get('bytes'), 5);
  t.deepEqual(run('getentry k upto -1'), new ErrorReply('ERR UPTO must not be negative'));
  t.deepEqual(run('getentry k upto x'), new ErrorReply('ERR value is not an integer or out of range'));
  t.deepEqual(run('getentry k upto'), new ErrorReply('ERR syntax error'));
  t.deepEqual(run('getentry k below 5'), new ErrorReply('ERR syntax error'));
});
