import test from 'ava';
import { Channels } from '../../../../src/server/pubsub/channels.ts';
import type { Message, Subscriber } from '../../../../src/server/pubsub/message.ts';
import type { Push, PushFormat } from '../../../../src/server/pubsub/push.ts';
import { replyOf } from '../../../recording-target.ts';

const limits = { subscriptionsMax: 1000, subscriptionBytesMax: 1 << 20 };
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

class Listener implements Subscriber {
  readonly heard: string[] = [];
  readonly pushes: Push[] = [];

  onMessage({ channel, payload, pattern, push }: Message): void {
    const by = pattern === null ? '' : `${Buffer.from(pattern).toString('latin1')} `;
    this.heard.push(`${by}${Buffer.from(channel).toString('latin1')}=${Buffer.from(payload).toString('latin1')}`);
    this.pushes.push(push);
  }
}

test('a message goes to all who named its channel, then to all whose pattern matches, and their number is returned', (t) => {
  const channels = new Channels(limits);
  const order: string[] = [];
  const named = (name: string): Subscriber => ({ onMessage: () => order.push(name) });
  channels.patterns.add(bytes('n*'), named('by pattern'));
  channels.channels.add(bytes('news'), named('first'));
  channels.channels.add(bytes('news'), named('second'));
  channels.channels.add(bytes('olds'), named('other'));
  t.is(channels.publish(bytes('news'), bytes('x')), 3);
  t.deepEqual(order, ['first', 'second', 'by pattern']);
  t.is(channels.publish(bytes('weather'), bytes('x')), 0);
});

test('who is subscribed by name and by two patterns hears a message three times, each with its pattern', (t) => {
  const channels = new Channels(limits);
  const listener = new Listener();
  channels.channels.add(bytes('a.b'), listener);
  channels.patterns.add(bytes('a.*'), listener);
  channels.patterns.add(bytes('?.b'), listener);
  t.is(channels.publish(bytes('a.b'), bytes('hi')), 3);
  t.deepEqual(listener.heard, ['a.b=hi', 'a.* a.b=hi', '?.b a.b=hi']);
});

test('names are bytes: one that is no UTF-8 is told from another', (t) => {
  const channels = new Channels(limits);
  const listener = new Listener();
  channels.channels.add(bytes('\xff\x00'), listener);
  t.is(channels.publish(bytes('\xfe\x00'), bytes('')), 0);
  t.is(channels.publish(bytes('\xff'), bytes('')), 0);
  t.is(channels.publish(bytes('\xff\x00'), bytes('\xc3')), 1);
  t.deepEqual(listener.heard, ['\xff\x00=\xc3']);
});

test('shard channels are names of their own, without patterns', (t) => {
  const channels = new Channels(limits);
  const listener = new Listener();
  channels.shardChannels.add(bytes('news'), listener);
  channels.patterns.add(bytes('*'), listener);
  t.is(channels.publishToShard(bytes('news'), bytes('1')), 1);
  t.is(channels.publish(bytes('news'), bytes('2')), 1);
  t.deepEqual(listener.heard, ['news=1', '* news=2']);
});

test('a message for a thousand subscribers is encoded once', (t) => {
  const channels = new Channels(limits);
  const listeners = Array.from({ length: 1000 }, () => new Listener());
  for (const listener of listeners) channels.channels.add(bytes('news'), listener);
  t.is(channels.publish(bytes('news'), bytes('hello')), 1000);
  let encodings = 0;
  const format: PushFormat = {
    index: 1,
    encode: () => {
      encodings++;
      return new Uint8Array(1);
    },
  };
  for (const { pushes } of listeners) pushes[0]?.encodedAs(format);
  t.is(encodings, 1);
});

test('what is counted goes back to nothing when all have left', (t) => {
  const channels = new Channels(limits);
  const listener = new Listener();
  const channel = channels.channels.add(bytes('a'), listener);
  const pattern = channels.patterns.add(bytes('*a*'), listener);
  t.is(channels.channels.add(bytes('a'), listener), null, 'subscribed already');
  t.deepEqual([channels.channelCount, channels.patternCount], [1, 1]);
  t.true(channels.bytes > 0);
  if (channel === null || pattern === null) throw new Error('both were new');
  channels.channels.remove(channel, listener);
  channels.patterns.remove(pattern, listener);
  t.deepEqual([channels.channelCount, channels.patternCount, channels.bytes], [0, 0, 0]);
  t.is(channels.publish(bytes('a'), bytes('x')), 0);
});

test('channels are listed, all or those that match', (t) => {
  const channels = new Channels(limits);
  const listener = new Listener();
  for (const name of ['news.a', 'news.b', 'olds']) channels.channels.add(bytes(name), listener);
  t.deepEqual(
    replyOf((reply) => channels.listChannels(null, reply)),
    [['news.a', 'news.b', 'olds']],
  );
  t.deepEqual(
    replyOf((reply) => channels.listChannels(bytes('news.?'), reply)),
    [['news.a', 'news.b']],
  );
  t.deepEqual(
    replyOf((reply) => channels.listShardChannels(null, reply)),
    [[]],
  );
});

test('patterns made to take for ever do not hold up a message of a long name', (t) => {
  const channels = new Channels(limits);
  const listener = new Listener();
  const plain = new Listener();
  for (let index = 0; index < 40; index++) {
    channels.patterns.add(bytes(`*${'a'.repeat(1000)}b${index}`), listener);
  }
  channels.patterns.add(bytes('a*'), plain);
  const beganMs = performance.now();
  t.is(channels.publish(bytes('a'.repeat(64 * 1024)), bytes('x')), 1);
  t.true(performance.now() - beganMs < 1000);
  t.is(plain.heard.length, 1);
  t.is(channels.publish(bytes(`${'a'.repeat(1000)}b7`), bytes('x')), 2, 'a name of usual length is matched with all');
});
