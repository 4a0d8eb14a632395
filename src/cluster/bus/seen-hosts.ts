import { isLoopback } from '../../base/addresses.ts';
import type { NodeId } from '../identity.ts';

/** At which host other nodes see this one: what to be reached at, when nobody has said. */
export class SeenHosts {
  readonly #hosts = new Map<NodeId, string>();

  note(by: NodeId, host: string): void {
    this.#hosts.delete(by);
    if (host !== '') this.#hosts.set(by, host);
  }

  forget(by: NodeId): void {
    this.#hosts.delete(by);
  }

  /** The host that most have seen; one that others cannot reach only when there is no other. '': nobody has said. */
  get best(): string {
    const votes = new Map<string, number>();
    for (const host of this.#hosts.values()) votes.set(host, (votes.get(host) ?? 0) + 1);
    let best = '';
    let bestScore = -1;
    for (const [host, count] of votes) {
      const score = isLoopback(host) ? 0 : count;
      if (score > bestScore || (score === bestScore && host < best)) {
        best = host;
        bestScore = score;
      }
    }
    return best;
  }
}
