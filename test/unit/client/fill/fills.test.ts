import test from 'ava';
import { batchBuilder, batchOf } from '../../../../src/client/batch.ts';
import { plainCodec } from '../../../../src/client/codec.ts';
import {
  AbortError,
  ClosedError,
  ConnectionError,
  LoadError,
  ReplyError,
  TimeoutError,
} from '../../../../src/client/errors.ts';
import type { FillPort } from '../../../../src/client/fill/fill-port.ts';
import { Fills } from '../../../../src/client/fill/fills.ts';
import { invalidateOperations } from '../../../../src/client/invalidate-operations.ts';
import type { Operation } from '../../../../src/client/operation.ts';
import { operations } from '../../../../src/client/operations.ts';
import { FakeFillServer } from '../../../fake-fill-server.ts';

function opened(): { server: FakeFillServer; fills: Fills } {
  const server = new FakeFillServer();
  return { server, fills: new Fills(server, plainCodec) };
}

/** A promise that is settled from outside. */
function later<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

function unused(): unknown {
  throw new Error('the loader was not to be asked');
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

test('a value that is there is given without the loader', async (t) => {
  const { server, fills } = opened();
  server.put('k', 7);
  t.is(await fills.getOrSet('k', unused, {}), 7);
  t.true(fills.isIdle);
});

test('those who ask for a missing key in one turn, as text and as bytes, share one question and one load', async (t) => {
  const { server, fills } = opened();
  let loads = 0;
  const load = () => ++loads;
  const keys = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? 'käse' : Buffer.from('käse')));
  const values = await Promise.all(keys.map((key) => fills.getOrSet(key, load, {})));
  t.deepEqual(new Set(values), new Set([1]));
  t.deepEqual(server.asked, ['getfill', 'set']);
  t.true(fills.isIdle);
});

test('whoever asks while a value is loaded waits for it, and is not given it when it was overtaken', async (t) => {
  const { server, fills } = opened();
  const loaded = later<string>();
  const first = fills.getOrSet('k', () => loaded.promise, {});
  await until(() => server.entries.get('k')?.token !== undefined && fills.isIdle === false);
  await turn();
  server.put('k', 'written meanwhile');
  const second = fills.getOrSet('k', () => 'loaded by the second', {});
  loaded.resolve('loaded before the write');
  t.is(await first, 'loaded before the write');
  t.is(await second, 'written meanwhile');
});

test('whoever asks while the server is asked asks by himself', async (t) => {
  const { server, fills } = opened();
  server.put('k', 'old');
  const first = fills.getOrSet('k', unused, {});
  await Promise.resolve();
  fills.noteWrite(operations.set('k', 'new'));
  server.put('k', 'new');
  await fills.getOrSet('k', unused, {});
  await first;
  t.is(server.asksFor('getfill'), 2);
});

/** What a client does for one of its writes. */
async function write<T>(server: FakeFillServer, fills: Fills, operation: Operation<T>): Promise<T> {
  fills.noteWrite(operation);
  const result = await server.run(operation, {});
  fills.noteWrite(operation);
  return result;
}

const writes = {
  'a write of the key': operations.set('k', 'written'),
  'a deletion of the key': operations.delete(['k']),
  'an invalidation of any tag': invalidateOperations.invalidate(['whichever'], false),
  'a deletion by pattern': invalidateOperations.deleteMatching('*'),
  'the end of all keys': operations.call('flushall', ['async']),
  'an invalidation in a batch': batchOf([batchBuilder.call('invalidate', ['whichever'])]),
};

for (const [what, operation] of Object.entries(writes)) {
  test(`whoever asks after ${what} by his client is given nothing that was loaded before without a token`, async (t) => {
    const { server, fills } = opened();
    server.take('k');
    const loaded = later<string>();
    let loads = 0;
    const load = () => (loads++ === 0 ? loaded.promise : 'new');
    const before = fills.getOrSet('k', load, { waitMs: 0 });
    await until(() => loads === 1);
    const joined = fills.getOrSet('k', unused, {});
    fills.noteWrite(operations.set('another', 'written'));
    const alsoJoined = fills.getOrSet('k', unused, {});
    fills.noteWrite(operation);
    fills.noteWrite(operation);
    t.is(await fills.getOrSet('k', load, { waitMs: 0 }), 'new');
    loaded.resolve('old');
    t.deepEqual(await Promise.all([before, joined, alsoJoined]), ['old', 'old', 'old']);
    t.is(server.asksFor('set'), 0);
    t.true(fills.isIdle);
  });
}

