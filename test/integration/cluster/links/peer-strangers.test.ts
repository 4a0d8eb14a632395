/** What comes to a node's TCP port and begins like another node, but is none: no effect, and few words. */
import { createSecretKey, randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { ArgsBuffer } from '../../../../src/command/args-buffer.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { PeerFrameWriter } from '../../../../src/server/cluster/peer-frames.ts';
import { PeerHandshake } from '../../../../src/server/cluster/peer-handshake.ts';
import { type PeerLimits, peerLimits } from '../../../../src/server/cluster/peer-limits.ts';
import { encodeNames, PeerMessage } from '../../../../src/server/cluster/peer-message.ts';
import { encodeCommand } from '../../../../src/shard/command-message.ts';
import { PeerClient, PeerServer, ScriptedCommands } from '../../../peer-nodes.ts';
import { RawConnection } from '../../tcp/raw-connection.ts';

const CLUSTER = 'c1'.repeat(20);

async function serverOf(t: ExecutionContext, limits: Partial<PeerLimits> = {}) {
  const script = new ScriptedCommands();
  const server = await PeerServer.start({ commands: script, limits });
  t.teardown(() => server.close());
  return { server, script };
}

interface Says {
  readonly secret?: string;
  readonly clusterId?: string;
  readonly node?: string;
  readonly to?: string;
}

/** Goes through the handshake, up to its end or the other end's. */
async function shakeHands(port: number, says: Says = {}) {
  const { secret = 'secret', clusterId = CLUSTER, node = 'client', to = 'server' } = says;
  const handshake = new PeerHandshake({
    role: 'dialer',
    secret: createSecretKey(secret, 'utf8'),
    nonce: randomBytes(32),
    introduce: () => ({ node, to, clusterId, frameBytesMax: 1 << 20 }),
    judge: () => null,
  });
  const connection = await RawConnection.to(port);
  let taken = 0;
  while (!handshake.isDone && !connection.isClosed && handshake.fault === null) {
    if (handshake.output !== null) connection.send(handshake.output);
    handshake.output = null;
    const text = await connection.until((now) => connection.isClosed || now.length > taken);
    taken += handshake.take(Buffer.from(text.slice(taken), 'latin1'));
  }
  return { connection, handshake };
}

/** A link by hand, with what a `PeerLink` says first. */
async function linkTo(port: number) {
  const { connection, handshake } = await shakeHands(port);
  const writer = new PeerFrameWriter(handshake.key('dialer'));
  const add = (kind: number, detail: number, id: number, body: Uint8Array): void => {
    const at = writer.reserve(body.length);
    writer.bytes.set(body, at);
    writer.add(kind, detail, id, body.length);
  };
  add(PeerMessage.names, 0, 0, encodeNames(commandTable.commands.map(({ name }) => name)));
  return { connection, writer, add };
}

function commandBytes(name: string, ...texts: readonly string[]): Uint8Array {
  const buffer = new ArgsBuffer().begin();
  for (const text of texts) buffer.text(text);
  const bytes = new Uint8Array(1000);
  return bytes.slice(0, encodeCommand(commandTable.named(name).id, buffer.args, bytes, 0));
}

/** That the server still serves, and what it has logged but that. */
async function stillServes(t: ExecutionContext, server: PeerServer, script: ScriptedCommands): Promise<void> {
  const client = new PeerClient({ nodes: { server: server.port } });
  t.teardown(() => client.close());
  await client.up();
  const before = script.asked.length;
  const reply = client.call('get', 'a');
  await script.until(before + 1);
  script.reply(before, (writer) => writer.null());
  t.is(await reply, null);
}

for (const [what, says, why] of [
  ['the wrong secret', { secret: 'guess' }, /does not know the secret/],
  ['no secret', { secret: '' }, /does not know the secret/],
  ['another cluster', { clusterId: 'd2'.repeat(20) }, /of another cluster/],
  ['no cluster', { clusterId: '' }, /of another cluster/],
  ['another node in mind', { to: 'somebody' }, /speak to the node somebody/],
  ['the name of the node itself', { node: 'server' }, /name of this node/],
] as const) {
  test(`${what}: closed, and told once however often it comes`, async (t) => {
    const { server, script } = await serverOf(t);
    for (let round = 0; round < 5; round++) {
      const { connection, handshake } = await shakeHands(server.port, says);
      await connection.closed();
      t.false(handshake.isDone);
    }
    t.is(server.warnings().length, 1);
    t.regex(server.warnings()[0] ?? '', why);
    await stillServes(t, server, script);
    t.is(server.warnings().length, 1);
  });
}

test('random bytes behind the first are closed at once; half a greeting when its time is over', async (t) => {
  const { server, script } = await serverOf(t, { handshakeMs: 100 });
  const pieces = [
    Buffer.from([0xf1, 0x00]),
    Buffer.concat([Buffer.from([0xf1]), randomBytes(500)]),
    Buffer.from([0xf1, 0x46, 0x4c, 0x4b, 99, ...randomBytes(100)]),
    Buffer.from([0xf1]),
    Buffer.from([0xf1, 0x46, 0x4c]),
    Buffer.concat([Buffer.from([0xf1, 0x46, 0x4c, 0x4b, 1]), randomBytes(32)]),
    Buffer.concat([Buffer.from([0xf1, 0x46, 0x4c, 0x4b, 1]), randomBytes(32), Buffer.from([0xff, 0xff])]),
    Buffer.concat([Buffer.from([0xf1, 0x46, 0x4c, 0x4b, 1]), randomBytes(32), Buffer.from([80, 0]), randomBytes(80)]),
    Buffer.concat([Buffer.from([0xf1, 0x46, 0x4c, 0x4b, 1]), randomBytes(32), Buffer.from([80, 0]), randomBytes(40)]),
  ];
  await Promise.all(
    pieces.map(async (bytes) => {
      const connection = await RawConnection.to(server.port);
      connection.send(bytes);
      await connection.closed();
    }),
  );
  t.is(server.warnings().length, 1);
  t.is(script.asked.length, 0);
  await stillServes(t, server, script);
});

test('many that show nothing do not keep a node out, and are not many at once', async (t) => {
  const { server, script } = await serverOf(t, { handshakesMax: 4, handshakeMs: 60_000 });
  const strangers = await Promise.all(Array.from({ length: 20 }, () => RawConnection.to(server.port)));
  for (const stranger of strangers) stranger.send(Buffer.from([0xf1, 0x46]));
  await stillServes(t, server, script);
  await Promise.all(strangers.slice(0, 10).map((stranger) => stranger.closed()));
  t.is(server.warnings().length, 1);
  for (const stranger of strangers) stranger.reset();
});

test('a frame that comes again, is changed, too large or of nonsense ends the link, and runs nothing', async (t) => {
  // None of them is closed because nothing comes any more.
  const { server, script } = await serverOf(t, { frameBytesMax: 100_000, pingMs: 60_000 });
  const send = async (frames: (link: Awaited<ReturnType<typeof linkTo>>) => readonly Uint8Array[]): Promise<void> => {
    const link = await linkTo(server.port);
    const first = link.writer.take();
    link.connection.send(first);
    for (const frame of frames(link)) link.connection.send(frame);
    await link.connection.closed();
  };
  const set = commandBytes('set', 'a', '1');
  await send((link) => {
    link.add(PeerMessage.ping, 0, 0, new Uint8Array(0));
    const ping = link.writer.take();
    return [ping, ping];
  });
  await send(({ writer, add }) => {
    add(PeerMessage.command, 0, 1, set);
    const frame = writer.take();
    frame[frame.length - 1] = (frame[frame.length - 1] as number) ^ 1;
    return [frame];
  });
  await send(({ writer, add }) => {
    add(PeerMessage.ping, 0, 0, new Uint8Array(0));
    writer.take();
    add(PeerMessage.command, 0, 1, set);
    return [writer.take()];
  });
  await send(() => [Uint8Array.of(0xff, 0xff, 0xff, 0x7f, ...randomBytes(100))]);
  await send(() => [new Uint8Array(28)]);
  for (const [kind, body] of [
    [99, set],
    [PeerMessage.reply, set],
    [PeerMessage.command, new Uint8Array(0)],
    [PeerMessage.command, randomBytes(40).fill(0xff, 0, 6)],
    [PeerMessage.command, Uint8Array.of(...set, 1)],
    [PeerMessage.publish, Uint8Array.of(9, 0, 0, 0, 1)],
    [PeerMessage.names, Buffer.from('get')],
    [PeerMessage.ask, Buffer.alloc(peerLimits.askBytesMax + 1, 'x')],
  ] as const) {
    await send(({ writer, add }) => {
      add(kind, 0, 1, body);
      return [writer.take()];
    });
  }
  t.is(script.asked.length, 0);
  t.is(server.warnings().length, 1);
  await stillServes(t, server, script);
});

test('a command that other nodes may not have run is answered with an error, and not run', async (t) => {
  const { server, script } = await serverOf(t);
  const client = new PeerClient({ nodes: { server: server.port } });
  t.teardown(() => client.close());
  await client.up();
  t.regex(String(await client.call('ping')), /^error internal 'ping' is not for other nodes to run/);
  t.regex(String(await client.call('get')), /^error internal wrong number of arguments/);
  t.regex(String(await client.call('mset', 'a', '1', 'b')), /^error internal wrong number of arguments/);
  t.regex(String(await client.call('get', 'k'.repeat(1001))), /^error internal the key is longer/);
  t.is(script.asked.length, 0);
  await stillServes(t, server, script);
});

test('a node of another version has its commands run by their names, and no transactions', async (t) => {
  const { server, script } = await serverOf(t);
  const { connection, handshake } = await shakeHands(server.port);
  const writer = new PeerFrameWriter(handshake.key('dialer'));
  const names = encodeNames(['new', 'get', 'flux.exec']);
  writer.bytes.set(names, writer.reserve(names.length));
  writer.add(PeerMessage.names, 0, 0, names.length);
  for (const id of [0, 1, 2]) {
    const body = Uint8Array.of(id, 1, 1, 0x61);
    writer.bytes.set(body, writer.reserve(body.length));
    writer.add(PeerMessage.command, 0, id, body.length);
  }
  connection.send(writer.take());
  await script.until(1);
  t.deepEqual(
    script.asked.map(({ name, texts }) => [name, texts]),
    [['get', ['a']]],
  );
  const text = await connection.until((all) => all.includes('another version'));
  t.true(text.includes('does not know the command'));
  connection.reset();
});

test('half a frame, and then silence, ends the link after a while', async (t) => {
  const { server, script } = await serverOf(t, { pingMs: 20 });
  const { connection, writer } = await linkTo(server.port);
  const frame = writer.take();
  connection.send(frame.subarray(0, frame.length - 1));
  await connection.closed();
  t.regex(server.warnings().join(), /it was silent/);
  await stillServes(t, server, script);
});

test('a node that is of no cluster does not speak to nodes', async (t) => {
  const script = new ScriptedCommands();
  const server = await PeerServer.start({ commands: script, clusterId: '' });
  t.teardown(() => server.close());
  const { connection } = await shakeHands(server.port, { clusterId: '' });
  await connection.closed();
  t.regex(server.warnings().join(), /of another cluster/);
});
