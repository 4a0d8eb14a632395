import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import test from 'ava';
import { BusNode, startBus, until } from './bus-node.ts';
import { startWireTap } from './wire-tap.ts';

const CLUSTER = 'c'.repeat(40);
const OTHER_CLUSTER = 'd'.repeat(40);

test('two nodes hear of each other and get messages on their channel in the order in which they were sent', async (t) => {
  const one = await startBus(t, 'one', { boot: 3, clusterId: CLUSTER });
  const two = await startBus(t, 'two', { boot: 5 });
  one.dial(two);
  await until('both are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
  t.deepEqual(one.bus.connected.get('two'), two.hello);
  t.deepEqual(two.bus.connected.get('one'), one.hello);

  const texts = Array.from({ length: 1000 }, (_, number) => `${number} ${'x'.repeat(number % 97)}`);
  for (const text of texts) t.true(one.bus.send('two', 0, Buffer.from(text)));
  t.true(one.bus.send('two', 1, Buffer.from('of the founding')));
  t.deepEqual(two.texts, [], 'nothing is sent before it is flushed');
  one.bus.flush();
  two.say('one', 'back on the same connection');
  await until('all is there', () => two.received.length === 1001 && one.received.length === 1);
  t.deepEqual(two.texts, [...texts, 'of the founding']);
  t.true(two.received.every(({ from, channel }, place) => from === 'one' && channel === (place === 1000 ? 1 : 0)));
  t.true(two.batches >= 1 && two.batches < 1000, 'a batch is what one read brought');
  t.deepEqual(one.received, [{ from: 'two', channel: 0, text: 'back on the same connection' }]);
});

test('empty messages, messages as long as the limit and many long ones at once come whole', async (t) => {
  const one = await startBus(t, 'one');
  const two = await startBus(t, 'two');
  one.dial(two);
  await until('they are connected', () => one.isConnectedTo('two'));
  const lengths = [0, 1, 4 << 20, 0, 70_000, 1 << 20, (1 << 20) + 1, 5];
  for (const [place, length] of lengths.entries()) {
    one.bus.send('two', 0, Buffer.alloc(length, place));
  }
  one.bus.flush();
  await until('all is there', () => two.received.length === lengths.length);
  for (const [place, length] of lengths.entries()) {
    const text = two.texts[place] as string;
    t.is(text.length, length);
    t.true(Buffer.from(text, 'latin1').every((byte) => byte === place));
  }
});

test('what the sender does with its bytes after sending changes nothing', async (t) => {
  const one = await startBus(t, 'one');
  const two = await startBus(t, 'two');
  one.dial(two);
  await until('they are connected', () => one.isConnectedTo('two'));
  const bytes = Buffer.alloc(100_000);
  for (let value = 0; value < 100; value++) {
    bytes.fill(value);
    one.bus.send('two', 0, bytes);
    // Each flush makes frames whose memory is used again.
    one.bus.flush();
    await new Promise(setImmediate);
  }
  bytes.fill(255);
  await until('all is there', () => two.received.length === 100);
  t.true(two.texts.every((text, value) => Buffer.from(text, 'latin1').every((byte) => byte === value)));
});

test('a message for a node that is not connected is thrown away and counted', async (t) => {
  const one = await startBus(t, 'one');
  t.false(one.say('nobody', 'hello'));
  one.bus.setPeers(new Map([['two', '127.0.0.1:1']]));
  t.false(one.say('two', 'hello'));
  t.like(one.bus.links()[0], { node: 'two', address: '127.0.0.1:1', isConnected: false, droppedMessages: 1 });
});

test('nodes that only know seeds find each other, themselves left out', async (t) => {
  const names = {
    addresses: async (host: string) => {
      if (host !== 'nodes.test') throw new Error('ENOTFOUND');
      return ['127.0.0.1'];
    },
    services: async () => nodes.map(({ port }) => ({ host: 'nodes.test', port })),
  };
  const given = { secret: t.title, seeds: ['srv:_bus._tcp.nodes.test', 'nowhere.test:1'], names };
  const nodes: BusNode[] = [];
  for (const name of ['one', 'two', 'three']) nodes.push(new BusNode(name, given));
  for (const node of nodes) t.teardown(() => node.bus.close());
  for (const node of nodes) await node.start();
  const [one, two, three] = nodes as [BusNode, BusNode, BusNode];
  const isWhole = (): boolean =>
    one.isConnectedTo('two', 'three') && two.isConnectedTo('one', 'three') && three.isConnectedTo('one', 'two');
  await until('each has found the others', isWhole);
  t.false(nodes.some((node) => node.isConnectedTo(node.node)));
  await until('the name that is not known is told of', () => one.reasons.includes('ENOTFOUND'));
  t.deepEqual(
    one.warnings.filter(({ message }) => !message.includes('seed') && !message.includes('not reached')),
    [],
  );
});

test('seeds that are not reached are told of with the reason, as long as that is so', async (t) => {
  let isKnown = false;
  const names = {
    addresses: async (host: string) => {
      if (host === 'late.test' && !isKnown) throw new Error('ENOTFOUND');
      return ['127.0.0.1'];
    },
    services: async () => [],
  };
  const gone = await startBus(t, 'gone');
  const { port } = gone;
  await gone.bus.close();
  const other = await startBus(t, 'other', { secret: 'another one' });
  const late = await startBus(t, 'late');
  const seeds = [`late.test:${late.port}`, `gone.test:${port}`, `other.test:${other.port}`];
  const one = await startBus(t, 'one', { seeds, names });
  await until('all of them were tried', () => one.bus.seedTroubles.size === 3);
  t.is(one.bus.seedTroubles.get('late.test'), 'ENOTFOUND');
  t.regex(one.bus.seedTroubles.get(`127.0.0.1:${port}`) ?? '', /ECONNREFUSED/);
  t.true(one.bus.seedTroubles.has(`127.0.0.1:${other.port}`));
  isKnown = true;
  await until('one is reached', () => one.isConnectedTo('late'));
  t.deepEqual([...one.bus.seedTroubles.keys()].sort(), [`127.0.0.1:${port}`, `127.0.0.1:${other.port}`].sort());
});

test('a seed is looked up anew when its node has moved', async (t) => {
  let port = 0;
  let rounds = 0;
  const names = {
    addresses: async () => ['127.0.0.1'],
    services: async () => {
      rounds += 1;
      return [{ host: 'moving.test', port }];
    },
  };
  const first = await startBus(t, 'mover');
  port = first.port;
  // As long as a node is connected, seeds are hardly looked at; once none is, at once.
  const limits = { seedMsMax: 600_000 };
  const one = await startBus(t, 'one', { seeds: ['srv:moving.test'], names, limits });
  await until('the seed is found', () => one.isConnectedTo('mover'));
  // The second look finds it connected, or a third that follows at once.
  await until('there is no hurry any more', () => rounds >= 2);
  await first.bus.close();
  await until('it is gone', () => !one.isConnectedTo('mover'));
  const second = await startBus(t, 'mover', { boot: 2 });
  port = second.port;
  await until('it is found where it is now', () => one.bus.connected.get('mover')?.boot === 2);
  t.deepEqual(one.comings, ['+mover', '-mover', '+mover']);
});

test('a seed without a port is dialled at the usual one', async (t) => {
  const seed = await startBus(t, 'seed');
  const one = await startBus(t, 'one', { seeds: ['localhost'], defaultPort: seed.port });
  await until('the seed is found', () => one.isConnectedTo('seed'));
  t.pass();
});

test('a node that is known by two addresses gets one connection', async (t) => {
  const two = await startBus(t, 'two');
  const taps = [await startWireTap(t, two.port), await startWireTap(t, two.port)];
  let rounds = 0;
  const names = {
    addresses: async () => ['127.0.0.1'],
    services: async () => {
      rounds += 1;
      return taps.map(({ port }) => ({ host: 'two.test', port }));
    },
  };
  const one = await startBus(t, 'one', { seeds: ['srv:two.test'], names });
  await until('they are connected', () => one.isConnectedTo('two'));
  const before = rounds;
  await until('the seeds were looked at again and again', () => rounds > before + 3);
  t.deepEqual(one.comings, ['+two']);
  t.true(taps.reduce((sum, { connections }) => sum + connections, 0) <= 3);
  t.true(one.say('two', 'hello'));
  await until('the message is there', () => two.texts.includes('hello'));
});

test('a peer that was found by a seed is dialled by its address when that connection is lost', async (t) => {
  const two = await startBus(t, 'two');
  const tap = await startWireTap(t, two.port);
  let services = [{ host: 'two.test', port: tap.port }];
  const names = { addresses: async () => ['127.0.0.1'], services: async () => services };
  const one = await startBus(t, 'one', { seeds: ['srv:two.test'], names });
  await until('they are connected', () => one.isConnectedTo('two'));
  one.dial(two);
  services = [];
  tap.cut();
  await until('the connection is lost and made anew', () => one.comings.length === 3);
  t.deepEqual(one.comings, ['+two', '-two', '+two']);
  t.is(tap.connections, 1);
});

test('nodes that dial each other at once stay connected', async (t) => {
  const one = await startBus(t, 'one', { limits: { redialMsFirst: 1 } });
  const two = await startBus(t, 'two');
  for (let round = 0; round < 20; round++) {
    const left = await startBus(t, `left-${round}`);
    one.dial(two, left);
    two.dial(one, left);
    left.dial(one, two);
    await until('all are connected', () => left.isConnectedTo('one', 'two') && one.isConnectedTo('two', left.node));
  }
  t.deepEqual([one.partings, two.partings], [[], []]);
});

test('a connection that is cut is made again, and told of once each time', async (t) => {
  const two = await startBus(t, 'two');
  const tap = await startWireTap(t, two.port);
  const one = await startBus(t, 'one');
  one.bus.setPeers(new Map([['two', `127.0.0.1:${tap.port}`]]));
  for (let round = 1; round <= 5; round++) {
    await until('they are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
    t.true(one.say('two', `round ${round}`));
    await until('the message is there', () => two.texts.at(-1) === `round ${round}`);
    tap.cut();
    await until('both have noticed', () => one.comings.length >= 2 * round && two.comings.length >= 2 * round);
  }
  const comings = Array.from({ length: 10 }, (_, place) => (place % 2 === 0 ? '+two' : '-two'));
  t.deepEqual(one.comings.slice(0, 10), comings);
  t.is(two.received.length, 5);
});

test('a node that comes back elsewhere as another start takes the place of the former one', async (t) => {
  const one = await startBus(t, 'one');
  const former = await startBus(t, 'two', { boot: 1 });
  one.dial(former);
  await until('the former start is connected', () => one.isConnectedTo('two'));
  // The former one still holds its connection, as a machine that was cut off does.
  const later = await startBus(t, 'two', { boot: 2 });
  later.dial(one);
  await until('the later start is connected', () => one.bus.connected.get('two')?.boot === 2);
  t.true(one.say('two', 'whom does it reach'));
  await until('the later start has it', () => later.texts.includes('whom does it reach'));
  t.deepEqual(former.texts, []);
  await until('the former start is refused', () => one.reasons.some((reason) => /earlier start/.test(reason)));
  t.is(one.bus.connected.get('two')?.boot, 2);
});

test('a peer whose address changes is dialled at the new one', async (t) => {
  const one = await startBus(t, 'one');
  const two = await startBus(t, 'two');
  one.bus.setPeers(new Map([['two', '127.0.0.1:1']]));
  await until('it was tried', () => one.reasons.some((reason) => /ECONNREFUSED/.test(reason)));
  one.dial(two);
  await until('they are connected', () => one.isConnectedTo('two'));
  t.is(one.bus.links()[0]?.address, two.address);
});

test('what a node says of itself anew is told to those it is connected to', async (t) => {
  const one = await startBus(t, 'one');
  const two = await startBus(t, 'two');
  one.dial(two);
  two.dial(one);
  await until('both have dialled', () => one.comings.length === 2 && two.comings.length === 2);
  one.clusterId = CLUSTER;
  one.bus.announce();
  await until('the other one knows', () => two.bus.connected.get('one')?.clusterId === CLUSTER);
  t.is(two.comings.at(-1), '+one');
  t.true(two.say('one', 'still connected'));
  await until('the message is there', () => one.texts.includes('still connected'));
});

test('what a node says of itself anew is known in the end, whenever connections are made meanwhile', async (t) => {
  // Each round a few steps later, through all moments of the handshakes.
  for (let round = 0; round < 60; round++) {
    const one = await startBus(t, `one-${round}`);
    const two = await startBus(t, `two-${round}`);
    if (round % 2 === 0) one.dial(two);
    else two.dial(one);
    for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
    one.clusterId = CLUSTER;
    one.bus.announce();
    await until('the other one knows', () => two.bus.connected.get(one.node)?.clusterId === CLUSTER, 3000);
    await Promise.all([one.bus.close(), two.bus.close()]);
  }
  t.pass();
});

test('nodes that turn out to be of two clusters part', async (t) => {
  const one = await startBus(t, 'one', { clusterId: CLUSTER });
  const two = await startBus(t, 'two');
  one.dial(two);
  await until('they are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
  two.clusterId = OTHER_CLUSTER;
  two.bus.announce();
  await until('they are not any more', () => !one.isConnectedTo('two') && !two.isConnectedTo('one'));
  await until('one says why', () => one.reasons.some((reason) => /of another cluster/.test(reason)));
  t.false(one.isConnectedTo('two'));
});

test('two clusters that share a seed stay two', async (t) => {
  const one = await startBus(t, 'one', { clusterId: CLUSTER });
  const two = await startBus(t, 'two', { clusterId: CLUSTER, seeds: [one.address] });
  const three = await startBus(t, 'three', { clusterId: OTHER_CLUSTER, seeds: [one.address] });
  const four = await startBus(t, 'four', { clusterId: OTHER_CLUSTER, seeds: [one.address, three.address] });
  const isWhole = (): boolean => three.isConnectedTo('four') && four.isConnectedTo('three');
  await until('each has its own', () => one.isConnectedTo('two') && two.isConnectedTo('one') && isWhole());
  await until('the others are refused', () => one.reasons.some((reason) => /of another cluster/.test(reason)));
  t.deepEqual([...one.bus.connected.keys()], ['two']);
  t.deepEqual([...two.bus.connected.keys()], ['one']);
  t.deepEqual([...three.bus.connected.keys()], ['four']);
  t.deepEqual([...four.bus.connected.keys()], ['three']);
});

test('nodes tell each other where they see them', async (t) => {
  const one = await startBus(t, 'one');
  const two = await startBus(t, 'two');
  t.is(one.bus.seenHost, '');
  one.dial(two);
  await until('they are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
  t.is(one.bus.seenHost, '127.0.0.1');
  t.is(two.bus.seenHost, '127.0.0.1');
});

test('a connection on which nothing is said stays; one that is silent is given up by both ends', async (t) => {
  const limits = { quietMs: 20, silenceMs: 1000 };
  const two = await startBus(t, 'two', { limits });
  const tap = await startWireTap(t, two.port);
  const one = await startBus(t, 'one', { limits });
  one.bus.setPeers(new Map([['two', `127.0.0.1:${tap.port}`]]));
  await until('they are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
  const sinceMs = performance.now();
  await until('nobody has said anything for longer than silence is borne', () => performance.now() - sinceMs > 1500);
  t.deepEqual([one.comings, two.comings], [['+two'], ['+one']]);
  t.is(tap.connections, 1);

  // Half-open: both sockets stay, and nothing goes through.
  tap.change = () => [];
  await until('both have noticed', () => one.comings.length === 2 && two.comings.length === 2);
  tap.change = null;
  tap.cut();
  await until('they are connected again', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
  t.true(one.say('two', 'again'));
  await until('the message is there', () => two.texts.includes('again'));
});

test('for a node that does not read, no more than the limit is kept; the rest is thrown away and counted', async (t) => {
  const limits = { queuedBytesMax: 3 << 20, socketBytesMax: 1 << 20, silenceMs: 60_000 };
  const two = await startBus(t, 'two', { limits });
  const tap = await startWireTap(t, two.port);
  const one = await startBus(t, 'one', { limits });
  one.bus.setPeers(new Map([['two', `127.0.0.1:${tap.port}`]]));
  await until('they are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
  // In one turn of the event loop nothing can be read at the other end.
  const bytes = Buffer.alloc(50_000, 'x');
  let taken = 0;
  while (one.bus.send('two', 0, bytes)) {
    taken += 1;
    if (taken % 10 === 0) one.bus.flush();
    if (taken > 10_000) break;
  }
  const [link] = one.bus.links();
  t.true(link !== undefined && link.queuedBytes <= 3 << 20 && link.queuedBytes > 2 << 20, `${link?.queuedBytes}`);
  t.is(link?.droppedMessages, 1);
  one.bus.flush();
  await until('all that was taken comes', () => two.received.length === taken);
  t.true(two.texts.every((text) => text.length === 50_000));
  await until('nothing waits', () => one.bus.links()[0]?.queuedBytes === 0);
  t.true(one.bus.send('two', 0, bytes), 'there is room again');
});

test('links count what was sent and received, over all connections', async (t) => {
  const two = await startBus(t, 'two');
  const tap = await startWireTap(t, two.port);
  const one = await startBus(t, 'one');
  const beforeMs = Date.now();
  one.bus.setPeers(new Map([['two', `127.0.0.1:${tap.port}`]]));
  for (let round = 0; ; round++) {
    await until('they are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
    one.say('two', 'x'.repeat(1000));
    await until('it is there', () => two.received.length === round + 1);
    if (round === 1) break;
    t.like(one.bus.links()[0], { lostAtMs: 0 });
    tap.cut();
    await until('both have noticed', () => one.comings.length > 1 && two.comings.length > 1);
    const lost = one.bus.links()[0];
    const isLost = lost?.isConnected === false && lost.lostAtMs >= beforeMs && lost.lostAtMs <= Date.now();
    t.true(lost?.isConnected === true || isLost, JSON.stringify(lost));
  }
  const [link] = one.bus.links();
  t.is(link?.lostAtMs, 0, 'it is there again');
  t.true(link !== undefined && link.heardAtMs >= beforeMs - 1 && link.heardAtMs <= Date.now() + 1);
  t.like(link, { node: 'two', isConnected: true, sentMessages: 2, receivedMessages: 0, droppedMessages: 0 });
  t.true(link !== undefined && link.sentBytes > 2000 && link.sentBytes < 4000, `${link?.sentBytes}`);
  t.true(link !== undefined && link.connectedAtMs >= beforeMs && link.connectedAtMs <= Date.now());
  t.like(
    two.bus.links()[0],
    { node: 'one', receivedMessages: 1, sentMessages: 0 },
    'counted anew: nobody asked for it',
  );
});

test('a bus that is closed lets go of its port, and tells nothing more', async (t) => {
  const one = await startBus(t, 'one');
  const two = await startBus(t, 'two');
  one.dial(two);
  two.dial(one);
  await until('they are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
  one.say('two', 'the last word');
  await one.bus.close();
  t.false(one.comings.includes('-two'));
  await until('the other end has noticed', () => two.comings.includes('-one'));
  t.deepEqual(two.texts, ['the last word']);
  const again = await startBus(t, 'one', { boot: 2, port: one.port });
  t.is(again.port, one.port);
  await until('it is dialled again', () => again.isConnectedTo('two'));
});

test('a port that is taken is named', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const bus = new BusNode('one', { secret: t.title, port });
  await t.throwsAsync(bus.start(), { message: new RegExp(`cannot listen on 127.0.0.1:${port}: .*EADDRINUSE`) });
  await bus.bus.close();
});

test('a seed that is none is named', (t) => {
  t.throws(() => new BusNode('one', { secret: t.title, seeds: ['a:b:c:d:70000x'] }), {
    message: /Not an address of a seed: a:b/,
  });
});
