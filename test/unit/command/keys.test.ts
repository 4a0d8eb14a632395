import test from 'ava';
import fc from 'fast-check';
import { ArgsBuffer } from '../../../src/command/args-buffer.ts';
import type { Step } from '../../../src/command/command.ts';
import { ReplyReader, ReplyWriter } from '../../../src/command/reply.ts';
import { commandTable } from '../../../src/command/table.ts';
import { CommandRunner, ErrorReply, readValue, type Value } from '../../command-runner.ts';
import { ModelStore } from '../../model-store.ts';
import { testCommands } from '../../stores.ts';

testCommands('what has expired is gone for every command', (t, { run, clock }) => {
  run('set k v px 50');
  run('set kept v');
  clock.timeMs += 49;
  t.is(run('get k'), 'v');
  t.is(run('pttl k'), 1);
  clock.timeMs += 1;
  t.is(run('get k'), null);
  t.is(run('ttl k'), -2);
  t.is(run('exists k'), 0);
  t.is(run('del k'), 0);
  t.is(run('type k'), 'none');
  t.deepEqual(run('keys *'), ['kept']);
  t.deepEqual(run('rename k j'), new ErrorReply('ERR no such key'));
  t.is(run('incr k'), 1);
});

testCommands('a time in the past removes the key', (t, { run }) => {
  for (const line of ['expire k -1', 'expire k 0', 'pexpireat k 1', 'set k v exat 1', 'getex k pxat 1']) {
    run('set k v');
    run(line);
    t.is(run('exists k'), 0, line);
  }
});

testCommands('a rename carries value, type, expiry and replaces what was there', (t, { run }) => {
  run('set a {"x":1} type json ex 100');
  run('set b old');
  t.is(run('rename a b'), 'OK');
  t.is(run('exists a'), 0);
  t.is(run('type b'), 'ReJSON-RL');
  t.is(run('ttl b'), 100);
  t.is(run('rename b b'), 'OK');
  t.is(run('json.get b'), '{"x":1}');
});

testCommands('SCAN goes through all keys, each once, by cursors that KEYS agrees with', (t, { run }) => {
  for (let index = 0; index < 500; index++) run(`set key:${index} v`);
  run('set other [] type json');
  const seen: Value[] = [];
  let cursor = '0';
  do {
    const page = run(`scan ${cursor} match key:* count 7`) as readonly [string, readonly Value[]];
    seen.push(...page[1]);
    cursor = page[0];
  } while (cursor !== '0');
  t.is(seen.length, 500);
  t.is(new Set(seen).size, 500);
  t.deepEqual([...(run('keys key:*') as readonly Value[])].sort(), seen.sort());
  t.deepEqual(run('scan 0 type rejson-rl count 1000'), ['0', ['other']]);
});

test('SCAN and KEYS go through all shards, RANDOMKEY reaches keys of each, DBSIZE sums', (t) => {
  const stores = [new ModelStore(), new ModelStore(), new ModelStore()];
  const runners = stores.map((store) => new CommandRunner(store));
  for (let index = 0; index < 60; index++) runners[index % 3]?.run('set', `k${index}`, 'v');
  const node = (runners[0] as CommandRunner).node;
  const survey = (...words: string[]): Value => {
    const [name = '', ...rest] = words;
    const command = commandTable.named(name);
    if (command.kind !== 'survey') throw new Error('not a survey');
    const args = new ArgsBuffer().begin();
    for (const word of rest) args.text(word);
    const reply = new ReplyWriter();
    let resume = 0;
    do resume = command.run(stores, node, args.args, reply, resume);
    while (resume > 0);
    const reader = new ReplyReader();
    reader.openWritten(reply);
    return readValue(reader);
  };
  const seen = new Set<Value>();
  let cursor = '0';
  do {
    const page = survey('scan', cursor, 'count', '5') as readonly [string, readonly Value[]];
    for (const key of page[1]) seen.add(key);
    cursor = page[0];
  } while (cursor !== '0');
  t.is(seen.size, 60);
  t.is((survey('keys', '*') as readonly Value[]).length, 60);
  t.is(survey('dbsize'), 60);
  const picked = new Set<number>();
  for (let round = 0; round < 200; round++) picked.add(Number(String(survey('randomkey')).slice(1)) % 3);
  t.deepEqual([...picked].sort(), [0, 1, 2]);
  t.deepEqual(survey('scan', '99999999999999'), ['0', []]);
});

