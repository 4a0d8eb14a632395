import { SLOT_COUNT, slotOf } from '../base/slot.ts';
import { addressText, isPort, type NodeAddress } from './node-address.ts';
import { decodeArray, unexpectedResult } from './operation.ts';
import type { Key } from './values.ts';

/** Nodes that have a slot. */
export interface SlotOwners {
  /** Takes its writes. */
  readonly primary: NodeAddress;
  /** Have copies of it. */
  readonly replicas: readonly NodeAddress[];
}

/** Text up to so many UTF-16 units is encoded without a buffer of its own. */
const SCRATCH_UNITS = 256;
const scratch = Buffer.allocUnsafe(SCRATCH_UNITS * 3);
const NOBODY = 0xffff;

/** The slot of a key: text stands for its UTF-8 bytes. */
export function slotOfKey(key: Key): number {
  if (typeof key !== 'string') return slotOf(key, 0, key.length);
  if (key.length <= SCRATCH_UNITS) return slotOf(scratch, 0, scratch.write(key));
  const bytes = Buffer.from(key);
  return slotOf(bytes, 0, bytes.length);
}

/** Which node has which slots, as one node told it. It may be out of date, and single slots are corrected. */
export class SlotMap {
  /** Every node once, primaries first. */
  readonly nodes: readonly NodeAddress[];
  /** Distinct owners, and for each slot its index among them, or NOBODY. */
  readonly #owners: SlotOwners[];
  readonly #indexes: Uint16Array;
  #isCorrected = false;

  private constructor(owners: SlotOwners[], indexes: Uint16Array) {
    this.#owners = owners;
    this.#indexes = indexes;
    const all = [...owners.map(({ primary }) => primary), ...owners.flatMap(({ replicas }) => replicas)];
    this.nodes = [...new Map(all.map((node) => [addressText(node), node])).values()];
  }

  /**
   * Reads what CLUSTER SLOTS answers: `[first, last, [host, port, …], replicas…]` for each range.
   * @param asked the host of the node that answered, which an empty host stands for
   * @throws FluxCacheError `unexpected-result` for anything else, for ranges that overlap, and for none at all
   */
  static read(answer: unknown, asked: string): SlotMap {
    const owners: SlotOwners[] = [];
    const indexes = new Uint16Array(SLOT_COUNT).fill(NOBODY);
    const known = new Map<string, number>();
    for (const range of decodeArray(answer)) {
      const [first, last, ...nodes] = decodeArray(range);
      if (!isSlot(first) || !isSlot(last) || last < first) throw unexpectedResult('ranges of slots');
      const [primary, ...others] = nodes.map((node) => addressOf(node, asked));
      if (primary === undefined) throw unexpectedResult('ranges of slots');
      // Whose address nobody knows: as if the slots were nobody's.
      if (primary === null) continue;
      const replicas = others.filter((node) => node !== null);
      const text = textOf({ primary, replicas });
      let index = known.get(text);
      if (index === undefined) {
        index = owners.push({ primary, replicas }) - 1;
        known.set(text, index);
      }
      for (let slot = first; slot <= last; slot++) {
        if (indexes[slot] !== NOBODY) throw unexpectedResult('ranges of slots that do not overlap');
        indexes[slot] = index;
      }
    }
    if (owners.length === 0) throw unexpectedResult('a node that has slots');
    return new SlotMap(owners, indexes);
  }

  /** Null: the slot is nobody's, as far as that node knew. */
  ownersOf(slot: number): SlotOwners | null {
    return this.#owners[this.#indexes[slot] as number] ?? null;
  }

  /** Takes down that another node has become the primary of a slot; the map as a whole is to be asked for again. */
  correct(slot: number, primary: NodeAddress): void {
    if (slot >= SLOT_COUNT || this.#owners.length >= NOBODY) return;
    const text = addressText(primary);
    let index = this.#owners.findIndex((each) => each.replicas.length === 0 && addressText(each.primary) === text);
    if (index < 0) index = this.#owners.push({ primary, replicas: [] }) - 1;
    this.#indexes[slot] = index;
    this.#isCorrected = true;
  }

  /** Those who have a slot, as text. */
  primaries(): ReadonlySet<string> {
    const found = new Set<string>();
    for (const index of new Set(this.#indexes)) {
      const owners = this.#owners[index];
      if (owners !== undefined) found.add(addressText(owners.primary));
    }
    return found;
  }

  /** Whether all slots are where the other map has them. */
  equals(other: SlotMap): boolean {
    if (this.#isCorrected || other.#isCorrected) return false;
    if (this.#owners.length !== other.#owners.length) return false;
    // Owners are numbered in the order of their first slots, so that equal maps have equal numbers.
    return (
      this.#owners.every((owners, index) => textOf(owners) === textOf(other.#owners[index])) &&
      Buffer.from(this.#indexes.buffer).equals(Buffer.from(other.#indexes.buffer))
    );
  }
}

function textOf(owners: SlotOwners | undefined): string {
  return owners === undefined ? '' : [owners.primary, ...owners.replicas].map(addressText).join(' ');
}

function isSlot(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < SLOT_COUNT;
}

/** Null for a node whose address is not known to the one that was asked. */
function addressOf(node: unknown, asked: string): NodeAddress | null {
  const [host, port] = decodeArray(node);
  if (typeof host !== 'string' && host !== null) throw unexpectedResult('the host of a node');
  if (host === '?' || port === 0) return null;
  if (!isPort(port)) throw unexpectedResult('the port of a node');
  return { host: host === null || host === '' ? asked : host, port };
}
