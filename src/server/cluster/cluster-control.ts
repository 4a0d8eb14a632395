import { monotonicMs } from '../../base/monotonic.ts';
import type { ClusterView } from '../../cluster/actor/cluster-view.ts';
import type { ClusterAnswer, ClusterDescription, ClusterPort } from '../../command/cluster-port.ts';
import { ClusterDescriber, type OwnAddress } from './cluster-describer.ts';
import { clusterReport } from './cluster-report.ts';
import { ClusterRequests } from './cluster-requests.ts';
import { nodeHexId } from './node-hex-id.ts';

/** How often it is asked whether an answer is still wanted. */
const LOOK_MS = 100;
/** As long as a timer can be. */
const WAIT_MS_MAX = 2 ** 31 - 1;

/** The cluster this node is one of, for commands and HTTP. Used on the main thread only. */
export class ClusterControl implements ClusterPort {
  readonly isEnabled = true;
  readonly #view: ClusterView;
  readonly #describer: ClusterDescriber;
  readonly #requests: ClusterRequests;

  constructor(view: ClusterView, own: () => OwnAddress) {
    this.#view = view;
    this.#describer = new ClusterDescriber(view, own);
    this.#requests = new ClusterRequests(view);
  }

  describe(): ClusterDescription {
    return this.#describer.describe(this.#view.gates.leaseLeftMs(monotonicMs()) > 0);
  }

  get copiesInSync(): number {
    let fewest = Number.POSITIVE_INFINITY;
    for (const { primary, inSync } of this.#view.state.partitions) {
      if (primary !== null) fewest = Math.min(fewest, inSync.length - 1);
    }
    return Number.isFinite(fewest) ? fewest : 0;
  }

  whenInSync(count: number, timeoutMs: number, isWanted: () => boolean): Promise<number> {
    return new Promise((resolve) => {
      const startMs = monotonicMs();
      const endsAtMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : startMs + Math.min(timeoutMs, WAIT_MS_MAX);
      const look = (): void => {
        if (this.copiesInSync < count && monotonicMs() < endsAtMs && isWanted()) return;
        clearInterval(timer);
        forget();
        resolve(this.copiesInSync);
      };
      const timer = setInterval(look, LOOK_MS);
      const forget = this.#view.onChange(look);
      if (timeoutMs > 0 && timeoutMs < LOOK_MS) setTimeout(look, timeoutMs);
    });
  }

  report(withPartitions: boolean): string {
    return JSON.stringify(clusterReport(this.#view, withPartitions));
  }

  control(verb: string, fields: string): Promise<ClusterAnswer> {
    return this.#requests.run(verb, fields);
  }

  takeOver(): Promise<ClusterAnswer> {
    const wanted = this.describe().self.primary;
    const node = [...this.#view.state.nodes.values()].find(({ id }) => nodeHexId(id) === wanted);
    if (node !== undefined) return this.#requests.failover(node);
    const message = 'You should send CLUSTER FAILOVER to a replica';
    return Promise.resolve({ type: 'refused', code: 'bad-request', message });
  }

  forget(id: string): Promise<ClusterAnswer> {
    return this.#requests.run('remove', JSON.stringify({ node: id }));
  }
}
