import { createHash } from 'node:crypto';
import type { NodeId } from '../../cluster/identity.ts';

const known = new Map<NodeId, string>();
/** Nodes that were ever heard of; beyond, they are counted anew. */
const KNOWN_MAX = 4096;

/** The name of a node as Redis has names: 40 hexadecimal digits, the same on every node. */
export function nodeHexId(node: NodeId): string {
  let id = known.get(node);
  if (id === undefined) {
    id = createHash('sha1').update(node).digest('hex');
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(node, id);
  }
  return id;
}
