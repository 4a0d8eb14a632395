import { connect, createServer, type Server, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { FaultProxy } from './fault-proxy.ts';
import { FaultTable } from './fault-table.ts';
import { canFindSockets, ownerOfConnection } from './socket-owner.ts';

/** What one end of a connection has seen. */
class End {
  received = Buffer.alloc(0);
  isEnded = false;
  isClosed = false;
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    socket.on('end', () => {
      this.isEnded = true;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  async until(condition: () => boolean, withinMs = 5000): Promise<boolean> {
    const endMs = performance.now() + withinMs;
    while (!condition()) {
      if (performance.now() > endMs) return false;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return true;
  }

  has(text: string, withinMs?: number): Promise<boolean> {
    return this.until(() => this.received.toString() === text, withinMs);
  }
}

interface Rig {
  readonly table: FaultTable;
  readonly proxy: FaultProxy;
  readonly server: Server;
  dial(): Promise<readonly [dialler: End, node: End]>;
}

/** A node `b` behind a proxy, which `a` dials. */
async function rig(t: ExecutionContext, dialerOf = async (): Promise<string | null> => 'a'): Promise<Rig> {
  const accepted: End[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => void accepted.push(new End(socket)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const table = new FaultTable();
  const targetPort = typeof address === 'object' && address !== null ? address.port : 0;
  const proxy = await FaultProxy.start({ owner: 'b', targetPort, table, dialerOf, random: () => 0 });
  t.teardown(async () => {
    await proxy.stop();
    for (const { socket } of accepted) socket.destroy();
    server.close();
  });
  return {
    table,
    proxy,
    server,
    dial: async () => {
      const before = accepted.length;
      const dialler = new End(connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true }));
      await dialler.until(() => accepted.length > before || dialler.isClosed);
      return [dialler, accepted[before] ?? new End(connect({ port: 1, host: '127.0.0.1' }))];
    },
  };
}

test('without a rule everything gets through, both ways, and ends are told', async (t) => {
  const { dial, proxy } = await rig(t);
  const [a, b] = await dial();
  a.socket.write('there');
  b.socket.write('back');
  t.true((await b.has('there')) && (await a.has('back')));
  const large = Buffer.alloc(3_000_000, 'x');
  a.socket.end(large);
  t.true(await b.until(() => b.received.length === 5 + large.length && b.isEnded));
  b.socket.end();
  t.true(await a.until(() => a.isEnded && proxy.connectionCount === 0));
});

test('what is held in one direction goes on in the other, and arrives when it is over', async (t) => {
  const { dial, table } = await rig(t);
  const [a, b] = await dial();
  table.set([['a', 'b']], { kind: 'hold' });
  a.socket.write('one ');
  a.socket.write('two');
  b.socket.write('back');
  t.true(await a.has('back'));
  t.is(b.received.length, 0);
  table.heal();
  t.true(await b.has('one two'));
});

test('the end of a connection is held, too: the other side takes it for open', async (t) => {
  const { dial, table } = await rig(t);
  const [a, b] = await dial();
  a.socket.write('x');
  await b.has('x');
  table.set([['a', 'b']], { kind: 'hold' });
  a.socket.resetAndDestroy();
  t.true(await a.until(() => a.isClosed));
  t.false(await b.until(() => b.isEnded || b.isClosed, 50));
  table.heal();
  t.true(await b.until(() => b.isClosed));
});

test('a cut resets what there is and what comes, until it is healed', async (t) => {
  const { dial, table } = await rig(t);
  const [a, b] = await dial();
  table.set([['b', 'a']], { kind: 'cut' });
  t.true(await a.until(() => a.isClosed && b.isClosed));
  const again = await dial();
  t.true(await again[0].until(() => again[0].isClosed));
  table.heal();
  const [healed, node] = await dial();
  healed.socket.write('back');
  t.true(await node.has('back'));
});

test('delayed bytes arrive late and in order', async (t) => {
  const { dial, table } = await rig(t);
  const [a, b] = await dial();
  table.set([['a', 'b']], { kind: 'delay', ms: 60 });
  const beganMs = performance.now();
  a.socket.write('late ');
  await new Promise((resolve) => setImmediate(resolve));
  a.socket.write('too');
  t.true(await b.has('late too'));
  t.true(performance.now() - beganMs >= 60);
});

test('a trickle lets so many bytes through a second', async (t) => {
  const { dial, table } = await rig(t);
  const [a, b] = await dial();
  table.set([['a', 'b']], { kind: 'trickle', bytesPerS: 1000 });
  const beganMs = performance.now();
  a.socket.write(Buffer.alloc(100, 'x'));
  t.true(await b.until(() => b.received.length === 100));
  t.true(performance.now() - beganMs >= 60);
});

test('whoever is no node of the cluster is let through', async (t) => {
  const { dial, table } = await rig(t, async () => null);
  table.set([['a', 'b']], { kind: 'cut' });
  const [a, b] = await dial();
  a.socket.write('x');
  t.true(await b.has('x'));
});

(canFindSockets ? test : test.skip)('a connection is found to be of the process that dialled it', async (t) => {
  const { dial, proxy } = await rig(t);
  const [a] = await dial();
  const processes = new Map([
    ['init', 1],
    ['self', process.pid],
  ]);
  t.is(await ownerOfConnection(a.socket.localPort ?? 0, proxy.port, processes), 'self');
  t.is(await ownerOfConnection(a.socket.localPort ?? 0, proxy.port, new Map([['init', 1]])), null);
  t.is(await ownerOfConnection(1, 2, processes), null);
});
