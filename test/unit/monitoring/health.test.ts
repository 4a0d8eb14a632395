import test from 'ava';
import { healthOf } from '../../../src/monitoring/health.ts';
import { nodesDocument } from '../../../src/monitoring/node-view.ts';
import { factsOf, shardOf } from './facts-of.ts';

test('a node that serves with all shards is ready, and gives no reasons', (t) => {
  t.deepEqual(healthOf(factsOf({})), { ready: true, reasons: [] });
});

test('a node that starts, drains or restarts a shard is not ready and says why', (t) => {
  t.deepEqual(healthOf(factsOf({ state: () => 'starting' })), { ready: false, reasons: ['the node is starting'] });
  t.deepEqual(healthOf(factsOf({ state: () => 'draining' })), { ready: false, reasons: ['the node is shutting down'] });
  const shards = () => [shardOf(), shardOf({ isServing: false })];
  t.deepEqual(healthOf(factsOf({ shards })), { ready: false, reasons: ['shard 1 is being restarted'] });
});

test('the node view adds up its shards and says where the node is', (t) => {
  const shards = () => [
    shardOf({ partitionFirst: 0, partitionLast: 31, mailboxDepth: 2 }, { keys: 3, usedBytes: 300 }),
    shardOf({ partitionFirst: 32, partitionLast: 63, restarts: 1 }, { keys: 4, usedBytes: 400 }),
  ];
  const [node, ...others] = nodesDocument(factsOf({ shards })).nodes;
  t.is(others.length, 0);
  t.like(node, {
    name: 'box',
    self: true,
    httpPort: 8081,
    healthy: true,
    state: 'serving',
    uptimeSeconds: 12.3,
    keys: 7,
    memoryUsedBytes: 700,
  });
  t.deepEqual(node !== undefined && 'shards' in node ? node.shards[1] : null, {
    shard: 1,
    serving: true,
    restarts: 1,
    partitions: [32, 63],
    keys: 4,
    memoryUsedBytes: 400,
    mailboxDepth: 0,
  });
});
