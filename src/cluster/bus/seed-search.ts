import type { Random } from '../../base/ports.ts';
import type { NodeId } from '../identity.ts';
import { formatHostPort, type HostPort, type Seed } from './bus-address.ts';
import type { BusLimits } from './bus-options.ts';
import type { DialerHost, DialOutcome } from './dialer.ts';
import { Redial } from './redial.ts';
import { type NameService, resolveSeed } from './seed-resolver.ts';

export interface SeedSearchHost extends DialerHost {
  /** Whether any node is connected: then there is no hurry. */
  isConnected(): boolean;
  /** The seed's name is not known. */
  unresolved(seed: Seed, error: unknown): void;
}

/**
 * Dials what the seeds stand for, again and again: names are resolved in each round, so that nodes are found wherever
 * they moved to. An address whose node is connected, or that is this very node, is left alone.
 */
export class SeedSearch {
  readonly #seeds: readonly Seed[];
  readonly #host: SeedSearchHost;
  readonly #limits: BusLimits;
  readonly #names: NameService;
  readonly #random: Random;
  readonly #redial: Redial;
  /** By address: dialled, and not over yet. */
  readonly #busy = new Set<string>();
  /** By address: who was there; null: this very node. */
  #found = new Map<string, NodeId | null>();
  /** By address, or by the name of a seed: why it was not reached when it was tried last. */
  readonly #troubles = new Map<string, string>();
  /** Names that were not known in the last round. */
  readonly #unresolved = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  #isRunning = false;

  constructor(seeds: readonly Seed[], host: SeedSearchHost, limits: BusLimits, names: NameService, random: Random) {
    this.#seeds = seeds;
    this.#host = host;
    this.#limits = limits;
    this.#names = names;
    this.#random = random;
    this.#redial = new Redial(limits.redialMsFirst, limits.redialMsMax, random);
  }

  /** Seeds that were not reached when they were tried last, and why: names that are not known, addresses without answer. */
  get troubles(): ReadonlyMap<string, string> {
    return this.#troubles;
  }

  /** Begins, or goes on at once: as after the last connection was lost. */
  hurry(): void {
    this.#redial.reset();
    this.#schedule(this.#redial.delayMs());
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed || this.#isRunning || this.#seeds.length === 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#round(), delayMs);
  }

  async #round(): Promise<void> {
    this.#isRunning = true;
    const resolved = await Promise.all(this.#seeds.map((seed) => this.#resolve(seed)));
    this.#isRunning = false;
    if (this.#isClosed) return;
    const addresses = new Map(resolved.flat().map((to) => [formatHostPort(to), to]));
    this.#found = new Map([...this.#found].filter(([address]) => addresses.has(address)));
    for (const place of this.#troubles.keys()) {
      if (!addresses.has(place) && !this.#unresolved.has(place)) this.#troubles.delete(place);
    }
    for (const [address, to] of addresses) this.#look(address, to);
    this.#schedule(this.#delayMs());
  }

  async #resolve(seed: Seed): Promise<HostPort[]> {
    try {
      const found = await resolveSeed(seed, this.#names);
      this.#unresolved.delete(nameOf(seed));
      return found;
    } catch (error) {
      this.#unresolved.add(nameOf(seed));
      this.#troubles.set(nameOf(seed), error instanceof Error ? error.message : String(error));
      if (!this.#isClosed) this.#host.unresolved(seed, error);
      return [];
    }
  }

  #look(address: string, to: HostPort): void {
    const found = this.#found.get(address);
    if (this.#busy.has(address)) return;
    if (found === null || (found !== undefined && this.#host.isDialled(found))) return;
    this.#busy.add(address);
    const done = ({ node, isSelf, reason }: DialOutcome): void => {
      this.#busy.delete(address);
      if (isSelf) this.#found.set(address, null);
      else if (node !== null) this.#found.set(address, node);
      else this.#found.delete(address);
      // Of a node that is connected already there is nothing wrong with another address.
      if (isSelf || (node !== null && this.#host.isDialled(node))) this.#troubles.delete(address);
      else this.#troubles.set(address, reason);
    };
    this.#host.dial(to, done, () => this.#troubles.delete(address));
  }

  #delayMs(): number {
    if (!this.#host.isConnected()) return this.#redial.delayMs();
    // What was taken for this very node is looked at again: an address may go to another one.
    const { seedMsMax } = this.#limits;
    return seedMsMax * (0.5 + this.#random.nextUint32() / 2 ** 33);
  }
}

/** As the seed was written, but for its port. */
export function nameOf(seed: Seed): string {
  return seed.kind === 'srv' ? `srv:${seed.name}` : seed.host;
}
