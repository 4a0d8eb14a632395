import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

/** What is told of a node. */
export interface AdminNode {
  id: string;
  health: string;
  isDraining: boolean;
  primaries: number;
  replicas: number;
  filling: number;
  placed: number;
  isSelf?: boolean;
  tcp: string;
}

/** A server that tells of a cluster as it is told to, and takes down what it is asked for. */
export class ScriptedAdmin {
  readonly port: number;
  readonly asked: string[] = [];
  nodes: AdminNode[] = [];
  moves = 0;
  isOfCluster = true;
  /** Knows no CLUSTER REPORT, as Redis. */
  refusesReports = false;
  /** Called with each report, which may change what it tells. */
  onReport: () => void = () => undefined;
  answer: (words: readonly string[]) => string = () => '+OK\r\n';
  readonly sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(t: ExecutionContext): Promise<ScriptedAdmin> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const admin = new ScriptedAdmin(server);
    server.on('connection', (socket) => admin.#serve(socket));
    t.teardown(() => admin.stop());
    return admin;
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    // One command at a time, and each in one chunk: the program waits for every answer.
    socket.on('data', (bytes) => {
      const words = bytes
        .toString()
        .split('\r\n')
        .filter((line, at) => at > 0 && at % 2 === 0 && line !== '');
      this.asked.push(words.join(' '));
      const [name, verb] = words;
      if (this.refusesReports && name === 'CLUSTER')
        socket.write("-ERR unknown subcommand 'REPORT'. Try CLUSTER HELP.\r\n");
      else if (name === 'CLUSTER' && verb === 'REPORT') {
        this.onReport();
        socket.write(bulk(JSON.stringify(this.#report())));
      } else if (name === 'CLUSTER' && verb === 'CONTROL') {
        const reply = this.answer(words);
        socket.write(
          reply.startsWith('-') ? reply : bulk(JSON.stringify({ ok: true, message: `asked for ${words[2]}` })),
        );
      } else socket.write(this.answer(words));
    });
  }

  #report(): unknown {
    if (!this.isOfCluster) return { clusterId: '', self: null, nodes: [] };
    return {
      clusterId: 'ab'.repeat(20),
      self: 'n1-aaaa',
      leader: 'n1-aaaa',
      term: 4,
      settings: { partitions: 64, copies: 2, minInSync: 1, onLoss: 'offline', leaseMs: 700 },
      nodes: this.nodes.map((node) => ({ ...node, redisId: '', bus: `bus-of-${node.id}`, http: '', boot: 3 })),
      partitions: {
        total: 64,
        online: 64,
        offline: 0,
        underReplicated: 0,
        soleCopy: 0,
        misplaced: this.moves,
        epochMax: 9,
        losses: 0,
      },
      rebalance: { moves: this.moves, isBalanced: this.moves === 0 },
      lacks: [],
      table: [{ partition: 0, slots: [0, 255], primary: 'n1-aaaa', epoch: 9, inSync: ['n1-aaaa'], replicas: [] }],
    };
  }
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

export function nodeOf(id: string, tcp: string, primaries = 32): AdminNode {
  return { id, tcp, health: 'up', isDraining: false, primaries, replicas: 32, filling: 0, placed: 64 };
}
