import test from 'ava';
import { ActorLink, createShardLink, LinkKind, ShardLink } from '../../../../src/cluster/actor/shard-link.ts';
import { createDoorbell } from '../../../../src/mailbox/doorbell.ts';

const identity = { node: 'node-a', boot: 7 };

function link() {
  const handle = createShardLink({
    shardBell: createDoorbell(),
    actorBell: createDoorbell(),
    messageBytesMax: 100_000,
    ringBytes: 4096,
  });
  return { handle, actor: new ActorLink(handle) };
}

function taken(end: ActorLink | ShardLink): string[] {
  const all: string[] = [];
  while (end.next()) {
    const body = Buffer.from(end.bytes.slice(end.offset, end.offset + end.length)).toString('latin1');
    all.push(`${end.kind} ${end.kind === LinkKind.replication ? `${end.node} ` : ''}${body}`);
  }
  end.release();
  return all;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a shard that starts asks for a full configuration and is configured once it has taken it in', (t) => {
  const { handle, actor } = link();
  t.false(actor.needsFull);
  const shard = new ShardLink(handle);
  t.true(actor.needsFull);
  actor.sendFull(identity, bytes('all'));
  const last = actor.nextNumber;
  actor.sendChange(bytes('more'));
  actor.flush();
  t.false(actor.needsFull);
  t.false(actor.hasTaken(last));
  t.true(shard.next());
  t.true(shard.isFull);
  t.deepEqual(shard.identity, identity);
  shard.configured();
  t.false(actor.hasTaken(last));
  t.true(shard.next());
  t.false(shard.isFull);
  shard.configured();
  t.true(actor.hasTaken(last));
});

test('messages bear the node that they are from, or for', (t) => {
  const { handle, actor } = link();
  const shard = new ShardLink(handle);
  actor.sendFull(identity, bytes('s'));
  for (const node of ['node-b', 'node-c', 'x', 'node-b']) {
    t.true(actor.sendReplication(node, bytes(`[${node}]`), 1, node.length + 1));
  }
  actor.flush();
  t.deepEqual(taken(shard), ['1 s', '2 node-b node-b', '2 node-c node-c', '2 x x', '2 node-b node-b']);
  shard.sendReplication('node-c', bytes('hello'));
  shard.sendProposal(bytes('please'));
  shard.sendStatus(bytes('fine'));
  shard.flush();
  t.deepEqual(taken(actor), ['2 node-c hello', '3 please', '4 fine']);
});

test('a shard that was started again passes over all that was meant for the one before', (t) => {
  const { handle, actor } = link();
  const first = new ShardLink(handle);
  actor.sendFull(identity, bytes('old'));
  actor.sendReplication('node-b', bytes('lost'), 0, 4);
  actor.flush();
  t.true(first.next());
  // It dies here.
  const second = new ShardLink(handle);
  t.true(actor.needsFull);
  actor.sendChange(bytes('for the dead'));
  actor.sendReplication('node-b', bytes('lost'), 0, 4);
  actor.flush();
  t.deepEqual(taken(second), []);
  const last = actor.nextNumber;
  t.false(actor.hasTaken(last));
  actor.sendFull(identity, bytes('new'));
  actor.sendReplication('node-b', bytes('good'), 0, 4);
  actor.flush();
  t.deepEqual(taken(second), ['1 new', '2 node-b good']);
  second.configured();
  t.true(actor.hasTaken(last));
});

test('too much replication is thrown away, a configuration never', (t) => {
  const { handle } = link();
  const actor = new ActorLink(handle, { queuedCountMax: 3, queuedBytesMax: 10_000 });
  const shard = new ShardLink(handle);
  actor.sendFull(identity, bytes('s'));
  const message = new Uint8Array(900);
  let sent = 0;
  for (let count = 0; count < 100; count++) if (actor.sendReplication('node-b', message, 0, 900)) sent++;
  t.true(sent > 3 && sent < 10, `${sent} were sent`);
  actor.sendChange(new Uint8Array(50_000));
  const kinds: LinkKind[] = [];
  for (let turn = 0; turn < 100; turn++) {
    actor.flush();
    while (shard.next()) kinds.push(shard.kind);
    shard.release();
  }
  t.is(kinds.filter((kind) => kind === LinkKind.replication).length, sent);
  t.is(kinds.at(-1), LinkKind.configuration);
});
