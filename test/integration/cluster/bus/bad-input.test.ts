import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { encodeHello, encodeIntroduction, RefusalCode } from '../../../../src/cluster/bus/handshake-codec.ts';
import { writeMessage } from '../../../../src/cluster/bus/message-batch.ts';
import { SEALED_AT } from '../../../../src/cluster/bus/sealed-frames.ts';
import { encodeFrame } from '../../../../src/cluster/transport/frame.ts';
import { type BusNode, startBus, until } from './bus-node.ts';
import { type Intruder, intrude } from './intruder.ts';
import { startWireTap, type WireTap } from './wire-tap.ts';

const CLUSTER = 'c'.repeat(40);
const stranger = { node: 'stranger', boot: 1, address: '', clusterId: '' };

/** Nobody came in, and who belongs there is served as ever. */
async function isUnharmed(t: ExecutionContext, bus: BusNode): Promise<void> {
  t.deepEqual(bus.received, []);
  t.deepEqual(bus.comings, []);
  const friend = await startBus(t, 'friend', { clusterId: bus.clusterId });
  friend.dial(bus);
  await until('a node of the cluster is let in', () => bus.isConnectedTo('friend') && friend.isConnectedTo(bus.node));
  t.true(friend.say(bus.node, 'hello'));
  await until('its message is there', () => bus.texts.includes('hello'));
}

const greeting = Buffer.concat([Buffer.from('FLUXBUS\x01'), randomBytes(32)]);
for (const [what, bytes, reason] of [
  ['random bytes', randomBytes(4096), /does not speak the protocol/],
  ['one wrong byte', Buffer.from('X'), /does not speak the protocol/],
  ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), /does not speak the protocol/],
  ['a greeting of a later version', Buffer.concat([Buffer.from('FLUXBUS\x02'), randomBytes(32)]), /speaks version 2/],
  ['random bytes behind a greeting', Buffer.concat([greeting, Buffer.alloc(4, 1), randomBytes(900)]), /no frame/],
  [
    'a frame that is too long',
    Buffer.concat([greeting, Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])]),
    /no frame/,
  ],
  ['an empty frame', Buffer.concat([greeting, Buffer.alloc(8)]), /no frame/],
  [
    'a frame that says nothing',
    Buffer.concat([greeting, encodeFrame(Buffer.alloc(2000, 9))]),
    /does not say who it is/,
  ],
  [
    'a frame with a forged proof',
    Buffer.concat([greeting, encodeFrame(Buffer.alloc(60, 1))]),
    /does not know the secret/,
  ],
  ['a refusal', Buffer.concat([greeting, encodeFrame(Uint8Array.of(2, 1))]), /says that this node does not know/],
] as const) {
  test(`${what}: refused and logged once, without effect`, async (t) => {
    const bus = await startBus(t, 'bus');
    for (let round = 0; round < 3; round++) {
      const intruder = await intrude(t, bus.port);
      intruder.socket.write(bytes);
      await until('it is closed', () => intruder.isClosed);
      if (/version/.test(reason.source)) t.is(intruder.bytes[7], 1, 'it is told which version is spoken here');
      if (reason.source.includes('does not speak')) t.is(intruder.bytes.length, 0, 'a stranger is told nothing');
    }
    t.is(bus.warnings.length, 1);
    t.regex(bus.warnings[0]?.reason ?? '', reason);
    t.like(bus.warnings[0]?.fields, { address: '127.0.0.1' });
    await isUnharmed(t, bus);
  });
}

test('the wrong secret: refused and logged once by both ends, without effect', async (t) => {
  const bus = await startBus(t, 'bus');
  const other = await startBus(t, 'other', { secret: 'another secret', limits: { redialMsMax: 5 } });
  other.dial(bus);
  await until('it was refused', () => bus.warnings.length > 0 && other.warnings.length > 0);
  const intruder = await intrude(t, bus.port);
  const step = await intruder.shakeHands('a wrong secret', stranger);
  t.like(step, { next: 'end', code: RefusalCode.secret });
  t.deepEqual(bus.reasons, ['it does not know the secret of the cluster']);
  t.deepEqual(other.reasons, ['it says that this node does not know the secret of the cluster']);
  await isUnharmed(t, bus);
});

test('who is dialled and does not know the secret is not believed, whatever it says', async (t) => {
  // It takes anybody in, and shows what looks like a proof.
  const said = encodeIntroduction({ hello: stranger, seen: '127.0.0.1' });
  const liar = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(Buffer.concat([greeting, encodeFrame(encodeHello(randomBytes(32), said))]));
  });
  liar.listen(0, '127.0.0.1');
  await once(liar, 'listening');
  t.teardown(() => liar.close());
  const one = await startBus(t, 'one');
  one.bus.setPeers(new Map([['stranger', `127.0.0.1:${(liar.address() as AddressInfo).port}`]]));
  await until('it is left', () => one.warnings.length > 0);
  t.deepEqual(one.reasons, ['it does not know the secret of the cluster']);
  await isUnharmed(t, one);
});

