import test from 'ava';
import { ChangeKind } from '../../../../src/base/change.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { AccessUser } from '../../../../src/server/access/rights.ts';
import type { Change, ChangesListener } from '../../../../src/server/dispatch/change-hub.ts';
import { OrderedSession } from '../../../../src/server/dispatch/ordered-session.ts';
import { Channels } from '../../../../src/server/pubsub/channels.ts';
import { ConnectionSubscriptions } from '../../../../src/server/pubsub/connection-subscriptions.ts';
import { ConnectionTracking } from '../../../../src/server/tracking/connection-tracking.ts';
import { Tracker } from '../../../../src/server/tracking/tracker.ts';
import { ErrorReply, type Value } from '../../../command-runner.ts';
import { argsOf, RecordingTarget, replyOf } from '../../../recording-target.ts';

class Client {
  readonly target: RecordingTarget;
  readonly session = new OrderedSession(1);
  readonly subscriptions: ConnectionSubscriptions;
  readonly tracking: ConnectionTracking;

  constructor(node: Node, id: number) {
    this.target = new RecordingTarget(id);
    this.subscriptions = new ConnectionSubscriptions(node.channels, this.target);
    this.tracking = new ConnectionTracking(node.tracker, this.target, this.subscriptions, this.session);
  }

  /** The reply of `CLIENT TRACKING …`. */
  track(words: string): Value {
    return replyOf((reply) => this.tracking.tracking(argsOf('tracking', ...words.split(' ')), reply))[0] ?? null;
  }

  caching(word: string): Value {
    return replyOf((reply) => this.tracking.caching(argsOf('caching', word), reply))[0] ?? null;
  }

  /** A command that is answered at once, or is owed its reply. */
  run(name: string, words: string, isOwed = false): void {
    const command = commandTable.named(name);
    this.target.taken++;
    if (this.tracking.isOn) this.tracking.willRead(command, argsOf(...words.split(' ')));
    if (this.tracking.isOn) this.tracking.ran(command);
    if (!isOwed) this.target.answer(1);
  }

  take(): Value[] {
    return this.target.take();
  }
}

class Node {
  readonly channels = new Channels({ subscriptionsMax: 10, subscriptionBytesMax: 1 << 20 });
  readonly tracker: Tracker;
  listener: ChangesListener | null = null;
  #clients = 0;

  constructor(limits = { keysMax: 100, bytesMax: 1 << 20 }) {
    const listen = (listener: ChangesListener): (() => void) => {
      this.listener = listener;
      return () => {
        this.listener = null;
      };
    };
    this.tracker = new Tracker({ listen }, limits);
  }

