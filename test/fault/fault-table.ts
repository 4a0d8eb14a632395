/** What becomes of the bytes that flow from one node to another. */
export type FlowRule =
  | { readonly kind: 'pass' }
  /** Each piece arrives so much later, up to twice as much. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** So many bytes a second get through. */
  | { readonly kind: 'trickle'; readonly bytesPerS: number }
  /** Nothing gets through, the end of a connection neither: the other side takes it for open. What was sent arrives once this is over. */
  | { readonly kind: 'hold' }
  /** Connections are reset, and new ones as well. */
  | { readonly kind: 'cut' };

const pass: FlowRule = { kind: 'pass' };

/** Which rule holds between which nodes, in each direction. Whoever is no node of the cluster is let through. */
export class FaultTable {
  readonly #rules = new Map<string, FlowRule>();
  readonly #listeners = new Set<() => void>();

  rule(from: string, to: string): FlowRule {
    return this.#rules.get(`${from}>${to}`) ?? pass;
  }

  /** Called after any rule has changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  set(flows: Iterable<readonly [from: string, to: string]>, rule: FlowRule): void {
    for (const [from, to] of flows) this.#rules.set(`${from}>${to}`, rule);
    for (const listener of this.#listeners) listener();
  }

  heal(): void {
    this.#rules.clear();
    for (const listener of this.#listeners) listener();
  }
}

/** Everything between one node and the others, both ways. */
export function allOf(node: string, others: readonly string[]): [string, string][] {
  return [...outOf(node, others), ...into(node, others)];
}

export function outOf(node: string, others: readonly string[]): [string, string][] {
  return others.filter((other) => other !== node).map((other) => [node, other]);
}

export function into(node: string, others: readonly string[]): [string, string][] {
  return others.filter((other) => other !== node).map((other) => [other, node]);
}