test('another cluster: refused and logged once by both ends, without effect', async (t) => {
  const bus = await startBus(t, 'bus', { clusterId: CLUSTER });
  const other = await startBus(t, 'other', { clusterId: 'd'.repeat(40), limits: { redialMsMax: 5 } });
  other.dial(bus);
  await until('it was refused', () => bus.warnings.length > 0 && other.warnings.length > 0);
  t.deepEqual(bus.reasons, ['it is of another cluster']);
  t.deepEqual(other.reasons, ['it says that this node is of another cluster']);
  await isUnharmed(t, bus);
});

test('a node that has the name of this one is refused', async (t) => {
  const bus = await startBus(t, 'bus');
  const intruder = await intrude(t, bus.port);
  t.like(await intruder.shakeHands(t.title, { ...stranger, node: 'bus' }), { next: 'end', code: RefusalCode.name });
  t.regex(bus.reasons[0] ?? '', /was its data directory copied/);
  await isUnharmed(t, bus);
});

test('a node that says of itself what cannot be is refused', async (t) => {
  const bus = await startBus(t, 'bus');
  for (const wrong of [{ node: 'UPPER' }, { clusterId: 'short' }, { boot: -1 }, { address: 'a'.repeat(300) }]) {
    const intruder = await intrude(t, bus.port);
    t.is((await intruder.shakeHands(t.title, { ...stranger, ...wrong })).next, 'end');
  }
  t.deepEqual(bus.reasons, ['it says of itself what cannot be']);
  await isUnharmed(t, bus);
});

test('a handshake that comes byte by byte is one; one that takes too long is refused', async (t) => {
  const limits = { handshakeMs: 1500 };
  const bus = await startBus(t, 'bus', { limits });
  const tap = await startWireTap(t, bus.port);
  tap.change = (bytes) => Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const slow = await startBus(t, 'slow');
  slow.bus.setPeers(new Map([['bus', `127.0.0.1:${tap.port}`]]));
  await until('they are connected', () => slow.isConnectedTo('bus') && bus.isConnectedTo('slow'));
  t.true(slow.say('bus', 'x'.repeat(3000)));
  await until('the message is there', () => bus.texts.includes('x'.repeat(3000)));

  const intruder = await intrude(t, bus.port);
  intruder.socket.write(greeting.subarray(0, 20));
  await until('it is closed', () => intruder.isClosed);
  t.deepEqual(bus.reasons, ['it did not say within 1500 ms who it is']);
});

test('many that do not say who they are cost each other their places, and nobody else', async (t) => {
  const bus = await startBus(t, 'bus', { limits: { handshakesMax: 8, handshakeMs: 60_000 } });
  const crowd: Intruder[] = [];
  for (let number = 0; number < 40; number++) crowd.push(await intrude(t, bus.port));
  await until('those that are too many are closed', () => crowd.filter(({ isClosed }) => isClosed).length >= 32);
  t.true(crowd.slice(-8).every(({ isClosed }) => !isClosed));
  t.deepEqual(bus.reasons, ['it is one of too many that do not say who they are']);
  await isUnharmed(t, bus);
});

