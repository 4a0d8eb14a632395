import type { NodeId } from '../identity.ts';

/** So many names are known again; there are not more nodes. */
const NAMES_MAX = 4096;

interface Known {
  readonly name: NodeId;
  readonly bytes: Uint8Array;
}

/** Reads names of nodes, which are ASCII, without making the same string again for every message. */
export class NodeNames {
  readonly #known = new Map<number, Known[]>();
  #count = 0;

  /** The name that stands at `bytes[at..)`: a byte for its length, and its letters. */
  at(bytes: Uint8Array, at: number): NodeId {
    const length = bytes[at] as number;
    const first = at + 1;
    // The last letters differ where names are numbered or end in random digits.
    const hash = (length << 16) | ((bytes[first + length - 2] ?? 0) << 8) | (bytes[first + length - 1] ?? 0);
    const candidates = this.#known.get(hash);
    for (const known of candidates ?? []) if (isAt(known.bytes, bytes, first)) return known.name;
    const own = bytes.slice(first, first + length);
    const name = String.fromCharCode(...own);
    if (this.#count >= NAMES_MAX) return name;
    this.#count++;
    if (candidates === undefined) this.#known.set(hash, [{ name, bytes: own }]);
    else candidates.push({ name, bytes: own });
    return name;
  }
}

function isAt(name: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < name.length; index++) if (name[index] !== bytes[at + index]) return false;
  return true;
}
