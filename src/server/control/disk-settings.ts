import { isInCluster } from '../../config/cluster-contradictions.ts';
import type { Config } from '../../config/options.ts';
import type { SyncPolicy } from '../../persistence/log-disk.ts';
import { type SyncPolicyHandle, SyncPolicyWord } from '../../persistence/sync-policy-word.ts';

/** When a snapshot is made: once the last one is so old, if there have been so many changes since. */
export interface SavePoint {
  readonly ageMs: number;
  readonly changes: number;
}

/** What can be changed, while the node runs, of how it keeps its keys on the disk. */
export class DiskSettings {
  savePoints: readonly SavePoint[];
  /** Of the logs since the last snapshot: a larger one is followed by another. */
  logBytesMin: number;
  readonly syncPolicy: SyncPolicyHandle;
  readonly #word: SyncPolicyWord;
  /** Other nodes were told at the start that what this one confirms is on its disk. */
  readonly #isRelied: boolean;

  constructor(config: Config) {
    this.savePoints = savePointsEvery(config.snapshotInterval);
    this.logBytesMin = config.snapshotLogSize;
    this.syncPolicy = SyncPolicyWord.create(config.fsync);
    this.#word = new SyncPolicyWord(this.syncPolicy);
    this.#isRelied = isInCluster(config) && config.fsync === 'always';
  }

  get fsync(): SyncPolicy {
    return this.#word.now;
  }

  set fsync(policy: SyncPolicy) {
    this.#word.now = policy;
  }

  /** Why the policy may not be changed to this one; null: it may. */
  problemOf(policy: SyncPolicy): string | null {
    if (!this.#isRelied || policy === 'always') return null;
    return 'other nodes rely on what this one keeps: start it again with another --fsync';
  }

  /** The age at which a snapshot may be followed by another, if enough has changed; 0: never for that. */
  get intervalMs(): number {
    const [first = 0, ...others] = this.savePoints.map(({ ageMs }) => ageMs);
    return Math.min(first, ...others);
  }

  set intervalMs(ms: number) {
    this.savePoints = savePointsEvery(ms);
  }
}

function savePointsEvery(ms: number): SavePoint[] {
  return ms === 0 ? [] : [{ ageMs: ms, changes: 1 }];
}
