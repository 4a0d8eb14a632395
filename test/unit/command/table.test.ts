import test from 'ava';
import { errors } from '../../../src/base/errors.ts';
import { CommandTable, commandTable, lastKeyOf } from '../../../src/command/table.ts';
import { CommandRunner, ErrorReply, type Word } from '../../command-runner.ts';
import { ModelStore } from '../../model-store.ts';

function errorOf(name: Word, ...words: Word[]): string {
  const value = new CommandRunner(new ModelStore()).run(name, ...words);
  return value instanceof ErrorReply ? value.text : `no error: ${String(value)}`;
}

test('every command is found by its name in any case, and by its number', (t) => {
  for (const command of commandTable.commands) {
    t.is(commandTable.byId(command.id), command);
    t.is(commandTable.named(command.name), command);
    const [name = '', subcommand] = command.name.split('|');
    for (const spelt of [name, name.toUpperCase(), name.replace(/^./, (first) => first.toUpperCase())]) {
      const bytes = Buffer.from(`  ${spelt} `);
      const found = commandTable.find(bytes, 2, bytes.length - 1);
      if (subcommand === undefined) t.is(found, command);
      else {
        const sub = Buffer.from(subcommand.toUpperCase());
        if (found === null) t.fail(`${name} is not found`);
        else t.is(commandTable.findSubcommand(found, sub, 0, sub.length), command);
      }
    }
  }
});

test('names that nearly are ones are not found', (t) => {
  for (const name of ['', 'ge', 'gett', 'get ', 'g\0t', 'x'.repeat(40), 'usage', 'memory|']) {
    const bytes = Buffer.from(name);
    t.is(commandTable.find(bytes, 0, bytes.length), null, name);
  }
});

test('rows are complete, and their key positions fit their arity', (t) => {
  for (const { name, arity, keys, summary, complexity, flags, kind } of commandTable.commands) {
    t.true(summary.endsWith('.'), name);
    t.true(complexity !== '', name);
    t.true(keys.step === 0 || keys.first + 2 <= Math.abs(arity), name);
    const writes = kind === 'write' || kind === 'pair' || kind === 'steps' || kind === 'sweep';
    t.is(flags.includes('write'), writes, name);
    t.is(flags.includes('readonly'), kind === 'read' || kind === 'survey', name);
  }
});

test('a name declared twice is refused', (t) => {
  const [first] = commandTable.commands;
  if (first === undefined) return t.fail();
  t.throws(() => new CommandTable([first, first]), { message: /declared once/ });
});

test('what cannot be run is told with the texts of Redis', (t) => {
  t.is(errorOf('foo', 'a', 'b c'), "ERR unknown command 'foo', with args beginning with: 'a' 'b c' ");
  t.is(errorOf('foo\r\nbar', 'x\ny'), "ERR unknown command 'foo  bar', with args beginning with: 'x y' ");
  t.is(errorOf('get'), "ERR wrong number of arguments for 'get' command");
  t.is(errorOf('GET', 'a', 'b'), "ERR wrong number of arguments for 'get' command");
  t.is(errorOf('mset', 'a', '1', 'b'), "ERR wrong number of arguments for 'mset' command");
  t.is(errorOf('object'), "ERR wrong number of arguments for 'object' command");
  t.is(errorOf('object', 'nope'), "ERR unknown subcommand 'nope'. Try OBJECT HELP.");
  t.is(errorOf('memory', 'usage'), "ERR wrong number of arguments for 'memory|usage' command");
});

test('no client can name an internal command, nor a subcommand with a bar', (t) => {
  t.regex(errorOf('flux.entry', 'k'), /^ERR unknown command/);
  t.regex(errorOf('memory|usage', 'usage', 'k'), /^ERR unknown command/);
});

test('a key over the limit is refused wherever it stands, before anything runs', (t) => {
  const store = new ModelStore();
  const runner = new CommandRunner(store);
  runner.keyBytesMax = 10;
  const tooLong = new ErrorReply('ERR key is too large: 11 bytes, the limit is 10');
  t.deepEqual(runner.run('get', 'x'.repeat(11)), tooLong);
  t.deepEqual(runner.run('mset', 'a', '1', 'x'.repeat(11), '2'), tooLong);
  t.deepEqual(runner.run('json.mget', 'x'.repeat(11), '$'), tooLong);
  t.is(store.keyCount, 0);
  t.is(runner.run('mset', 'a', 'long value is no key', 'b', '2'), 'OK');
});

test('the last key is counted from the front or from the end', (t) => {
  const args = { count: 4 } as Parameters<typeof lastKeyOf>[1];
  t.is(lastKeyOf(commandTable.named('get'), args), 0);
  t.is(lastKeyOf(commandTable.named('mget'), args), 3);
  t.is(lastKeyOf(commandTable.named('json.mget'), args), 2);
});

test('every error has a number of its own and a status of HTTP', (t) => {
  const ids = Object.values(errors).map(({ id }) => id);
  t.is(new Set(ids).size, ids.length);
  for (const [code, { id, httpStatus, summary }] of Object.entries(errors)) {
    t.true(id > 0 && id < 256, code);
    t.true(httpStatus >= 400 && httpStatus < 600, code);
    t.true(summary.endsWith('.'), code);
  }
});
