import type { ClusterView } from '../../cluster/actor/cluster-view.ts';
import type { ClusterCommand } from '../../cluster/controller/cluster-command.ts';
import type { ClusterSettings, ClusterState, NodeEntry } from '../../cluster/controller/cluster-state.ts';
import { targetsFault, validateSettings } from '../../cluster/controller/settings.ts';
import type { ClusterAnswer } from '../../command/cluster-port.ts';
import { totalsOf } from './cluster-report.ts';
import { nodeHexId } from './node-hex-id.ts';

/** Fields of each request and their types; `!` marks those that must be given. */
const requests = {
  drain: { 'node!': 'string' },
  undrain: { 'node!': 'string' },
  remove: { 'node!': 'string', force: 'boolean' },
  rebalance: {},
  failover: { 'node!': 'string' },
  settings: { copies: 'number', minInSync: 'number', onLoss: 'string' },
  reset: { 'partition!': 'number', givesUp: 'boolean' },
} as const satisfies Record<string, Readonly<Record<string, 'string' | 'number' | 'boolean'>>>;

export type ClusterVerb = keyof typeof requests;

export const clusterVerbs = Object.keys(requests) as ClusterVerb[];

/** What whoever removes a node should know, beside the removal: only who is there learns of it. */
function whatFollows({ isFenced }: NodeEntry): string {
  return isFenced
    ? 'started again with its data directory, it joins again'
    : 'its process then ends by itself, and starts again only with an empty data directory';
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * What administrators ask of a cluster: each request becomes commands of the configuration, and is answered once the
 * controller has decided. What follows from that (copies that move, primaries that change) goes on afterwards.
 */
export class ClusterRequests {
  readonly #view: ClusterView;

  constructor(view: ClusterView) {
    this.#view = view;
  }

  /** Never rejects. */
  async run(verb: string, text: string): Promise<ClusterAnswer> {
    const name = clusterVerbs.find((known) => known === verb);
    if (name === undefined) {
      return refusal('invalid-argument', `there is no '${short(verb)}'; there are ${clusterVerbs.join(', ')}`);
    }
    const fields = fieldsOf(text, requests[name]);
    if (typeof fields === 'string') return refusal('invalid-argument', fields);
    if (this.#view.state.settings === null) {
      return refusal('not-ready', 'this node waits for the cluster: it is of none yet');
    }
    switch (name) {
      case 'rebalance':
        return this.#rebalance();
      case 'settings':
        return this.#settings(fields);
      case 'reset':
        return this.#reset(Number(fields['partition']), fields['givesUp'] === true);
      default: {
        const node = nodeNamed(this.#view.state, String(fields['node']));
        if (typeof node === 'string') return refusal('invalid-argument', node);
        return this.#onNode(name, node, fields['force'] === true);
      }
    }
  }

  #onNode(
    verb: 'drain' | 'undrain' | 'remove' | 'failover',
    node: NodeEntry,
    isForced: boolean,
  ): Promise<ClusterAnswer> {
    switch (verb) {
      case 'drain':
        return this.#drain(node);
      case 'undrain':
        return this.#undrain(node);
      case 'remove':
        return this.#remove(node, isForced);
      default:
        return this.failover(node);
    }
  }

  #drain({ id, boot, isDraining, isLeaving }: NodeEntry): Promise<ClusterAnswer> {
    if (isDraining && !isLeaving) {
      return Promise.resolve(unchanged(`${id} is being drained already: ${this.#copiesOn(id)}`));
    }
    const command: ClusterCommand = { type: 'drain', node: id, boot, isDraining: true, leaves: false };
    return this.#submit(command, 'accepted', () => {
      return `${id} is being drained, and stays a member without copies: ${this.#copiesOn(id)}`;
    });
  }

  /** Ends a drain, a removal and a failover, whichever there is. */
  async #undrain({ id, boot, isDraining, life }: NodeEntry): Promise<ClusterAnswer> {
    const commands: ClusterCommand[] = [];
    if (isDraining) commands.push({ type: 'drain', node: id, boot, isDraining: false, leaves: false });
    if (life === 'stopping') commands.push({ type: 'resume', node: id, boot });
    let answer = unchanged(`${id} is not being drained`);
    for (const command of commands) {
      answer = await this.#submit(command, 'applied', () => `${id} takes copies and primaries again`);
      if (answer.type === 'refused') return answer;
    }
    return answer;
  }

  /** An empty node is removed now, any other once it is drained: the controller does that by itself. */
  async #remove(node: NodeEntry, isForced: boolean): Promise<ClusterAnswer> {
    const { id, boot, isLeaving, isFenced } = node;
    if (this.#countOn(id) === 0) {
      return this.#submit({ type: 'remove', node: id }, 'applied', () => `${id} is removed; ${whatFollows(node)}`);
    }
    if (isForced && !isFenced) {
      return refusal('conflict', `${id} is alive, so nothing on it has to be given up; remove it without force`);
    }
    if (!isLeaving) {
      const command: ClusterCommand = { type: 'drain', node: id, boot, isDraining: true, leaves: true };
      const answer = await this.#submit(command, 'accepted', () => '');
      if (answer.type === 'refused') return answer;
    }
    const lost = isForced ? this.#lastOn(id) : [];
    for (const { partition, version } of lost) {
      const answer = await this.#submit({ type: 'reset', partition, version, givesUp: true }, 'applied', () => '');
      if (answer.type === 'refused') return answer;
    }
    const given = lost.length === 0 ? '' : `; the last copies of ${lost.length} partitions are given up`;
    return done('accepted', `${id} is removed once it is drained: ${this.#copiesOn(id)}${given}; ${whatFollows(node)}`);
  }

  async failover({ id, boot, life }: NodeEntry): Promise<ClusterAnswer> {
    const { partitions } = this.#view.state;
    const own = partitions.filter(({ primary }) => primary === id);
    if (own.length === 0) return unchanged(`${id} is primary of nothing`);
    if (life !== 'running') return unchanged(`${id} is giving its primaries away already: ${own.length} are left`);
    const alone = own.filter(({ inSync }) => inSync.length < 2).length;
    if (alone === own.length) {
      return refusal(
        'conflict',
        `no other node has an in-sync copy of what ${id} is primary of; wait for one, or add a node`,
      );
    }
    const kept = alone === 0 ? '' : `; ${alone} of them once another copy is in sync`;
    return this.#submit(
      { type: 'stop', node: id, boot, isOver: false },
      'accepted',
      () => `${id} gives ${own.length} primaries away, until it is started again or undrained${kept}`,
    );
  }

  #rebalance(): Promise<ClusterAnswer> {
    const { total, misplaced } = totalsOf(this.#view.state);
    return Promise.resolve(
      misplaced === 0
        ? unchanged(`all ${total} partitions are where they should be`)
        : done('accepted', `${misplaced} of ${total} partitions are on their way to where they should be`),
    );
  }

  async #settings(fields: Fields): Promise<ClusterAnswer> {
    const { settings, nodes } = this.#view.state;
    if (settings === null) return refusal('not-ready', 'there is no cluster yet');
    const { onLoss = settings.onLoss } = fields;
    if (onLoss !== 'offline' && onLoss !== 'reset') {
      return refusal('invalid-argument', `onLoss is '${short(String(onLoss))}'; allowed are 'offline' and 'reset'`);
    }
    const wanted: ClusterSettings = {
      ...settings,
      copies: Number(fields['copies'] ?? settings.copies),
      minInSync: Number(fields['minInSync'] ?? settings.minInSync),
      onLoss,
    };
    const fault = targetsFault(wanted);
    if (fault !== null) return refusal('invalid-argument', fault);
    const { copies, minInSync } = wanted;
    const text = `copies ${copies}, minInSync ${minInSync}, onLoss ${onLoss}`;
    if (copies === settings.copies && minInSync === settings.minInSync && onLoss === settings.onLoss) {
      return unchanged(`the settings are so already: ${text}`);
    }
    const { warnings } = validateSettings(wanted, nodes.size);
    const command: ClusterCommand = { type: 'set-settings', copies, minInSync, onLoss };
    return this.#submit(command, 'applied', () => [text, ...warnings].join('; '));
  }

  async #reset(partition: number, givesUp: boolean): Promise<ClusterAnswer> {
    const entry = this.#view.state.partitions[partition];
    if (entry === undefined) {
      return refusal(
        'invalid-argument',
        `there is no partition ${partition}; the last is ${this.#view.state.partitions.length - 1}`,
      );
    }
    const command: ClusterCommand = { type: 'reset', partition, version: entry.version, givesUp };
    return this.#submit(command, 'applied', () => `partition ${partition} begins empty`);
  }

  async #submit(
    command: ClusterCommand,
    result: 'applied' | 'accepted',
    message: () => string,
  ): Promise<ClusterAnswer> {
    const answer = await this.#view.submit(command);
    switch (answer.type) {
      case 'applied':
        return done(result, message());
      case 'refused':
        return refusal(answer.isRetryable ? 'try-again' : 'conflict', answer.reason);
      case 'unknown':
        return refusal('indeterminate', 'the controller has not answered; the change may still be made');
    }
  }

  /** Partitions with a copy on the node, or placed there. */
  #countOn(node: string): number {
    return this.#view.state.partitions.filter(
      ({ inSync, replicas }) => replicas.includes(node) || inSync.some((member) => member.node === node),
    ).length;
  }

  #copiesOn(node: string): string {
    const count = this.#countOn(node);
    return count === 1 ? '1 copy is left on it' : `${count} copies are left on it`;
  }

  /** Offline partitions whose last copy is on the node. */
  #lastOn(node: string): { readonly partition: number; readonly version: number }[] {
    return this.#view.state.partitions.flatMap(({ primary, inSync, version }, partition) =>
      primary === null && inSync.some((member) => member.node === node) ? [{ partition, version }] : [],
    );
  }
}