  connect(): Client {
    return new Client(this, ++this.#clients);
  }

  change(key: string, author: OrderedSession | null = null, kind: ChangeKind = ChangeKind.set): void {
    const bytes = Buffer.from(`..${key}..`, 'latin1');
    const change: Change = { kind, bytes, start: 2, end: 2 + key.length, flags: 0, shard: 0, row: null, author };
    this.listener?.onChange(change);
  }
}

const invalidate = (...keys: string[]): Value => ['invalidate', keys];
const everything: Value = ['invalidate', null];
const errorOf = (value: Value): string => (value instanceof ErrorReply ? value.text : 'no error');

test('who read a key is told of its next change, once, until it reads the key again', (t) => {
  const node = new Node();
  const [a, b] = [node.connect(), node.connect()];
  a.track('ON');
  a.run('get', 'k');
  b.run('get', 'k');
  node.change('other');
  node.change('k');
  node.change('k');
  t.deepEqual(a.take(), [invalidate('k')]);
  t.deepEqual(b.take(), [], 'tracks nothing');
  a.run('mget', 'k l m');
  node.change('l');
  node.change('k');
  t.deepEqual(a.take(), [invalidate('l'), invalidate('k')]);
  t.is(node.tracker.keyCount, 1);
});

test('keys that are written are not noted, nor are those of other kinds of commands', (t) => {
  const node = new Node();
  const a = node.connect();
  a.track('ON');
  a.run('set', 'k v');
  a.run('copy', 'k l');
  a.run('dbsize', '');
  a.run('getdel', 'k');
  t.is(node.tracker.keyCount, 0);
  a.run('exists', 'k l');
  a.run('object|encoding', 'encoding m');
  t.is(node.tracker.keyCount, 3);
});

test('a change that was made before a reply is written is told again behind the reply', (t) => {
  const node = new Node();
  const a = node.connect();
  a.track('ON');
  a.run('get', 'k', true);
  node.change('k');
  t.deepEqual(a.take(), [invalidate('k')]);
  a.target.answer(1);
  t.deepEqual(a.take(), [invalidate('k')]);
  a.run('get', 'k', true);
  a.run('set', 'l v', true);
  a.target.answer(1);
  node.change('k');
  t.deepEqual(a.take(), [invalidate('k')]);
  a.target.answer(1);
  t.deepEqual(a.take(), [], 'the read was answered before the change');
});

test('very many changes while a reply is owed become one that says that all may have changed', (t) => {
  const node = new Node({ keysMax: 100_000, bytesMax: 1 << 30 });
  const a = node.connect();
  a.track('ON BCAST');
  a.run('get', 'k', true);
  for (let index = 0; index < 1500; index++) node.change(`k${index}`);
  t.is(a.take().length, 1500);
  a.target.answer(1);
  const late = a.take();
  t.deepEqual(late[0], everything);
  t.is(late.length, 501);
});

test('with BCAST all changes of keys with a prefix are told, whoever read them', (t) => {
  const node = new Node();
  const [a, b] = [node.connect(), node.connect()];
  a.track('ON BCAST PREFIX user: PREFIX x');
  b.track('ON BCAST');
  for (const key of ['user:1', 'x', 'use', 'y\xff']) node.change(key);
  t.deepEqual(a.take(), [invalidate('user:1'), invalidate('x')]);
  t.is(b.take().length, 4);
  t.is(node.tracker.prefixCount, 3);
  a.track('OFF');
  b.tracking.close();
  t.is(node.tracker.prefixCount, 0);
  t.is(node.listener, null);
});

test('with BCAST, who may use some keys only is told of no others', (t) => {
  const node = new Node();
  const a = node.connect();
  a.target.user = new AccessUser('app', ['read'], ['app:*']);
  a.track('ON BCAST');
  for (const key of ['app:1', 'secret', 'app:2']) node.change(key);
  t.deepEqual(a.take(), [invalidate('app:1'), invalidate('app:2')]);
});

test('with OPTIN only the command behind CLIENT CACHING YES is noted, with OPTOUT all but the one behind NO', (t) => {
  const node = new Node();
  const [a, b] = [node.connect(), node.connect()];
  a.track('ON OPTIN');
  a.run('get', 'a');
  t.is(a.caching('YES'), 'OK');
  a.run('get', 'b');
  a.run('get', 'c');
  b.track('ON OPTOUT');
  b.run('get', 'a');
  t.is(b.caching('no'), 'OK');
  b.run('get', 'b');
  b.run('get', 'c');
  for (const key of ['a', 'b', 'c']) node.change(key);
  t.deepEqual(a.take(), [invalidate('b')]);
  t.deepEqual(b.take(), [invalidate('a'), invalidate('c')]);
});

test('reads of a transaction are noted when it is run', (t) => {
  const node = new Node();
  const a = node.connect();
  a.track('ON');
  a.tracking.queued(commandTable.named('get'), argsOf('k'));
  a.tracking.queued(commandTable.named('set'), argsOf('l', 'v'));
  node.change('k');
  t.deepEqual(a.take(), []);
  a.target.taken++;
  a.tracking.willExec();
  a.target.answer(1);
  node.change('k');
  node.change('l');
  t.deepEqual(a.take(), [invalidate('k')]);
});

test('with NOLOOP a connection is not told of its own writes, but of those of others that follow', (t) => {
  const node = new Node();
  const [a, b] = [node.connect(), node.connect()];
  a.track('ON NOLOOP');
  a.run('get', 'k');
  node.change('k', a.session);
  t.deepEqual(a.take(), []);
  node.change('k', b.session);
  t.deepEqual(a.take(), [invalidate('k')]);
  b.track('ON BCAST NOLOOP');
  node.change('k', b.session);
  t.deepEqual(b.take(), []);
  node.change('k', null);
  t.deepEqual(b.take(), [invalidate('k')]);
});

test('RESP2 is told by another connection, as a message, when that is subscribed to anything', (t) => {
  const node = new Node();
  const [a, b] = [node.connect(), node.connect()];
  for (const client of [a, b]) client.target.resp = 2;
  t.is(a.track('ON REDIRECT 2'), 'OK');
  a.run('get', 'k');
  node.change('k');
  t.deepEqual([...a.take(), ...b.take()], [], 'not subscribed');
  replyOf((reply) => b.subscriptions.subscribe(argsOf('__redis__:invalidate'), reply));
  a.run('get', 'k');
  node.change('k');
  t.deepEqual(b.take(), [['message', '__redis__:invalidate', ['k']]]);
  node.change('', null, ChangeKind.cleared);
  t.deepEqual(b.take(), [['message', '__redis__:invalidate', null]]);
  t.deepEqual(a.take(), []);
  b.target.resp = 3;
  a.run('get', 'k');
  node.change('k');
  t.deepEqual(b.take(), [invalidate('k')]);
});

test('RESP2 without redirection is told nothing', (t) => {
  const node = new Node();
  const a = node.connect();
  a.target.resp = 2;
  t.is(a.track('ON'), 'OK');
  a.run('get', 'k');
  node.change('k');
  t.deepEqual(a.take(), []);
});

test('when the connection that is told is gone, the one that tracks hears of it, and says so', (t) => {
  const node = new Node();
  const [a, b] = [node.connect(), node.connect()];
  a.track('ON REDIRECT 2');
  a.run('get', 'k');
  b.tracking.close();
  node.change('k');
  t.deepEqual(a.take(), [['tracking-redir-broken', 2]]);
  const info = replyOf((reply) => a.tracking.info(reply))[0];
  t.deepEqual(info instanceof Map ? info.get('flags') : null, ['on', 'broken_redirect']);
});

test('when all keys are removed, or changes were lost, all may have changed', (t) => {
  const node = new Node();
  const [a, b, c] = [node.connect(), node.connect(), node.connect()];
  a.track('ON');
  b.track('ON BCAST PREFIX x');
  a.run('get', 'k');
  node.change('', null, ChangeKind.cleared);
  for (const client of [a, b]) t.deepEqual(client.take(), [everything]);
  t.deepEqual(c.take(), []);
  t.is(node.tracker.keyCount, 0);
  node.change('', null, ChangeKind.cleared);
  t.deepEqual(a.take(), [], 'the other shards of the same FLUSHALL say nothing new');
  a.run('get', 'k');
  node.change('', null, ChangeKind.cleared);
  t.deepEqual(a.take(), [everything]);
  a.run('get', 'k');
  node.listener?.onLost(0);
  t.deepEqual(a.take(), [everything]);
});

test('beyond the keys that are remembered, readers of some other key are told that it changed', (t) => {
  const node = new Node({ keysMax: 3, bytesMax: 1 << 20 });
  const [a, b] = [node.connect(), node.connect()];
  a.track('ON');
  b.track('ON');
  for (const key of ['1', '2', '3', '4', '5']) a.run('get', key);
  t.deepEqual(a.take(), [invalidate('1'), invalidate('2')]);
  t.is(node.tracker.keyCount, 3);
  b.run('mget', '6 7 8 9');
  t.is(a.take().length, 3);
  t.deepEqual(b.take(), [], 'the keys of one command are kept together');
});

test('beyond the memory for it, as well', (t) => {
  const node = new Node({ keysMax: 1000, bytesMax: 10_000 });
  const a = node.connect();
  a.track('ON');
  for (let index = 0; index < 50; index++) a.run('get', `${index}${'x'.repeat(1000)}`);
  t.true(node.tracker.bytes < 12_000);
  t.true(a.take().length > 35);
});

test('who is gone is told nothing, and what was noted for it goes in a moment', async (t) => {
  const node = new Node({ keysMax: 100_000, bytesMax: 1 << 30 });
  const [a, b] = [node.connect(), node.connect()];
  a.track('ON');
  b.track('ON');
  for (let index = 0; index < 5000; index++) a.run('get', `k${index}`);
  b.run('get', 'k1');
  a.tracking.close();
  node.change('k1');
  t.deepEqual(a.take(), []);
  t.deepEqual(b.take(), [invalidate('k1')]);
  const endMs = performance.now() + 5000;
  while (node.tracker.keyCount > 0 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 5));
  t.is(node.tracker.itemCount, 0);
  t.is(node.tracker.clientCount, 1);
  b.tracking.close();
  t.is(node.listener, null);
});