test('while the server is away, whoever asks after a write loads by himself, and those who follow share his load', async (t) => {
  const { server, fills } = opened();
  server.faults.set('getfill', new ConnectionError('connection', 'it is gone'));
  const loaded = [later<string>(), later<string>()];
  let loads = 0;
  const load = () => loaded[loads++]?.promise ?? unused();
  const before = fills.getOrSet('k', load, {});
  await until(() => loads === 1);
  fills.noteWrite(operations.delete(['k']));
  const after = [fills.getOrSet('k', load, {})];
  await until(() => loads === 2);
  await turn();
  after.push(fills.getOrSet('k', load, {}));
  loaded[0]?.resolve('old');
  t.is(await before, 'old');
  await turn();
  // Of what has ended by now, nobody else is forgotten.
  after.push(fills.getOrSet('k', load, {}));
  loaded[1]?.resolve('new');
  t.deepEqual(await Promise.all(after), ['new', 'new', 'new']);
});

test('whoever asks after a write is not given what could not be stored', async (t) => {
  const { server, fills } = opened();
  server.faults.set('set', new TimeoutError('too late'));
  const loaded = later<string>();
  let loads = 0;
  const load = () => (loads++ === 0 ? loaded.promise : 'new');
  const before = fills.getOrSet('k', load, {});
  await until(() => loads === 1);
  await write(server, fills, operations.delete(['k']));
  const after = fills.getOrSet('k', load, {});
  loaded.resolve('old');
  t.is(await before, 'old');
  t.is(await after, 'new');
});

test('what is loaded while a tag is invalidated is stored unless it bears the tag, and those who asked after that wait for it', async (t) => {
  for (const tag of ['its own', 'another']) {
    const { server, fills } = opened();
    const loaded = later<string>();
    let loads = 0;
    const load = () => (loads++ === 0 ? loaded.promise : 'new');
    const before = fills.getOrSet('k', load, { tags: ['its own'] });
    await until(() => loads === 1);
    await write(server, fills, invalidateOperations.invalidate([tag], false));
    const after = fills.getOrSet('k', load, { tags: ['its own'] });
    loaded.resolve('old');
    t.is(await before, 'old');
    t.is(await after, tag === 'another' ? 'old' : 'new');
  }
});

test('storing what was loaded is no write that keeps others from sharing a load', async (t) => {
  const server = new FakeFillServer();
  const port: FillPort = {
    run: (operation) => write(server, fills, operation),
    placeOf: () => server.placeOf(),
    tell: (event) => server.tell(event),
  };
  const fills = new Fills(port, plainCodec);
  server.turnsOfRequest = () => 5;
  const loaded = [later<string>(), later<string>()];
  let loads = 0;
  const load = () => loaded[loads++]?.promise ?? unused();
  const first = fills.getOrSet('k', load, {});
  await until(() => loads === 1);
  server.entries.delete('k');
  loaded[0]?.resolve('overtaken');
  await until(() => server.asksFor('set') === 1);
  const second = fills.getOrSet('k', load, {});
  await until(() => loads === 2);
  // The answer to what the first one stored has come; the second one is loading.
  t.is(await first, 'overtaken');
  const third = fills.getOrSet('k', unused, {});
  loaded[1]?.resolve('loaded');
  t.deepEqual(await Promise.all([second, third]), ['loaded', 'loaded']);
  t.is(server.asksFor('getfill'), 2);
});

test('whoever asks after a write, while the answer to what was stored before it is on its way, asks by himself', async (t) => {
  const { server, fills } = opened();
  const first = fills.getOrSet('k', () => 'stored before the write', {});
  server.turnsOfAnswer = () => 5;
  await until(() => server.entries.get('k')?.value !== undefined);
  server.entries.delete('k');
  const second = fills.getOrSet('k', () => 'new', {});
  t.is(await first, 'stored before the write');
  t.is(await second, 'new');
});

test('a stale value is given at once, and loaded anew by the one who got the token', async (t) => {
  const { server, fills } = opened();
  server.put('k', 'stale', true);
  const loaded = later<string>();
  let loads = 0;
  const load = () => {
    loads++;
    return loaded.promise;
  };
  t.is(await fills.getOrSet('k', load, {}), 'stale');
  t.is(await fills.getOrSet('k', load, {}), 'stale');
  loaded.resolve('fresh');
  await until(() => fills.isIdle);
  t.is(await fills.getOrSet('k', load, {}), 'fresh');
  t.is(loads, 1);
});