test('KEYS over many keys is made in pieces, all of which are in the reply', (t) => {
  const store = new ModelStore();
  const runner = new CommandRunner(store);
  for (let index = 0; index < 10_000; index++) runner.run('set', `k${index}`, 'v');
  const keys = commandTable.named('keys');
  if (keys.kind !== 'survey') return t.fail();
  const reply = new ReplyWriter();
  const args = new ArgsBuffer().begin().text('*').args;
  let pieces = 0;
  let resume = 0;
  do {
    resume = keys.run([store], runner.node, args, reply, resume);
    pieces++;
  } while (resume > 0);
  t.true(pieces > 1);
  const reader = new ReplyReader();
  reader.openWritten(reply);
  t.is(new Set(readValue(reader) as readonly Value[]).size, 10_000);
});

/** Runs a pair command between two stores as the dispatcher does; `between` is called before each step. */
function runSteps(
  name: string,
  words: readonly string[],
  stores: Map<string, ModelStore>,
  between?: (step: Step) => void,
): Value {
  const command = commandTable.named(name);
  if (command.kind !== 'pair') throw new Error('not a pair');
  const args = new ArgsBuffer().begin();
  for (const word of words) args.text(word);
  const steps = command.start(args.args);
  args.begin().text('the arguments are used for something else');
  const reply = new ReplyWriter();
  const reader = new ReplyReader();
  const stepReply = new ReplyWriter();
  let step = steps.next(null, reply);
  while (step !== null) {
    between?.(step);
    const key = Buffer.from(step.args.view(0)).toString();
    const row = commandTable.named(step.command);
    if (row.kind !== 'read' && row.kind !== 'write') throw new Error('a step is a read or a write');
    stepReply.clear();
    void row.run(stores.get(key) as ModelStore, step.args, stepReply);
    reader.openWritten(stepReply);
    step = steps.next(reader, reply);
  }
  reader.openWritten(reply);
  return readValue(reader);
}

function twoShards(): { one: CommandRunner; other: CommandRunner; stores: Map<string, ModelStore> } {
  const [a, b] = [new ModelStore(), new ModelStore()];
  const stores = new Map([
    ['a', a],
    ['b', b],
  ]);
  return { one: new CommandRunner(a), other: new CommandRunner(b), stores };
}

test('between shards, moves have the replies and the effect they have on one', (t) => {
  const commands = [
    ['rename', 'a', 'b'],
    ['renamenx', 'a', 'b'],
    ['copy', 'a', 'b'],
    ['copy', 'a', 'b', 'REPLACE'],
    ['copy', 'a', 'b', 'DB', '1'],
    ['copy', 'a', 'b', 'nope'],
  ];
  const setups = [[], ['set a v ex 100 type bytes ct x/y'], ['set b w'], ['set a v', 'set b w']];
  for (const [name = '', ...words] of commands) {
    for (const setup of setups) {
      const within = new CommandRunner(new ModelStore());
      const { one, other, stores } = twoShards();
      for (const line of setup) {
        const parts = line.split(' ');
        within.run(parts[0] ?? '', ...parts.slice(1));
        (parts[1] === 'a' ? one : other).run(parts[0] ?? '', ...parts.slice(1));
      }
      const title = `${name} ${words.join(' ')} after ${setup.join(', ')}`;
      t.deepEqual(runSteps(name, words, stores), within.run(name, ...words), title);
      for (const [key, runner] of [
        ['a', one],
        ['b', other],
      ] as const) {
        t.is(runner.run('get', key), within.run('get', key), title);
        t.is(runner.run('pttl', key), within.run('pttl', key), title);
      }
    }
  }
});

test('a source that is written while it is renamed to another shard is not lost', (t) => {
  const { one, other, stores } = twoShards();
  one.run('set', 'a', '1');
  let writes = 0;
  const result = runSteps('rename', ['a', 'b'], stores, (step) => {
    if (step.command === 'flux.renamefrom' && writes < 3) one.run('set', 'a', String(10 + writes++));
  });
  t.is(result, 'OK');
  t.is(one.run('exists', 'a'), 0);
  t.is(other.run('get', 'b'), '12');
});

test('a destination that RENAMENX wrote itself does not stop it from writing again', (t) => {
  const { one, other, stores } = twoShards();
  one.run('set', 'a', '1');
  let changed = false;
  const result = runSteps('renamenx', ['a', 'b'], stores, (step) => {
    if (step.command === 'flux.renamefrom' && !changed) changed = one.run('set', 'a', '2') === 'OK';
  });
  t.is(result, 1);
  t.is(one.run('exists', 'a'), 0);
  t.is(other.run('get', 'b'), '2');
});