test('tracking that was turned off and on again begins with nothing', (t) => {
  const node = new Node();
  const a = node.connect();
  a.track('ON');
  a.run('get', 'k');
  a.track('OFF');
  a.track('ON');
  node.change('k');
  t.deepEqual(a.take(), []);
  a.run('get', 'k');
  a.track('ON NOLOOP');
  node.change('k');
  t.deepEqual(a.take(), [invalidate('k')], 'turned on twice, it goes on');
});

test('what cannot be is refused in the words of Redis', (t) => {
  const node = new Node();
  const a = node.connect();
  const different = 'before disabling tracking for this client, and then re-enabling it with a different mode.';
  const refusals: [string, string][] = [
    ['MAYBE', 'syntax error'],
    ['ON FOO', 'syntax error'],
    ['OFF FOO', 'syntax error'],
    ['ON REDIRECT', 'syntax error'],
    ['ON REDIRECT x', 'value is not an integer or out of range'],
    ['ON REDIRECT 99', 'The client ID you want redirect to does not exist'],
    ['ON REDIRECT 1 REDIRECT 1', 'A client can only redirect to a single other client'],
    ['ON PREFIX a', 'PREFIX option requires BCAST mode to be enabled'],
    ['ON BCAST OPTIN', 'OPTIN and OPTOUT are not compatible with BCAST'],
    ['ON OPTIN OPTOUT', "You can't specify both OPTIN mode and OPTOUT mode"],
    [
      'ON BCAST PREFIX foo PREFIX fo',
      "Prefix 'foo' overlaps with another provided prefix 'fo'. Prefixes for a single client must not overlap.",
    ],
  ];
  for (const [words, text] of refusals) t.is(errorOf(a.track(words)), `ERR ${text}`, words);
  t.false(a.tracking.isOn);
  const callable =
    'CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled';
  t.is(errorOf(a.caching('YES')), `ERR ${callable}`);
  a.track('ON OPTIN');
  t.is(errorOf(a.track('ON BCAST')), `ERR You can't switch BCAST mode on/off ${different}`);
  t.is(errorOf(a.track('ON OPTOUT')), `ERR You can't switch OPTIN/OPTOUT mode ${different}`);
  t.is(errorOf(a.caching('no')), 'ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.');
  t.is(errorOf(a.caching('maybe')), 'ERR syntax error');
  a.track('OFF');
  a.track('ON BCAST PREFIX x PREFIX y');
  t.is(
    errorOf(a.track('ON BCAST PREFIX xx')),
    "ERR Prefix 'xx' overlaps with an existing prefix 'x'. Prefixes for a single client must not overlap.",
  );
});

test('what is on is told: flags, redirection, prefixes in order', (t) => {
  const node = new Node();
  const a = node.connect();
  const info = (): Value => replyOf((reply) => a.tracking.info(reply))[0] ?? null;
  const told = (flags: string[], redirect: number, prefixes: string[] = []): Value =>
    new Map<Value, Value>([
      ['flags', flags],
      ['redirect', redirect],
      ['prefixes', prefixes],
    ]);
  t.deepEqual(info(), told(['off'], -1));
  t.deepEqual(
    replyOf((reply) => a.tracking.redirect(reply)),
    [-1],
  );
  a.track('ON OPTIN');
  a.caching('YES');
  t.deepEqual(info(), told(['on', 'optin', 'caching-yes'], 0));
  a.track('OFF');
  a.track('ON OPTOUT NOLOOP REDIRECT 1');
  t.deepEqual(info(), told(['on', 'optout', 'noloop'], 1));
  a.tracking.reset();
  a.track('ON BCAST PREFIX b PREFIX a');
  t.deepEqual(info(), told(['on', 'bcast'], 0, ['a', 'b']));
});