/** The node of this id, id in 40 digits, or address, or the only one whose id begins so; else what is wrong. */
function nodeNamed({ nodes }: ClusterState, name: string): NodeEntry | string {
  const all = [...nodes.values()];
  const isMeant = ({ id, address, endpoints }: NodeEntry): boolean =>
    [id, nodeHexId(id), address, endpoints.tcp, endpoints.http, endpoints.link].includes(name);
  const exact = all.filter(isMeant);
  const found = exact.length > 0 ? exact : all.filter(({ id }) => name !== '' && id.startsWith(name));
  const [node] = found;
  if (node !== undefined && found.length === 1) return node;
  const ids = (found.length > 1 ? found : all).map(({ id }) => id).join(', ');
  return found.length > 1 ? `'${short(name)}' is one of ${ids}` : `there is no node '${short(name)}'; there are ${ids}`;
}

/** The fields of a JSON object; else what is wrong with it. */
function fieldsOf(text: string, form: Readonly<Record<string, string>>): Fields | string {
  let value: unknown;
  try {
    value = JSON.parse(text === '' ? '{}' : text);
  } catch {
    return 'the fields are no JSON text';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'the fields are given as a JSON object';
  const fields: Record<string, unknown> = Object.create(null);
  for (const [name, given] of Object.entries(value)) {
    const type = form[name] ?? form[`${name}!`];
    const names = Object.keys(form).map((known) => known.replace('!', ''));
    if (!names.includes(name))
      return `there is no field '${short(name)}' here; there are ${names.join(', ') || 'none'}`;
    if (typeof given !== type) return `the field '${name}' is a ${type}`;
    fields[name] = given;
  }
  const missing = Object.keys(form).find((name) => name.endsWith('!') && !(name.slice(0, -1) in fields));
  return missing === undefined ? fields : `the field '${missing.slice(0, -1)}' is missing`;
}

function short(text: string): string {
  return text.slice(0, 64).replaceAll(/\p{Cc}/gu, ' ');
}

function done(result: 'applied' | 'accepted', message: string): ClusterAnswer {
  return { type: 'done', result, message };
}

function unchanged(message: string): ClusterAnswer {
  return { type: 'done', result: 'unchanged', message };
}

function refusal(code: Extract<ClusterAnswer, { type: 'refused' }>['code'], message: string): ClusterAnswer {
  return { type: 'refused', code, message };
}
