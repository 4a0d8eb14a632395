import type { Random } from '../../base/ports.ts';
import type { NodeId } from '../identity.ts';
import { type HostPort, parseHostPort } from './bus-address.ts';
import type { BusLimits } from './bus-options.ts';
import { Redial } from './redial.ts';

/** How it went with a connection that this node dialled, told once it is over. */
export interface DialOutcome {
  /** Who was there, when it has shown that. */
  readonly node: NodeId | null;
  /** How long it was open. */
  readonly livedMs: number;
  /** It will not be otherwise soon. */
  readonly isRefusal: boolean;
  /** What was dialled is this very node. */
  readonly isSelf: boolean;
  /** Why it ended, or did not come about. */
  readonly reason: string;
}

export interface DialerHost {
  /** `opened` is called when both ends have shown who they are; `done` once it is over, however far it came. */
  dial(to: HostPort, done: (outcome: DialOutcome) => void, opened?: () => void): void;
  /** Whether a connection to this node that was dialled here is open. */
  isDialled(node: NodeId): boolean;
}

interface Target {
  readonly node: NodeId;
  address: string;
  readonly redial: Redial;
  isBusy: boolean;
  timer: NodeJS.Timeout | null;
}

/** Keeps a connection to each peer, by its address. */
export class Dialer {
  readonly #host: DialerHost;
  readonly #limits: BusLimits;
  readonly #defaultPort: number;
  readonly #random: Random;
  readonly #targets = new Map<NodeId, Target>();

  constructor(host: DialerHost, limits: BusLimits, defaultPort: number, random: Random) {
    this.#host = host;
    this.#limits = limits;
    this.#defaultPort = defaultPort;
    this.#random = random;
  }

  setPeers(peers: ReadonlyMap<NodeId, string>): void {
    for (const [node, target] of this.#targets) {
      if (peers.has(node)) continue;
      if (target.timer !== null) clearTimeout(target.timer);
      this.#targets.delete(node);
    }
    for (const [node, address] of peers) {
      const known = this.#targets.get(node);
      if (known?.address === address) continue;
      const target = known ?? this.#newTarget(node);
      target.address = address;
      target.redial.reset();
      this.#attempt(target);
    }
  }

  /** A connection to `node` that was dialled is gone. */
  lost(node: NodeId): void {
    const target = this.#targets.get(node);
    if (target !== undefined && !target.isBusy && target.timer === null) this.#schedule(target, 0);
  }

  close(): void {
    this.setPeers(new Map());
  }

  #newTarget(node: NodeId): Target {
    const { redialMsFirst, redialMsMax } = this.#limits;
    const redial = new Redial(redialMsFirst, redialMsMax, this.#random);
    const target: Target = { node, address: '', redial, isBusy: false, timer: null };
    this.#targets.set(node, target);
    return target;
  }

  #attempt(target: Target): void {
    if (target.timer !== null) clearTimeout(target.timer);
    target.timer = null;
    const to = parseHostPort(target.address, this.#defaultPort);
    if (target.isBusy || to === null || this.#host.isDialled(target.node)) return;
    target.isBusy = true;
    this.#host.dial(to, ({ livedMs, isRefusal }) => {
      target.isBusy = false;
      if (isRefusal) target.redial.despair();
      if (this.#targets.get(target.node) === target) this.#schedule(target, livedMs);
    });
  }

  #schedule(target: Target, livedMs: number): void {
    target.timer = setTimeout(() => this.#attempt(target), target.redial.delayMs(livedMs));
  }
}
