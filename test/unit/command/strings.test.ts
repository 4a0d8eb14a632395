import test from 'ava';
import { ValueType } from '../../../src/base/view.ts';
import { CommandRunner, ErrorReply } from '../../command-runner.ts';
import { ModelStore } from '../../model-store.ts';
import { modelBench, testCommands } from '../../stores.ts';

const wrongType = new ErrorReply('WRONGTYPE Operation against a key holding the wrong kind of value');

testCommands('a value of any bytes is returned as it was set', (t, { runner }) => {
  const key = Uint8Array.of(0, 255, 10);
  const value = Uint8Array.from({ length: 300 }, (_, index) => index & 255);
  t.is(runner.run('set', key, value), 'OK');
  t.is(runner.run('get', key), Buffer.from(value).toString('latin1'));
  t.is(runner.run('set', '', ''), 'OK');
  t.is(runner.run('get', ''), '');
});

testCommands('SET tells the version it wrote and whether it created the entry', (t, { run, runner }) => {
  run('set k a');
  t.true(runner.reader.created);
  const first = runner.reader.version;
  t.true(first > 0);
  t.is(run('set k b get'), 'a');
  t.false(runner.reader.created);
  t.true(runner.reader.version > first);
  t.is(run('set new b get'), null);
  t.true(runner.reader.created);
});

testCommands('SET IFVERSION writes over that version only, 0 standing for an absent key', (t, { run, runner }) => {
  t.is(run('set k a ifversion 1'), null);
  t.is(run('set k a ifversion 0'), 'OK');
  t.is(run('set k b ifversion 0'), null);
  run('set k b');
  const current = runner.reader.version;
  t.is(run(`set k c ifversion ${current - 1}`), null);
  t.is(run(`set k c ifversion ${current}`), 'OK');
  t.is(run('get k'), 'c');
  t.deepEqual(run('set k d ifversion x'), new ErrorReply('ERR value is not an integer or out of range'));
  t.deepEqual(run('set k d ifversion -1'), new ErrorReply('ERR version must not be negative'));
  t.deepEqual(run('set k d ifversion 1 nx'), new ErrorReply('ERR syntax error'));
  t.deepEqual(run('set k d xx ifversion 1'), new ErrorReply('ERR syntax error'));
});

testCommands('SET keeps the type it is told, and checks that the value is of it', (t, { run, store }) => {
  const typeOf = (): ValueType => {
    store.peek(Buffer.from('k'), 0, 1);
    return store.entry.type;
  };
  t.is(run('set k 5 type number'), 'OK');
  t.is(typeOf(), ValueType.number);
  t.is(run('set k 1.50e1 type number'), 'OK');
  t.is(run('get k'), '15');
  for (const bad of ['x', '', '1e999', '0x1', '18446744073709551615', '-', '1.']) {
    t.deepEqual(
      run('set k', bad, 'type', 'number'),
      new ErrorReply('ERR value is not a valid float or 64-bit integer'),
    );
  }
  t.is(run('set k [1] type json'), 'OK');
  t.is(typeOf(), ValueType.json);
  t.deepEqual(run('set k [1 type json'), new ErrorReply('ERR invalid JSON: it ends too early'));
  t.is(run('set k x type bytes'), 'OK');
  t.is(typeOf(), ValueType.bytes);
  t.is(run('set k x'), 'OK');
  t.is(typeOf(), ValueType.string);
  t.deepEqual(run('set k x type list'), new ErrorReply('ERR type must be string, bytes, number or json'));
});

testCommands('a content type stays with the value until it is set anew', (t, { run, store }) => {
  const contentType = (): string => {
    const bytes = new Uint8Array(300);
    store.peek(Buffer.from('k'), 0, 1);
    if (store.entry.contentTypeBytes > 0) store.copyContentType(bytes, 0);
    return Buffer.from(bytes.subarray(0, store.entry.contentTypeBytes)).toString();
  };
  run('set k 1 ct text/plain');
  run('append k 2');
  t.is(contentType(), 'text/plain');
  run('incr k');
  run('rename k other');
  run('copy other k');
  t.is(contentType(), 'text/plain');
  run('set k 1');
  t.is(contentType(), '');
  t.deepEqual(run('set k 1 ct', 'x'.repeat(256)), new ErrorReply('ERR content type is longer than 255 bytes'));
});

testCommands('bytes are not cut into JSON documents, nor are they counted up', (t, { run }) => {
  run('set k 5 type json');
  for (const line of ['append k 1', 'setrange k 0 1', 'incr k', 'incrby k 99999999999999999', 'incrbyfloat k 1']) {
    t.deepEqual(run(line), wrongType, line);
  }
  t.is(run('get k'), '5');
  t.is(run('strlen k'), 1);
  t.is(run('getrange k 0 0'), '5');
});

testCommands('INCR makes a number of text, and APPEND text of a number', (t, { run, store }) => {
  run('set k 10');
  t.is(run('incr k'), 11);
  store.peek(Buffer.from('k'), 0, 1);
  t.is(store.entry.type, ValueType.number);
  run('append k x');
  store.peek(Buffer.from('k'), 0, 1);
  t.is(store.entry.type, ValueType.string);
});

testCommands('counting is exact to the ends of 64 bits, and refuses to go beyond', (t, { run }) => {
  run('set k 9223372036854775806');
  t.is(run('incr k'), 9223372036854775807n);
  const overflow = new ErrorReply('ERR increment or decrement would overflow');
  t.deepEqual(run('incr k'), overflow);
  t.deepEqual(run('incrby k 9223372036854775807'), overflow);
  t.is(run('decrby k 9223372036854775807'), 0);
  t.deepEqual(run('decrby k -9223372036854775808'), new ErrorReply('ERR decrement would overflow'));
  t.is(run('incrby k -9223372036854775808'), -9223372036854775808n);
  t.deepEqual(run('decr k'), overflow);
  run('set k 999999999999999');
  t.is(run('incr k'), 1_000_000_000_000_000);
  t.is(run('incr k'), 1_000_000_000_000_001);
});