test('a source that never stops changing ends a rename with an error that says what is there', (t) => {
  const { one, stores } = twoShards();
  one.run('set', 'a', '1');
  const result = runSteps('rename', ['a', 'b'], stores, (step) => {
    if (step.command === 'flux.renamefrom') one.run('incr', 'a');
  });
  t.deepEqual(result, new ErrorReply('TRYAGAIN the source key keeps changing; both keys exist now'));
});

test('what is invalidated while it is on its way to another shard does not come to be there', (t) => {
  for (const [command, absent] of [
    ['rename', new ErrorReply('ERR no such key')],
    ['copy', 0],
  ] as const) {
    // The shards are told of the tag in either order, the second of them as late as can be before the reply.
    for (const isFirst of [true, false]) {
      const { one, other, stores } = twoShards();
      one.run('set', 'a', 'old', 'TAGS', '1', 't');
      for (let n = 0; n < 100; n++) one.run('set', 'else', 'x');
      const result = runSteps(command, ['a', 'b'], stores, (step) => {
        if (step.command !== `flux.${command}to`) return;
        const order = isFirst ? [one, other] : [other, one];
        for (const runner of order) runner.run('invalidate', 't');
      });
      t.deepEqual([result, other.run('get', 'b'), one.run('get', 'a')], [absent, null, null]);
    }
  }
  const { one, other, stores } = twoShards();
  other.run('invalidate', 't');
  one.run('set', 'a', 'new', 'TAGS', '1', 't');
  t.is(runSteps('rename', ['a', 'b'], stores), 'OK', 'what was invalidated before is of no matter');
  t.deepEqual(other.run('tags', 'b'), ['t']);
});

test('a step that fails is the reply of the whole command', (t) => {
  const { one, stores } = twoShards();
  one.run('set', 'a', '1');
  (stores.get('b') as ModelStore).full = true;
  t.deepEqual(
    runSteps('rename', ['a', 'b'], stores),
    new ErrorReply("OOM command not allowed when used memory > 'maxmemory'."),
  );
  t.is(one.run('get', 'a'), '1');
});

test('INFO shows the sections asked for, in any case', (t) => {
  const section = (name: string, shownByDefault: boolean) => ({
    name,
    shownByDefault,
    fields: () => [[`${name.toLowerCase()}_field`, 1] as const],
  });
  const runner = new CommandRunner(new ModelStore(), [section('Server', true), section('Commandstats', false)]);
  t.is(runner.run('info'), '# Server\r\nserver_field:1\r\n');
  t.is(runner.run('info', 'COMMANDSTATS'), '# Commandstats\r\ncommandstats_field:1\r\n');
  t.is(runner.run('info', 'all'), '# Server\r\nserver_field:1\r\n\r\n# Commandstats\r\ncommandstats_field:1\r\n');
  t.is(runner.run('info', 'default', 'nope'), '# Server\r\nserver_field:1\r\n');
  t.is(runner.run('info', 'nope'), '');
});

test('TIME tells seconds and microseconds', (t) => {
  t.deepEqual(new CommandRunner(new ModelStore(1_700_000_000_123)).run('time'), ['1700000000', '123000']);
});

testCommands('MEMORY USAGE and OBJECT tell of a key, null of none', (t, { run }) => {
  run('set k v');
  t.true((run('memory usage k') as number) > 0);
  t.true((run('memory usage k samples 0') as number) > 0);
  t.is(run('memory usage none'), null);
  t.deepEqual(run('memory usage k samples -1'), new ErrorReply('ERR syntax error'));
  run('set n 12345678901');
  run('set long', 'x'.repeat(45));
  t.is(run('object encoding k'), 'embstr');
  t.is(run('object encoding n'), 'int');
  t.is(run('object encoding long'), 'raw');
  t.is(run('object encoding none'), null);
  t.is(run('object freq none'), null);
  t.true(run('object freq k') instanceof ErrorReply);
  t.true(Array.isArray(run('object help')));
});

test('the arguments of a buffer stay right while it grows', (t) => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 300 })), (words) => {
      const buffer = new ArgsBuffer().begin();
      for (const word of words) buffer.text(word);
      t.deepEqual(
        words.map((_, index) => Buffer.from(buffer.args.view(index)).toString()),
        words.map((word) => Buffer.from(word).toString()),
      );
    }),
  );
});
