import test from 'ava';
import { ChangeFlag, ChangeKind } from '../../../../src/base/change.ts';
import { commandTable } from '../../../../src/command/table.ts';
import type { Change, ChangesListener } from '../../../../src/server/dispatch/change-hub.ts';
import { KeyspaceNotifications } from '../../../../src/server/pubsub/keyspace-notifications.ts';
import { notificationFlagsOf, notificationTextOf } from '../../../../src/server/pubsub/notification-flags.ts';

/** Stands for the hub: whoever listens, and for which kinds. */
class Source {
  listener: ChangesListener | null = null;
  interest = 0;

  listen(listener: ChangesListener, interest: number): () => void {
    this.listener = listener;
    this.interest = interest;
    return () => {
      this.listener = null;
      this.interest = 0;
    };
  }

  change(kind: ChangeKind, key: string, command: string | null, flags: number = ChangeFlag.none): void {
    const bytes = Buffer.from(`..${key}..`, 'latin1');
    const row = command === null ? null : commandTable.named(command);
    const change: Change = { kind, bytes, start: 2, end: 2 + key.length, flags, shard: 0, row, author: null };
    this.listener?.onChange(change);
  }
}

function start(flags: string) {
  const published: string[] = [];
  const source = new Source();
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const notifications = new KeyspaceNotifications(source, {
    isIdle: false,
    publish: (channel, payload) => published.push(`${text(channel)} ${text(payload)}`),
  });
  return { source, notifications, published, isTaken: notifications.set(flags) };
}

test('an event is published under its key with its name, and under its name with the key', (t) => {
  const { source, published } = start('KEA');
  source.change(ChangeKind.set, 'a\xff', 'set');
  t.deepEqual(published, ['__keyspace@0__:a\xff set', '__keyevent@0__:set a\xff']);
});

test('K and E choose where, the other letters which', (t) => {
  const told = (flags: string): string[] => {
    const { source, published } = start(flags);
    source.change(ChangeKind.set, 'k', 'incr', ChangeFlag.created);
    source.change(ChangeKind.expiry, 'k', 'expire', ChangeFlag.expires);
    source.change(ChangeKind.expiry, 'k', 'persist');
    source.change(ChangeKind.removed, 'k', 'del');
    source.change(ChangeKind.expired, 'k', null);
    source.change(ChangeKind.evicted, 'k', null);
    return published.map((line) => line.replace('__keyevent@0__:', '').replace('__keyspace@0__:k ', '@'));
  };
  t.deepEqual(told('Kg'), ['@expire', '@persist', '@del']);
  t.deepEqual(told('Ex'), ['expired k']);
  t.deepEqual(told('Ee'), ['evicted k']);
  t.deepEqual(told('E$'), ['incrby k']);
  t.deepEqual(told('En'), ['new k']);
  t.deepEqual(told('KEx'), ['@expired', 'expired k']);
  t.deepEqual(told('A'), []);
  t.deepEqual(told('K'), []);
});

test('shards are asked to tell of changes only while something is to be published', (t) => {
  const { source, notifications } = start('');
  t.is(source.interest, 0);
  notifications.set('gx');
  t.is(source.interest, 0, 'neither K nor E');
  notifications.set('Kx');
  t.true(source.interest > 0);
  t.is(source.interest & (1 << ChangeKind.cleared), 0);
  notifications.set('');
  t.is(source.listener, null);
});

test('a letter that means nothing changes nothing', (t) => {
  const { notifications } = start('Kx');
  t.false(notifications.set('KEq'));
  t.is(notifications.flags, 'xK');
});

test('what is asked for is told as Redis 7.0 tells it', (t) => {
  const told = { KEA: 'AKE', KEAn: 'AKE', KEAmn: 'AKEm', gxKem: 'gxeKm', g$lshzxetdE: 'AE', En: 'nE', '': '' };
  for (const [text, expected] of Object.entries(told)) {
    t.is(notificationTextOf(notificationFlagsOf(text) ?? -1), expected, text);
  }
  t.is(notificationFlagsOf('KEq'), null);
});
