import test from 'ava';
import { keyHashOf } from '../../../src/base/key-hash.ts';
import { EffectKind, EffectReader } from '../../../src/store/effect-codec.ts';
import { EffectLog } from '../../../src/store/effect-log.ts';
import { putRequest } from '../../property/store/model.ts';

/** What a record says, effect by effect. */
function read(record: Uint8Array): string[] {
  const reader = new EffectReader();
  reader.open(record);
  const effects: string[] = reader.isGroup ? ['group'] : [];
  while (reader.next()) {
    const key = Buffer.from(record.subarray(reader.keyStart, reader.keyEnd)).toString();
    const value = Buffer.from(record.subarray(reader.valueStart, reader.valueEnd)).toString();
    if (reader.kind === EffectKind.put) effects.push(`put ${key}=${value.slice(0, 8)}`);
    else if (reader.kind === EffectKind.remove) effects.push(`remove ${key}`);
    else if (reader.kind === EffectKind.expiry) effects.push(`expire ${key} ${reader.expiresAtMs}`);
    else effects.push('clear');
  }
  if (reader.isFaulty) effects.push('fault');
  return effects;
}

function drained(log: EffectLog): string[] {
  const lines: string[] = [];
  log.drain((partition, _keys, record) => {
    for (const effect of read(record)) lines.push(`${partition}: ${effect}`);
  });
  return lines;
}

function hashOf(key: string): number {
  return keyHashOf(Buffer.from(key), 0, key.length);
}

class Told {
  readonly log = new EffectLog();
  #version = 0;

  put(key: string, value: string, partition = 0): this {
    this.log.onPut(partition, putRequest(key, Buffer.from(value)), ++this.#version);
    return this;
  }

  remove(key: string, stands = false, partition = 0): this {
    this.log.onRemove(partition, Buffer.from(key), 0, key.length, stands);
    return this;
  }

  expire(key: string, atMs: number, partition = 0): this {
    this.log.onExpiry(partition, Buffer.from(key), 0, key.length, atMs);
    return this;
  }
}

test('a put is told whole: type, version, expiry and content type, whatever their size', (t) => {
  const log = new EffectLog();
  const value = Buffer.alloc(100_000, 7);
  const expiresAtMs = 2 ** 48 - 1;
  log.onPut(3, putRequest('a key', value, { expiresAtMs, type: 3, contentType: 'x'.repeat(255) }), 2 ** 48 - 1);
  t.is(log.bytesOf(4), 1);
  const bytes = log.bytesOf(3);
  t.plan(15);
  log.drain((partition, keys, record, clears) => {
    t.is(partition, 3);
    t.deepEqual(keys, [hashOf('a key')]);
    t.false(clears);
    t.is(record.length, bytes);
    const reader = new EffectReader();
    reader.open(record);
    t.false(reader.isGroup);
    t.true(reader.next());
    t.is(reader.version, 2 ** 48 - 1);
    t.is(reader.expiresAtMs, expiresAtMs);
    t.is(reader.type, 3);
    t.is(reader.contentTypeEnd - reader.contentTypeStart, 255);
    t.deepEqual(Buffer.from(record.subarray(reader.valueStart, reader.valueEnd)), value);
    t.false(reader.next());
    t.false(reader.isFaulty);
  });
  t.true(log.isEmpty);
});

test('effects go into a record for each partition, the first touched first', (t) => {
  const told = new Told().put('b', '1', 5).put('a', '2', 2).remove('c', false, 5);
  told.log.onClear(2);
  const records: unknown[] = [];
  told.log.drain((partition, keys, record, clears) => records.push([partition, keys, read(record), clears]));
  t.deepEqual(records, [
    [5, [hashOf('b'), hashOf('c')], ['put b=1', 'remove c'], false],
    [2, [hashOf('a')], ['put a=2', 'clear'], true],
  ]);
  t.deepEqual(drained(told.log), []);
});

test('of what is done to one key the last is told, an expiry besides the put before it', (t) => {
  t.deepEqual(drained(new Told().put('k', '1').put('x', '1').put('k', '2').log), ['0: put x=1', '0: put k=2']);
  t.deepEqual(drained(new Told().put('k', '1').remove('k').log), ['0: remove k']);
  t.deepEqual(drained(new Told().put('k', '1').expire('k', 5).expire('k', 6).log), ['0: put k=1', '0: expire k 6']);
  t.deepEqual(drained(new Told().expire('k', 5).put('k', '1').log), ['0: put k=1']);
  t.deepEqual(drained(new Told().put('k', '1', 1).put('k', '2', 2).log), ['1: put k=1', '2: put k=2']);
});

test('a value written a hundred times in one record takes its room once, also beside another one', (t) => {
  const told = new Told();
  const value = 'v'.repeat(1 << 20);
  for (let i = 0; i < 100; i++) told.put('k', value).put('l', value);
  t.true(told.log.bytesOf(0) < 2.1 * 2 ** 20, `${told.log.bytesOf(0)} bytes`);
  t.deepEqual(drained(told.log), ['0: put k=vvvvvvvv', '0: put l=vvvvvvvv']);
});

test('what is taken back is not told, but for what stands; and what it was to replace is told again', (t) => {
  const told = new Told().put('a', 'before');
  const outer = told.log.mark();
  told.put('a', 'outer').put('b', 'outer');
  const inner = told.log.mark();
  told.put('a', 'inner').remove('gone', true).put('gone', 'inner').remove('b').put('c', 'inner');
  told.log.takeBack(inner);
  told.log.settle(inner);
  told.put('d', 'outer').put('b', 'again');
  told.log.settle(outer);
  t.deepEqual(drained(told.log), [
    '0: group',
    '0: put a=before',
    '0: put a=outer',
    '0: remove gone',
    '0: put d=outer',
    '0: put b=again',
  ]);
});

test('a record of several effects says that they belong together only after a group', (t) => {
  t.deepEqual(drained(new Told().put('a', '1').remove('b', true).log), ['0: put a=1', '0: remove b']);
  const told = new Told();
  told.log.mark();
  told.put('a', '1');
  told.log.settle(0);
  t.deepEqual(drained(told.log), ['0: put a=1'], 'one alone needs no group');
  t.deepEqual(drained(told.put('a', '1').put('b', '1').log), ['0: put a=1', '0: put b=1'], 'nor those of later');
});

test('what is no record is told from one, wherever it ends and whatever it holds', (t) => {
  const told = new Told().put('key', 'value').expire('key', 1e12).remove('other');
  const records: Uint8Array[] = [];
  told.log.drain((_partition, _keys, record) => records.push(record));
  const record = records[0] as Uint8Array;
  const whole = read(record);
  t.is(whole.length, 3);
  for (let length = 0; length < record.length; length++) {
    const effects = read(record.subarray(0, length));
    if (effects.includes('fault')) continue;
    // Between two effects it may end, and nowhere else.
    t.true(effects.length < 3 && length > 0, `${length} bytes: ${effects}`);
    t.deepEqual(effects, whole.slice(0, effects.length));
  }
  for (const bytes of [
    [0, 0],
    [0, 5],
    [0, 8],
    [2],
    [0, 2, 255, 255, 255, 255, 255, 255, 255, 255, 1],
    [0, 2, 129, 128, 4],
    [0, 1, 0, 1, 107, 0],
    [0, 129, 1, 1, 107, 0],
  ]) {
    t.true(read(Uint8Array.from(bytes)).includes('fault'), `${bytes}`);
  }
});
