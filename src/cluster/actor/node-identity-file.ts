import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FluxError } from '../../base/errors.ts';
import type { ClusterSettings } from '../controller/cluster-state.ts';
import { validateSettings } from '../controller/settings.ts';
import { isClusterId, type Proposal, proposalFault } from '../founding/founding-message.ts';
import { isNodeId, type NodeId } from '../identity.ts';
import { type Keeping, keepingFault } from './keeping.ts';

/** What a node knows of itself for as long as its directory lasts. */
export interface NodeIdentity {
  readonly node: NodeId;
  /** '' as long as it is of none. */
  readonly clusterId: string;
  /** What this node, as a founder, would create its cluster with; null: it has joined one. */
  readonly settings: ClusterSettings | null;
  /** Whom it has promised itself to while it is of no cluster, or with whom it has founded one. */
  readonly proposal: Proposal | null;
  /** Its log of consensus does not hold yet that it is a founder. */
  readonly isBeginning: boolean;
  /** How its starts have kept their copies on the disk; null: the last one has not. */
  readonly keeping: Keeping | null;
  /** Its cluster has removed it: it is of none any more, and never again under its name. */
  readonly isRemoved: boolean;
}

const NAME = 'node.json';
const VERSION = 1;
const NAME_CHARS_MAX = 48;

/**
 * The file `node.json` of a node's directory, made with a new name for the node if there is none. Throws a
 * {@link FluxError} that names the file when it cannot be read or written, and when it is missing beside a log of
 * consensus: as another node of the same log, this one could vote twice. And one that names the directory when the
 * node's cluster has removed it: started again by whoever watches over the process, it would undo that.
 */
export class NodeIdentityFile {
  readonly #directory: string;
  readonly #path: string;
  #identity: NodeIdentity;

  constructor(directory: string, nodeName: string) {
    this.#directory = resolve(directory);
    this.#path = join(this.#directory, NAME);
    const found = this.#attempt('made', () => {
      mkdirSync(this.#directory, { recursive: true });
      return readdirSync(this.#directory);
    });
    if (found.includes(NAME)) {
      this.#identity = this.#read();
      const { node, clusterId, isRemoved } = this.#identity;
      if (!isRemoved) return;
      throw new FluxError(
        'internal',
        `${node} was removed from cluster ${clusterId}. Empty ${this.#directory} to let it join as a new node.`,
      );
    }
    if (found.some((name) => name.endsWith('.journal'))) {
      throw new FluxError(
        'internal',
        `${this.#path} is missing beside the node's log. Bring it back, or empty the directory to start as a new node.`,
      );
    }
    const node = `${cleaned(nodeName)}-${randomBytes(4).toString('hex')}`;
    this.#identity = {
      node,
      clusterId: '',
      settings: null,
      proposal: null,
      isBeginning: false,
      keeping: null,
      isRemoved: false,
    };
    this.write(this.#identity);
  }

  get identity(): NodeIdentity {
    return this.#identity;
  }

  /** Durable when it returns. */
  write(identity: NodeIdentity): void {
    const temporary = `${this.#path}.tmp`;
    this.#attempt('written', () => {
      const file = openSync(temporary, 'w');
      try {
        writeSync(file, `${JSON.stringify({ version: VERSION, ...identity }, null, 2)}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, this.#path);
      const directory = openSync(this.#directory, 'r');
      try {
        fsyncSync(directory);
      } finally {
        closeSync(directory);
      }
    });
    this.#identity = identity;
  }

  #read(): NodeIdentity {
    const text = this.#attempt('read', () => readFileSync(this.#path, 'utf8'));
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw this.#damaged('it is no JSON', cause);
    }
    const identity = value as NodeIdentity & { version: number };
    const fault = identityFault(identity);
    if (fault !== null) throw this.#damaged(fault);
    const { node, clusterId, settings, proposal, isBeginning, isRemoved } = identity;
    // Files of versions that kept nothing have none.
    const { keeping = null } = identity;
    return { node, clusterId, settings, proposal, isBeginning, keeping, isRemoved };
  }

  #damaged(fault: string, cause?: unknown): FluxError {
    const message = `${this.#path} is damaged: ${fault}. Bring it back, or empty the directory to start as a new node.`;
    return new FluxError('internal', message, { cause });
  }

  #attempt<T>(what: string, act: () => T): T {
    try {
      return act();
    } catch (cause) {
      throw new FluxError('internal', `${this.#path} cannot be ${what}: ${String(cause)}`, { cause });
    }
  }
}

function identityFault(value: NodeIdentity & { version: number }): string | null {
  if (typeof value !== 'object' || value === null) return 'it holds no object';
  if (value.version !== VERSION) return `it is of version ${value.version}, not ${VERSION}`;
  if (typeof value.node !== 'string' || !isNodeId(value.node)) return 'node is no name of a node';
  if (value.clusterId !== '' && !(typeof value.clusterId === 'string' && isClusterId(value.clusterId))) {
    return 'clusterId is none';
  }
  if (value.settings !== null && settingsFault(value.settings) !== null)
    return `settings: ${settingsFault(value.settings)}`;
  if (typeof value.isBeginning !== 'boolean') return 'isBeginning is no boolean';
  const keepingProblem = keepingFault(value.keeping ?? null);
  if (keepingProblem !== null) return `keeping: ${keepingProblem}`;
  if (typeof value.isRemoved !== 'boolean') return 'isRemoved is no boolean';
  if (value.proposal === null) return value.isBeginning ? 'there are no founders' : null;
  if (typeof value.proposal !== 'object' || !Array.isArray(value.proposal.founders)) return 'proposal is none';
  const fault = proposalFault(value.proposal) ?? settingsFault(value.proposal.settings);
  return fault === null ? null : `proposal ${fault}`;
}

function settingsFault(settings: ClusterSettings): string | null {
  return typeof settings === 'object' && settings !== null ? validateSettings(settings, 0).refusal : 'there are none';
}

/** As much of the node's name as may stand in an id. */
function cleaned(nodeName: string): string {
  const name = nodeName
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .slice(0, NAME_CHARS_MAX)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'node' : name;
}
