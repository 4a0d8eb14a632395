import test from 'ava';
import { noPublisher } from '../../../../src/command/publisher.ts';
import { ClusterPublisher } from '../../../../src/server/cluster/cluster-publisher.ts';

type OnCount = (count: number) => void;

/** Links whose counts the test tells. */
function linksOf(count: number) {
  const asked: { channel: string; isSharded: boolean; onCount: OnCount }[] = [];
  const publish = (channel: Uint8Array, _payload: Uint8Array, isSharded: boolean, onCount: OnCount): void =>
    void asked.push({ channel: Buffer.from(channel).toString(), isSharded, onCount });
  return { asked, links: { up: () => Array.from({ length: count }, () => ({ publish })) } };
}

const local = { ...noPublisher, publish: () => 2, publishToShard: () => 5 };
const channel = Buffer.from('news');

test('without other nodes a message is counted at once', (t) => {
  const { links } = linksOf(0);
  const publisher = new ClusterPublisher(local, links);
  t.is(publisher.publish(channel, channel), 2);
  t.is(publisher.publishToShard(channel, channel), 5);
});

test('a message goes to all nodes, and who receives it anywhere is counted', async (t) => {
  const { links, asked } = linksOf(2);
  const publisher = new ClusterPublisher(local, links);
  const count = publisher.publish(channel, channel);
  const sharded = publisher.publishToShard(channel, channel);
  t.deepEqual(
    asked.map(({ channel: name, isSharded }) => [name, isSharded]),
    [
      ['news', false],
      ['news', false],
      ['news', true],
      ['news', true],
    ],
  );
  for (const { onCount } of asked) onCount(10);
  t.is(await count, 22);
  t.is(await sharded, 25);
});

test('a node that does not answer in time is not counted, nor when it answers later', async (t) => {
  const { links, asked } = linksOf(2);
  const publisher = new ClusterPublisher(local, links, 20);
  const count = publisher.publish(channel, channel);
  asked[0]?.onCount(10);
  t.is(await count, 12);
  asked[1]?.onCount(10);
  t.is(await count, 12);
});