test('a loader that fails behind a stale value is told of by an event, and the token is given back', async (t) => {
  const { server, fills } = opened();
  server.put('k', 'stale', true);
  const fault = new Error('no database');
  t.is(await fills.getOrSet('k', () => Promise.reject<string>(fault), {}), 'stale');
  await until(() => fills.isIdle && server.asksFor('cancelfill') === 1);
  t.deepEqual(server.told, [{ key: 'k', during: 'revalidate', error: fault }]);
  await until(() => server.entries.get('k')?.token === null);
  t.pass();
});

test('what a loader throws, at once or later, goes to all who wait, and the next one loads', async (t) => {
  const { server, fills } = opened();
  const fault = new Error('no database');
  const throwing = () => {
    throw fault;
  };
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => fills.getOrSet('k', throwing, {})));
  t.true(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason === fault));
  t.is(await t.throwsAsync(fills.getOrSet('j', () => Promise.reject(fault), {})), fault);
  await until(() => server.entries.size === 0);
  t.is(await fills.getOrSet('k', () => 'now', {}), 'now');
});

test('undefined is refused, null is a value', async (t) => {
  const { server, fills } = opened();
  const error = await t.throwsAsync(
    fills.getOrSet('k', () => undefined, {}),
    { instanceOf: LoadError },
  );
  t.is(error.code, 'loader-undefined');
  await until(() => server.entries.size === 0);
  t.is(await fills.getOrSet('k', () => null, {}), null);
  t.is(server.entries.get('k')?.value, null);
});

test('a loader that does not settle is given up, its signal aborted, its token given back and its late value dropped', async (t) => {
  const { server, fills } = opened();
  const loaded = later<string>();
  let signal: AbortSignal | null = null;
  const load = (context: { signal: AbortSignal }) => {
    ({ signal } = context);
    return loaded.promise;
  };
  const error = await t.throwsAsync(fills.getOrSet('k', load, { loaderTimeoutMs: 5 }), { instanceOf: LoadError });
  t.is(error.code, 'loader-timeout');
  t.true(error.retryable);
  t.true((signal as AbortSignal | null)?.aborted);
  loaded.resolve('late');
  await until(() => server.entries.size === 0 && fills.isIdle);
  t.is(server.asksFor('set'), 0);
});

test('who misses while somebody else has the token waits until it is filled', async (t) => {
  const { server, fills } = opened();
  server.take('k');
  const value = fills.getOrSet('k', unused, {});
  await until(() => server.asksFor('getfill') > 2);
  server.put('k', 'filled');
  t.is(await value, 'filled');
});

test('who waits takes over when the token is free again', async (t) => {
  const { server, fills } = opened();
  server.take('k');
  const value = fills.getOrSet('k', () => 'mine', {});
  await until(() => server.asksFor('getfill') > 2);
  server.entries.delete('k');
  t.is(await value, 'mine');
  t.is(server.entries.get('k')?.value, 'mine');
});

test('who has waited for long enough loads without storing, or is told', async (t) => {
  const { server, fills } = opened();
  server.take('k');
  t.is(await fills.getOrSet('k', () => 'by myself', { waitMs: 10 }), 'by myself');
  t.is(server.asksFor('set'), 0);
  const wanted = { waitMs: 0, onWaitTimeout: 'error' } as const;
  const error = await t.throwsAsync(fills.getOrSet('k', unused, wanted), { instanceOf: LoadError });
  t.is(error.code, 'fill-timeout');
});

test('while the server is away values are loaded and not stored, and it is asked once a second', async (t) => {
  const { server, fills } = opened();
  const fault = new ConnectionError('connection', 'it is gone');
  server.faults.set('getfill', fault);
  t.is(await fills.getOrSet('k', () => 1, {}), 1);
  t.is(await fills.getOrSet('k', () => 2, {}), 2);
  t.is(server.asksFor('getfill'), 1);
  t.deepEqual(server.told, [{ key: 'k', during: 'lookup', error: fault }]);
  server.faults.clear();
  fills.noteConnected();
  t.is(await fills.getOrSet('k', () => 3, {}), 3);
  t.is(server.entries.get('k')?.value, 3);
});

test('with whenDown error what the server fails of is passed on', async (t) => {
  const { server, fills } = opened();
  const fault = new TimeoutError('too late');
  server.faults.set('getfill', fault);
  t.is(await t.throwsAsync(fills.getOrSet('k', unused, { whenDown: 'error' })), fault);
});

test('what the server refuses to be asked is passed on, and what it cannot do now is not', async (t) => {
  const { server, fills } = opened();
  const forbidden = new ReplyError('forbidden', 'no');
  server.faults.set('getfill', forbidden);
  t.is(await t.throwsAsync(fills.getOrSet('k', unused, {})), forbidden);
  server.faults.set('getfill', new ReplyError('out-of-memory', 'full', { retryable: true }));
  t.is(await fills.getOrSet('k', () => 'loaded', {}), 'loaded');
});

