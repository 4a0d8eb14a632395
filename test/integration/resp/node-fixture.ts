import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import type { Logger } from '../../../src/base/ports.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { Account } from '../../../src/server/access/access.ts';
import type { RunningNode } from '../../../src/start-node.ts';
import { builtTree } from '../../built-tree.ts';
import { PushClient } from './push-client.ts';

type Start = typeof import('../../../src/start-node.ts');

/** The threads of the built tree start in a third of the time; users are objects of the sources, and want a node of these. */
async function startOf(accounts: readonly Account[]): Promise<Start['startNode']> {
  if (accounts.length > 0) return (await import('../../../src/start-node.ts')).startNode;
  const built: Start = await import(pathToFileURL(join(await builtTree(), 'start-node.js')).href);
  return built.startNode;
}

export interface NodeFixture {
  readonly node: RunningNode;
  /** What the node logged as an error. */
  readonly faults: string[];
  /** What it warned of. */
  readonly warnings: { readonly fields: object; readonly message: string }[];
  /** Connects, for as long as the node runs. */
  connect(resp?: 2 | 3): Promise<PushClient>;
}

/** A test, or all of a file: runs something at its end. */
export interface Scope {
  teardown(end: () => Promise<void>): void;
}

/** Starts a whole node of two small shards on free ports, which is stopped at the end of `scope`. */
export async function startNodeFixture(
  scope: Scope,
  settings: Readonly<Record<string, unknown>> = {},
  accounts: readonly Account[] = [],
): Promise<NodeFixture> {
  const values = new Map<string, unknown>(
    Object.entries({ httpPort: 0, tcpPort: 0, maxMemory: '32mb', shards: 2, ...settings }),
  );
  const machine = { cores: 2, hostName: 'test' };
  const resolution = resolveConfig({
    flags: new Map(),
    environment: new Map(),
    file: { path: 'test', values },
    machine,
  });
  if (resolution.kind === 'problems') throw new Error(resolution.problems.join());
  const faults: string[] = [];
  const warnings: NodeFixture['warnings'] = [];
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields, message) => void warnings.push({ fields, message }),
    error: (fields, message) => void faults.push(`${message} ${JSON.stringify(fields)}`),
  };
  const startNode = await startOf(accounts);
  const node = await startNode(resolution.resolved.config, accounts, '0.0.0', log);
  const clients: PushClient[] = [];
  scope.teardown(async () => {
    for (const client of clients) client.close();
    await node.stop();
  });
  return {
    node,
    faults,
    warnings,
    async connect(resp = 3) {
      const client = await PushClient.open(node.tcpPort, resp);
      clients.push(client);
      return client;
    },
  };
}

/** One node for all tests of a file, started when the first asks for it. */
export function sharedNode(settings: Readonly<Record<string, unknown>> = {}): () => Promise<NodeFixture> {
  const ends: (() => Promise<void>)[] = [];
  let node: Promise<NodeFixture> | null = null;
  test.after.always(async () => {
    for (const end of ends) await end();
  });
  return () => {
    node ??= startNodeFixture({ teardown: (end) => void ends.push(end) }, settings);
    return node;
  };
}