/** Two nodes with a tap between them, which have said something to each other. */
async function tapped(t: ExecutionContext): Promise<{ one: BusNode; two: BusNode; tap: WireTap }> {
  const two = await startBus(t, 'two');
  const tap = await startWireTap(t, two.port);
  const one = await startBus(t, 'one', { limits: { quietMs: 60_000, redialMsFirst: 50 } });
  one.bus.setPeers(new Map([['two', `127.0.0.1:${tap.port}`]]));
  await until('they are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
  one.say('two', 'set');
  await until('the message is there', () => two.received.length === 1);
  return { one, two, tap };
}

test('a frame that is sent again ends the connection, and is not taken again', async (t) => {
  const { two, tap } = await tapped(t);
  tap.inject(tap.there.at(-1) as Buffer);
  await until('it is refused', () => two.reasons.length > 0);
  t.deepEqual(two.reasons, ['it sent a frame that is forged, repeated or out of order']);
  t.deepEqual(two.texts, ['set']);
  await until('they are connected again', () => two.comings.length >= 3);
  t.deepEqual(two.comings.slice(0, 3), ['+one', '-one', '+one']);
});

test('a connection that is sent again as a whole comes to nothing', async (t) => {
  const { one, two, tap } = await tapped(t);
  const recorded = Buffer.concat(tap.there);
  await one.bus.close();
  await until('it is gone', () => two.comings.includes('-one'));
  const intruder = await intrude(t, two.port);
  intruder.socket.write(recorded);
  await until('it is closed', () => intruder.isClosed);
  t.deepEqual(two.reasons, ['it does not know the secret of the cluster']);
  t.deepEqual(two.texts, ['set']);
  t.deepEqual(two.comings, ['+one', '-one']);
});

test('what a bus has shown of itself cannot be shown to it', async (t) => {
  const bus = await startBus(t, 'bus');
  // Whatever the bus says is sent back to it: its greeting, and then nothing it would say to a stranger.
  const intruder = await intrude(t, bus.port);
  intruder.socket.write(greeting);
  await until('it greets', () => intruder.bytes.length >= 40);
  const mirror = await intrude(t, bus.port);
  mirror.socket.write(intruder.bytes);
  await until('it greets', () => mirror.bytes.length >= 40);
  intruder.socket.write(mirror.bytes.subarray(40));
  t.deepEqual(bus.comings, []);
  t.is(intruder.bytes.length, 40);
  await isUnharmed(t, bus);
});

for (const [what, change] of [
  ['with a bit changed', (frame: Buffer) => [flipped(frame, frame.length - 1)]],
  [
    'with a bit changed and the checksum made right',
    (frame: Buffer) => [encodeFrame(flipped(frame, frame.length - 1).subarray(8))],
  ],
  ['with another seal', (frame: Buffer) => [encodeFrame(flipped(frame, 8).subarray(8))]],
  ['left out', (_frame: Buffer) => []],
  ['made up', (frame: Buffer) => [madeUp(), frame]],
] as const) {
  test(`a frame that is ${what} ends the connection, and nothing behind it is taken`, async (t) => {
    const { one, two, tap } = await tapped(t);
    let count = 0;
    tap.change = (bytes, way) => {
      if (way === 'back' || count > 0) return [bytes];
      count += 1;
      return change(bytes);
    };
    one.say('two', 'get');
    await until('the first is under way', () => count === 1);
    one.say('two', 'del');
    await until('it is refused', () => two.reasons.length > 0);
    t.regex(two.reasons[0] as string, /forged, repeated or out of order|no frame/);
    t.deepEqual(two.texts, ['set']);
    await until('they are connected again', () => two.comings.length >= 3 && one.isConnectedTo('two'));
    t.true(one.say('two', 'again'));
    await until('the message is there', () => two.texts.at(-1) === 'again');
  });
}

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}

/** What a frame looks like, without its key. */
function madeUp(): Uint8Array {
  const frame = Buffer.alloc(SEALED_AT + 8);
  writeMessage(0, Buffer.from('get'), frame, SEALED_AT);
  return encodeFrame(frame.subarray(8));
}

test('a node of the cluster that sends what is no message is left, and nothing of it is taken', async (t) => {
  const bus = await startBus(t, 'bus', { limits: { frameBytes: 65_536 }, messageBytesMax: 1000 });
  const frames: [Buffer, RegExp][] = [
    [sealedRoom([Uint8Array.of(0, 0, 0, 9, 0, 1)]), /a message that is cut off/],
    [sealedRoom([Uint8Array.of(0, 0, 0)]), /a message that is cut off/],
    [sealedRoom([Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 1)]), /a message that is cut off/],
    [sealedRoom([Uint8Array.of(0, 0, 0, 1, 77, 1)]), /channel 77/],
    [sealedRoom([Uint8Array.of(0, 0, 0, 1, 255, 1)]), /what cannot be/],
  ];
  for (const [room, reason] of frames) {
    const before = bus.comings.length;
    const intruder = await intrude(t, bus.port);
    const step = await intruder.shakeHands(t.title, stranger);
    if (step.next !== 'open') throw new Error('the handshake failed');
    step.sealer.seal(room, room.length);
    intruder.socket.write(room);
    await until('it is left', () => intruder.isClosed && bus.comings.length === before + 2);
    t.deepEqual(bus.received, []);
    t.regex(bus.partings.at(-1) as string, reason);
  }
  // The header says more than any frame has: refused before anything is set aside for it.
  const intruder = await intrude(t, bus.port);
  await intruder.shakeHands(t.title, stranger);
  intruder.socket.write(Buffer.from([0, 1, 0, 1, 0, 0, 0, 0]));
  await until('it is left', () => intruder.isClosed);
  t.true(bus.reasons.some((reason) => /the limit is 65536/.test(reason)));
});

/** Room for header and seal, and what is to be sealed. */
function sealedRoom(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.alloc(SEALED_AT), ...parts]);
}
