import test from 'ava';
import { commandTable } from '../../../../src/command/table.ts';
import { Channels } from '../../../../src/server/pubsub/channels.ts';
import { ConnectionSubscriptions } from '../../../../src/server/pubsub/connection-subscriptions.ts';
import { refusedWhileSubscribed, subscribedPong } from '../../../../src/server/pubsub/subscribed-mode.ts';
import { ErrorReply } from '../../../command-runner.ts';
import { argsOf, RecordingTarget, replyOf } from '../../../recording-target.ts';

function connect(limits: { subscriptionsMax?: number; subscriptionBytesMax?: number } = {}) {
  const channels = new Channels({ subscriptionsMax: 100, subscriptionBytesMax: 1 << 20, ...limits });
  const target = new RecordingTarget();
  return { channels, target, subscriptions: new ConnectionSubscriptions(channels, target) };
}
const publish = (channels: Channels, channel: string, payload: string): number =>
  channels.publish(Buffer.from(channel), Buffer.from(payload));

test('every name is confirmed with the number of channels and patterns together', (t) => {
  const { subscriptions } = connect();
  t.deepEqual(
    replyOf((reply) => subscriptions.subscribe(argsOf('a', 'b', 'a'), reply)),
    [
      ['subscribe', 'a', 1],
      ['subscribe', 'b', 2],
      ['subscribe', 'a', 2],
    ],
  );
  t.deepEqual(
    replyOf((reply) => subscriptions.psubscribe(argsOf('*'), reply)),
    [['psubscribe', '*', 3]],
  );
  t.deepEqual(
    replyOf((reply) => subscriptions.ssubscribe(argsOf('s'), reply)),
    [['ssubscribe', 's', 1]],
  );
  t.deepEqual(
    replyOf((reply) => subscriptions.unsubscribe(argsOf('b', 'c'), reply)),
    [
      ['unsubscribe', 'b', 2],
      ['unsubscribe', 'c', 2],
    ],
  );
  t.deepEqual(
    replyOf((reply) => subscriptions.punsubscribe(argsOf(), reply)),
    [['punsubscribe', '*', 1]],
  );
  t.deepEqual(
    replyOf((reply) => subscriptions.unsubscribe(argsOf(), reply)),
    [['unsubscribe', 'a', 0]],
  );
  t.true(subscriptions.isSubscribed, 'to a shard channel');
  t.deepEqual(
    replyOf((reply) => subscriptions.sunsubscribe(argsOf(), reply)),
    [['sunsubscribe', 's', 0]],
  );
  t.false(subscriptions.isSubscribed);
});

test('to leave all without having any is confirmed with no name', (t) => {
  const { subscriptions } = connect();
  replyOf((reply) => subscriptions.subscribe(argsOf('a'), reply));
  t.deepEqual(
    replyOf((reply) => subscriptions.punsubscribe(argsOf(), reply)),
    [['punsubscribe', null, 1]],
  );
  t.deepEqual(
    replyOf((reply) => subscriptions.sunsubscribe(argsOf(), reply)),
    [['sunsubscribe', null, 0]],
  );
});

test('messages are pushed with the pattern they came by', (t) => {
  const { channels, target, subscriptions } = connect();
  replyOf((reply) => subscriptions.subscribe(argsOf('a'), reply));
  replyOf((reply) => subscriptions.psubscribe(argsOf('a*'), reply));
  replyOf((reply) => subscriptions.ssubscribe(argsOf('a'), reply));
  t.is(publish(channels, 'a', 'hi'), 2);
  t.is(channels.publishToShard(Buffer.from('a'), Buffer.from('ho')), 1);
  t.deepEqual(target.take(), [
    ['message', 'a', 'hi'],
    ['pmessage', 'a*', 'a', 'hi'],
    ['smessage', 'a', 'ho'],
  ]);
});

test('no message overtakes the reply of the command that subscribed, nor another message', (t) => {
  const { channels, target, subscriptions } = connect();
  target.taken = 2;
  replyOf((reply) => subscriptions.subscribe(argsOf('a'), reply));
  publish(channels, 'a', '1');
  target.answer(1);
  publish(channels, 'a', '2');
  target.taken = 3;
  publish(channels, 'a', '3');
  t.deepEqual(target.take(), []);
  target.answer(1);
  t.deepEqual(target.take(), [
    ['message', 'a', '1'],
    ['message', 'a', '2'],
  ]);
  publish(channels, 'a', '4');
  t.deepEqual(target.take(), [], '3 still waits for the reply of a third command');
  target.answer(1);
  t.deepEqual(target.take(), [
    ['message', 'a', '3'],
    ['message', 'a', '4'],
  ]);
  target.taken = 4;
  publish(channels, 'a', '5');
  t.deepEqual(target.take(), [['message', 'a', '5']], 'replies of later commands are not waited for');
});

test('a connection that is gone is subscribed to nothing', (t) => {
  const { channels, target, subscriptions } = connect();
  replyOf((reply) => subscriptions.subscribe(argsOf('a'), reply));
  replyOf((reply) => subscriptions.psubscribe(argsOf('*'), reply));
  replyOf((reply) => subscriptions.ssubscribe(argsOf('s'), reply));
  subscriptions.clear();
  t.deepEqual([channels.channelCount, channels.patternCount, channels.shardChannelCount, channels.bytes], [0, 0, 0, 0]);
  t.is(publish(channels, 'a', 'x'), 0);
  t.deepEqual(target.take(), []);
});

test('too many names, too long ones, and names beyond the memory for all are refused as a whole', (t) => {
  const { channels, subscriptions } = connect({ subscriptionsMax: 2, subscriptionBytesMax: 700 });
  const refusal = (run: Parameters<typeof replyOf>[0]): string => {
    const [reply] = replyOf(run);
    return reply instanceof ErrorReply ? reply.text : 'no error';
  };
  t.regex(
    refusal((reply) => subscriptions.subscribe(argsOf('a', 'b', 'c'), reply)),
    /too many subscriptions .* limit is 2/,
  );
  t.regex(
    refusal((reply) => subscriptions.psubscribe(argsOf('x'.repeat(1025)), reply)),
    /too long: 1025 bytes, .* 1024/,
  );
  t.is(channels.channelCount + channels.patternCount, 0);
  replyOf((reply) => subscriptions.subscribe(argsOf('a', 'x'.repeat(500)), reply));
  const other = new ConnectionSubscriptions(channels, new RecordingTarget(2));
  t.regex(
    refusal((reply) => other.subscribe(argsOf('c'), reply)),
    /use up the memory/,
  );
});

test('a subscribed connection of RESP2 may run what Redis lets it, and is told so in its words', (t) => {
  for (const name of ['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe', 'ping']) {
    t.is(refusedWhileSubscribed(commandTable.named(name)), null);
  }
  t.is(
    refusedWhileSubscribed(commandTable.named('object|encoding')),
    "Can't execute 'object|encoding': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
  );
  t.deepEqual(
    replyOf((reply) => subscribedPong(argsOf(), reply)),
    [['pong', '']],
  );
  t.deepEqual(
    replyOf((reply) => subscribedPong(argsOf('hi'), reply)),
    [['pong', 'hi']],
  );
});
