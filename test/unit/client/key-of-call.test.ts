import test from 'ava';
import { keyedCommands, keyOfCall } from '../../../src/client/key-of-call.ts';
import { commandTable } from '../../../src/command/table.ts';

test('the commands taken to begin with a key are those that do, by the table', (t) => {
  const rows = commandTable.commands.filter(({ group, kind }) => group !== 'internal' && kind !== 'connection');
  const keyed = rows.filter(({ keys, name }) => keys.step > 0 && keys.first === 0 && !name.includes('|'));
  // MOVE has a key, and is refused anyway; `entry` is a method of RPC alone.
  const names = keyed.map(({ name }) => name).filter((name) => name !== 'move');
  t.deepEqual([...keyedCommands].sort(), [...names, 'entry'].sort());
  for (const { name, keys } of rows) {
    if (!name.includes('|')) continue;
    const [method = '', subcommand = ''] = name.split('|');
    const key = keys.step > 0 ? 'k' : null;
    t.is(keyOfCall(method.toUpperCase(), [subcommand, 'k']), key, name);
    t.is(keyOfCall(name.replace('|', ' '), ['k']), key, name);
  }
});

test('a command without a key, or with something else in its place, has none', (t) => {
  t.is(keyOfCall('flushall', ['sync']), null);
  t.is(keyOfCall('keys', ['*']), null);
  t.is(keyOfCall('get', []), null);
  t.is(keyOfCall('get', [{}]), null);
  t.is(keyOfCall('nonsense', ['k']), null);
  t.is(keyOfCall('MGET', ['a', 'b']), 'a');
});
