import type { ExecutionContext } from 'ava';
import type { BusChannel, BusHello } from '../../../../src/cluster/bus/bus.ts';
import { type BusLimits, type BusTls, busOptions } from '../../../../src/cluster/bus/bus-options.ts';
import type { NameService } from '../../../../src/cluster/bus/seed-resolver.ts';
import { SocketBus } from '../../../../src/cluster/bus/socket-bus.ts';

/** Times that are short, and long enough for a machine that runs other tests too. */
export const testLimits: Partial<BusLimits> = { redialMsFirst: 5, redialMsMax: 100, seedMsMax: 200 };

interface Given {
  readonly boot?: number;
  readonly clusterId?: string;
  /** One for each test: ports are used again, and nodes of another test may dial them. */
  readonly secret: string;
  readonly port?: number;
  readonly seeds?: readonly string[];
  readonly defaultPort?: number;
  readonly messageBytesMax?: number;
  readonly limits?: Partial<BusLimits>;
  readonly tls?: BusTls | null;
  readonly names?: NameService;
}

export interface Received {
  readonly from: string;
  readonly channel: BusChannel;
  readonly text: string;
}

/** A bus on a port of its own, and all that it told. */
export class BusNode {
  readonly bus: SocketBus;
  readonly node: string;
  readonly boot: number;
  clusterId: string;
  port = 0;
  readonly received: Received[] = [];
  /** `+NODE` and `-NODE`. */
  readonly comings: string[] = [];
  batches = 0;
  /** Warnings of the log: the message, the reason that is given, and the rest. */
  readonly warnings: { message: string; reason: string; fields: object }[] = [];
  /** Reasons for which a node is not connected any more. */
  readonly partings: string[] = [];
  onReceived: (from: string, channel: BusChannel, bytes: Uint8Array) => void = () => undefined;

  constructor(node: string, given: Given) {
    this.node = node;
    this.boot = given.boot ?? 1;
    this.clusterId = given.clusterId ?? '';
    const warn = (fields: object, message: string): void => {
      this.warnings.push({ message, fields, reason: 'reason' in fields ? String(fields.reason) : '' });
    };
    const info = (fields: object): void => {
      if ('reason' in fields) this.partings.push(String(fields.reason));
    };
    const options = busOptions({
      host: '127.0.0.1',
      port: given.port ?? 0,
      secret: given.secret,
      seeds: given.seeds ?? [],
      defaultPort: given.defaultPort ?? 17_379,
      messageBytesMax: given.messageBytesMax ?? 4 << 20,
      tls: given.tls ?? null,
      log: { debug: info, info, warn, error: warn },
      limits: { ...testLimits, ...given.limits },
    });
    const host = {
      hello: () => this.hello,
      connected: (peer: BusHello) => void this.comings.push(`+${peer.node}`),
      disconnected: (peer: string) => void this.comings.push(`-${peer}`),
      received: (from: string, channel: BusChannel, bytes: Uint8Array) => {
        this.received.push({ from, channel, text: Buffer.from(bytes).toString('latin1') });
        this.onReceived(from, channel, bytes);
      },
      batchEnded: () => void this.batches++,
    };
    this.bus = new SocketBus(options, host, given.names);
  }

  get hello(): BusHello {
    return { node: this.node, boot: this.boot, address: this.address, clusterId: this.clusterId };
  }

  get address(): string {
    return this.port === 0 ? '' : `127.0.0.1:${this.port}`;
  }

  get texts(): string[] {
    return this.received.map(({ text }) => text);
  }

  get reasons(): string[] {
    return this.warnings.map(({ reason }) => reason);
  }

  async start(): Promise<this> {
    this.port = await this.bus.start();
    return this;
  }

  isConnectedTo(...nodes: string[]): boolean {
    return nodes.every((node) => this.bus.connected.has(node));
  }

  say(to: string, text: string, channel: BusChannel = 0): boolean {
    const isTaken = this.bus.send(to, channel, Buffer.from(text, 'latin1'));
    this.bus.flush();
    return isTaken;
  }

  /** Keeps connections to these, at the ports they listen on. */
  dial(...others: readonly BusNode[]): void {
    this.bus.setPeers(new Map(others.map(({ node, address }) => [node, address])));
  }
}

/** Starts a bus that is closed with the test. */
export async function startBus(t: ExecutionContext, node: string, given: Partial<Given> = {}): Promise<BusNode> {
  const made = new BusNode(node, { secret: t.title, ...given });
  t.teardown(() => made.bus.close());
  return await made.start();
}

/** Resolves once `condition` holds; rejects after `withinMs`. */
export async function until(what: string, condition: () => boolean, withinMs = 10_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