test('a value that cannot be stored is given all the same; options that are wrong are an error', async (t) => {
  const { server, fills } = opened();
  const tooLarge = new ReplyError('value-too-large', 'too large');
  server.faults.set('set', tooLarge);
  t.is(await fills.getOrSet('k', () => 'large', {}), 'large');
  t.deepEqual(server.told, [{ key: 'k', during: 'store', error: tooLarge }]);
  const wrong = new ReplyError('invalid-argument', 'too many tags');
  server.faults.set('set', wrong);
  await until(() => server.entries.size === 0);
  t.is(await t.throwsAsync(fills.getOrSet('k', () => 'value', {})), wrong);
  await until(() => server.asksFor('cancelfill') === 2);
});

test('a caller who gives up leaves the others waiting; with the last one the loader is told to stop', async (t) => {
  const { server, fills } = opened();
  const loaded = later<string>();
  const signals: AbortSignal[] = [];
  const load = ({ signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    return loaded.promise;
  };
  const [one, two] = [new AbortController(), new AbortController()];
  const firstCall = fills.getOrSet('k', load, { signal: one.signal });
  const secondCall = fills.getOrSet('k', load, { signal: two.signal });
  await until(() => signals.length === 1);
  one.abort('enough');
  const first = await t.throwsAsync(firstCall, { instanceOf: AbortError });
  t.is(first.cause, 'enough');
  t.false(signals[0]?.aborted);
  two.abort('enough');
  await t.throwsAsync(secondCall, { instanceOf: AbortError });
  t.true(signals[0]?.aborted);
  await until(() => server.entries.size === 0 && fills.isIdle);
  await t.throwsAsync(fills.getOrSet('k', load, { signal: two.signal }), { instanceOf: AbortError });
});

test('a token that arrives when nobody waits any longer is given back', async (t) => {
  const { server, fills } = opened();
  const controller = new AbortController();
  const call = fills.getOrSet('k', unused, { signal: controller.signal });
  controller.abort();
  await t.throwsAsync(call, { instanceOf: AbortError });
  await until(() => fills.isIdle && server.asksFor('cancelfill') === 1);
  t.pass();
});

test('closing waits for those who wait, gives up what nobody waits for, and takes no more', async (t) => {
  const { server, fills } = opened();
  server.put('behind', 'stale', true);
  const loaded = later<string>();
  const waiting = fills.getOrSet('k', () => loaded.promise, {});
  await fills.getOrSet('behind', () => new Promise<string>(() => undefined), {});
  const closed = fills.close();
  await t.throwsAsync(
    fills.getOrSet('k', () => 'more', {}),
    { instanceOf: ClosedError },
  );
  loaded.resolve('in time');
  t.is(await waiting, 'in time');
  await closed;
  t.is(server.entries.get('k')?.value, 'in time');
  t.deepEqual(server.told, []);
  t.is(server.entries.get('behind')?.token, null);
});

test('destroying rejects all who wait', async (t) => {
  const { fills } = opened();
  const waiting = fills.getOrSet('k', () => new Promise<string>(() => undefined), {});
  await turn();
  await turn();
  fills.destroy();
  await t.throwsAsync(waiting, { instanceOf: ClosedError });
});

test('a codec makes of values what is stored, and back; its faults are told as such', async (t) => {
  const { server, fills } = opened();
  const codec = {
    encode: async (value: Date) => value.toISOString(),
    decode: (stored: unknown) => new Date(String(stored)),
  };
  const date = new Date(0);
  t.is(await fills.getOrSet('k', () => date, { codec }), date);
  t.is(server.entries.get('k')?.value, '1970-01-01T00:00:00.000Z');
  t.deepEqual(await fills.getOrSet('k', unused, { codec }), date);
  const broken = {
    encode: () => '',
    decode: () => {
      throw new Error('of another kind');
    },
  };
  const error = await t.throwsAsync(fills.getOrSet('k', unused, { codec: broken }), { instanceOf: LoadError });
  t.is(error.code, 'codec-failed');
});

test('options that are misspelt or out of range are refused before anything is asked', async (t) => {
  const { server, fills } = opened();
  const wrong: object[] = [
    { tll: 1 },
    { ttl: 0 },
    { ttl: 1.5 },
    { fillMs: 60_001 },
    { waitMs: -1 },
    { whenDown: 'no' },
  ];
  for (const options of wrong) {
    const error = await t.throwsAsync(fills.getOrSet('k', () => 1, options));
    t.like(error, { code: 'invalid-argument' });
  }
  t.deepEqual(server.asked, []);
});
