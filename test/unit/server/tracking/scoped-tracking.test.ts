import test from 'ava';
import { ChangeFlag, ChangeKind } from '../../../../src/base/change.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { PartitionMap } from '../../../../src/routing/partition-map.ts';
import type { ChangesListener } from '../../../../src/server/dispatch/change-hub.ts';
import { OrderedSession } from '../../../../src/server/dispatch/ordered-session.ts';
import { Channels } from '../../../../src/server/pubsub/channels.ts';
import { ConnectionSubscriptions } from '../../../../src/server/pubsub/connection-subscriptions.ts';
import { ConnectionTracking } from '../../../../src/server/tracking/connection-tracking.ts';
import type { SlotRange } from '../../../../src/server/tracking/invalidation.ts';
import { ServedSlots } from '../../../../src/server/tracking/served-slots.ts';
import { Tracker } from '../../../../src/server/tracking/tracker.ts';
import { ErrorReply, type Value } from '../../../command-runner.ts';
import { FakeClusterView } from '../../../fake-cluster-view.ts';
import { argsOf, RecordingTarget, replyOf } from '../../../recording-target.ts';

class Client {
  readonly target: RecordingTarget;
  readonly tracking: ConnectionTracking;

  constructor(node: Node, id: number) {
    this.target = new RecordingTarget(id);
    const subscriptions = new ConnectionSubscriptions(node.channels, this.target);
    this.tracking = new ConnectionTracking(node.tracker, this.target, subscriptions, new OrderedSession(1));
  }

  track(words: string): Value {
    return replyOf((reply) => this.tracking.tracking(argsOf('tracking', ...words.split(' ')), reply))[0] ?? null;
  }

  read(key: string, isOwed = false): void {
    this.target.taken++;
    this.tracking.willRead(commandTable.named('get'), argsOf(key));
    if (!isOwed) this.target.answer(1);
  }
}

class Node {
  readonly channels = new Channels({ subscriptionsMax: 10, subscriptionBytesMax: 1 << 20 });
  readonly tracker: Tracker;
  #listener: ChangesListener | null = null;
  #clients = 0;

  constructor() {
    const listen = (listener: ChangesListener): (() => void) => {
      this.#listener = listener;
      return () => undefined;
    };
    this.tracker = new Tracker({ listen }, { keysMax: 100, bytesMax: 1 << 20 });
  }

  connect(words: string): Client {
    const client = new Client(this, ++this.#clients);
    client.track(words);
    return client;
  }

  /** One message of a shard. */
  invalidate(...tags: readonly string[]): void {
    for (const tag of tags) {
      const bytes = Buffer.from(tag, 'latin1');
      const change = { kind: ChangeKind.invalidated, bytes, start: 0, end: bytes.length, flags: ChangeFlag.none };
      this.#listener?.onChange({ ...change, shard: 0, row: null, author: null });
    }
    this.#listener?.onMessageEnd?.();
  }
}

const everything: Value = ['invalidate', null];

test('whoever tracks with SCOPED is told of the tags of one message together, others that all may have changed', (t) => {
  const node = new Node();
  const [scoped, plain, broadcast] = [node.connect('on scoped'), node.connect('on'), node.connect('on bcast')];
  scoped.read('k');
  plain.read('k');
  node.invalidate('a', 'b\xff');
  t.deepEqual(scoped.target.take(), [['invalidate-tags', ['a', 'b\xff']]]);
  t.deepEqual(plain.target.take(), [everything]);
  t.deepEqual(broadcast.target.take(), [everything]);
  node.invalidate();
  t.deepEqual(scoped.target.take(), [], 'a message that names none');
});

test('who has noted no key need not be told that all may have changed', (t) => {
  const node = new Node();
  const [scoped, plain] = [node.connect('on scoped'), node.connect('on')];
  node.invalidate('a');
  t.deepEqual(scoped.target.take(), [['invalidate-tags', ['a']]]);
  t.deepEqual(plain.target.take(), []);
});

test('tags are told again behind replies that were owed', (t) => {
  const node = new Node();
  const [scoped, plain] = [node.connect('on scoped'), node.connect('on')];
  scoped.read('k', true);
  plain.read('k', true);
  node.invalidate('a');
  t.deepEqual(scoped.target.take(), [['invalidate-tags', ['a']]]);
  t.deepEqual(plain.target.take(), [everything]);
  scoped.target.answer(1);
  plain.target.answer(1);
  t.deepEqual(scoped.target.take(), [['invalidate-tags', ['a']]]);
  t.deepEqual(plain.target.take(), [everything]);
});

test('SCOPED cannot be redirected', (t) => {
  const node = new Node();
  const other = node.connect('off');
  const client = node.connect('off');
  const reply = client.track(`on scoped redirect ${other.target.id}`);
  t.is(reply instanceof ErrorReply ? reply.text : reply, 'ERR SCOPED is not compatible with REDIRECT');
});

test('slots that a node begins or ceases to serve are told in as few ranges as there are', (t) => {
  const view = new FakeClusterView('n1', 4);
  const told: (readonly SlotRange[] | 'everything')[] = [];
  const listener = {
    clientCount: 1,
    slotsMoved: (ranges: readonly SlotRange[]) => void told.push(ranges),
    everythingMayHaveChanged: () => void told.push('everything'),
  };
  let nowMs = 0;
  const served = new ServedSlots(view, new PartitionMap(4, 1), listener, () => nowMs);
  t.teardown(() => served.stop());
  const become = (...partitions: readonly (readonly [primary: string, epoch: number])[]): void => {
    const entry = { version: 1, inSync: [], replicas: [], resetEpoch: 0, losses: 0 };
    const entries = partitions.map(([primary, epoch]) => ({ ...entry, primary, epoch }));
    view.become({ ...view.state, partitions: entries });
  };
  become(['n1', 1], ['n1', 1], ['n2', 1], ['n2', 1]);
  t.deepEqual(told.splice(0), [[[0, 8191]]]);
  become(['n1', 1], ['n2', 2], ['n1', 2], ['n2', 1]);
  t.deepEqual(told.splice(0), [[[4096, 12_287]]], 'one that left and one that came');
  become(['n1', 3], ['n2', 2], ['n1', 2], ['n2', 9]);
  t.deepEqual(told.splice(0), [[[0, 4095]]], 'another one served it meanwhile');
  become(['n1', 3], ['n2', 2], ['n1', 2], ['n2', 10]);
  t.deepEqual(told.splice(0), [], 'what others do among themselves');
  view.gates.setLease(100);
  served.look();
  t.deepEqual(told.splice(0), []);
  nowMs = 100;
  served.look();
  served.look();
  t.deepEqual(told.splice(0), ['everything'], 'once a lease');
  view.gates.setLease(200);
  served.look();
  nowMs = 250;
  served.look();
  t.deepEqual(told.splice(0), ['everything']);
});