testCommands('computed values keep the time to live, set ones drop it unless told', (t, { run }) => {
  for (const line of ['incr k', 'append k 1', 'setrange k 0 7', 'incrbyfloat k 1', 'set k 1 keepttl']) {
    run('set k 1 ex 100');
    run(line);
    t.is(run('ttl k'), 100, line);
  }
  for (const line of ['set k 1', 'getset k 1', 'mset k 1']) {
    run('set k 1 ex 100');
    run(line);
    t.is(run('ttl k'), -1, line);
  }
});

testCommands('MSET and MSETNX write all or nothing', (t, { run }) => {
  t.is(run('msetnx a 1 b 2'), 1);
  t.is(run('msetnx c 3 b 4'), 0);
  t.deepEqual(run('mget a b c'), ['1', '2', null]);
  t.is(run('mset a 5 a 6'), 'OK');
  t.is(run('get a'), '6');
});

test('a value over the limit is refused before it is built, and what was there stays', (t) => {
  const store = new ModelStore(1_700_000_000_000, 1000);
  const runner = new CommandRunner(store);
  const tooLarge = new ErrorReply('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
  runner.run('set', 'k', 'v'.repeat(999));
  t.deepEqual(runner.run('append', 'k', 'xy'), tooLarge);
  t.deepEqual(runner.run('setrange', 'k', '9007199254740991', 'x'), tooLarge);
  t.deepEqual(runner.run('setrange', 'k', '9223372036854775807', 'x'), tooLarge);
  t.deepEqual(runner.run('set', 'k', 'v'.repeat(1001), 'GET'), tooLarge);
  t.deepEqual(runner.run('mset', 'a', '1', 'k', 'v'.repeat(1001)), tooLarge);
  t.is(runner.run('strlen', 'k'), 999);
  t.is(runner.run('exists', 'a'), 0);
});

const refusedKey = 'x'.repeat(9000);
const keyTooLarge = new ErrorReply('ERR string exceeds maximum allowed size (proto-max-bulk-len)');

testCommands('MSET and MSETNX change nothing when a pair among others is refused', (t, { run, store }) => {
  run('set old 1 ex 100 ct text/plain');
  const { version } = entryOf('old');
  for (const line of [`mset old 2 new 2 ${refusedKey} 2 after 2`, `mset new 2 old 2 old 3 ${refusedKey} 2`]) {
    t.deepEqual(run(line), keyTooLarge);
    t.deepEqual(run('mget old new after'), ['1', null, null]);
    t.deepEqual(entryOf('old'), { version, expires: true, contentTypeBytes: 10 });
    t.is(run('dbsize'), 1);
  }
  t.deepEqual(run(`msetnx new 2 ${refusedKey} 2`), keyTooLarge);
  t.is(run('exists new'), 0);
  t.is(run('mset old 2 new 3'), 'OK');
  t.deepEqual(run('mget old new'), ['2', '3']);

  function entryOf(key: string): { version: number; expires: boolean; contentTypeBytes: number } {
    t.true(store.peek(Buffer.from(key), 0, key.length));
    const { entry } = store;
    return { version: entry.version, expires: entry.expiresAtMs > 0, contentTypeBytes: entry.contentTypeBytes };
  }
});

testCommands('a RENAME to a key that is refused leaves the entry where it is', (t, { run }) => {
  run('set k 1');
  t.deepEqual(run(`rename k ${refusedKey}`), keyTooLarge);
  t.deepEqual(run(`copy k ${refusedKey}`), keyTooLarge);
  t.is(run('get k'), '1');
  t.is(run('dbsize'), 1);
});

test('MSET and MSETNX change nothing when memory runs out between their pairs', (t) => {
  for (let putsLeft = 0; putsLeft < 3; putsLeft++) {
    for (const command of ['mset', 'msetnx']) {
      const { run, store } = modelBench();
      const model = store as ModelStore;
      if (command === 'mset') run('set b 1');
      model.putsLeft = putsLeft;
      t.deepEqual(
        run(`${command} a 2 b 2 c 2`),
        new ErrorReply("OOM command not allowed when used memory > 'maxmemory'."),
      );
      t.deepEqual(run('mget a b c'), [null, command === 'mset' ? '1' : null, null]);
      t.is(model.openGroups, 0);
    }
  }
});

test('without room every write says so and leaves everything as it was; reads and deletes go on', (t) => {
  const { run, store } = modelBench();
  run('mset k 1 j 2');
  run('json.set d $ {"a":[1]}');
  (store as ModelStore).full = true;
  const full = new ErrorReply("OOM command not allowed when used memory > 'maxmemory'.");
  const lines = ['set k 2', 'set k 2 get', 'setnx n 1', 'setex k 10 1', 'getset k 2', 'mset a 1 b 2', 'mset a 1'];
  const more = [
    'incr k',
    'append k 1',
    'setrange k 0 x',
    'incrbyfloat k 1',
    'rename k n',
    'copy k n',
    'msetnx a 1 b 2',
  ];
  const json = ['json.set d $.b 1', 'json.set e $ 1', 'json.arrappend d $.a 1', 'json.numincrby d $.a[0] 1'];
  for (const line of [...lines, ...more, ...json]) t.deepEqual(run(line), full, line);
  t.deepEqual(run('mget k j a b n'), ['1', '2', null, null, null]);
  t.is(run('json.get d'), '{"a":[1]}');
  t.is(run('del k j'), 2);
  t.is((store as ModelStore).openGroups, 0);
});
