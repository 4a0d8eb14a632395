import type { SyncPolicy } from './log-disk.ts';

/** What is handed to the logs' threads, and stays with the main thread. */
export interface SyncPolicyHandle {
  readonly sab: SharedArrayBuffer;
}

/** What the word holds is the index. */
const POLICIES = ['no', 'everysec', 'always'] as const satisfies readonly SyncPolicy[];

/**
 * When what is written is to be on the disk, as all logs of a node have it: a word that the main thread writes and the logs'
 * threads read for each batch. Who is told that it was changed finds what he writes afterwards treated so: his record
 * reaches its log by words that are stored after this one.
 */
export class SyncPolicyWord {
  readonly #words: Int32Array;

  constructor({ sab }: SyncPolicyHandle) {
    this.#words = new Int32Array(sab);
  }

  static create(policy: SyncPolicy): SyncPolicyHandle {
    const handle = { sab: new SharedArrayBuffer(4) };
    new SyncPolicyWord(handle).now = policy;
    return handle;
  }

  get now(): SyncPolicy {
    return POLICIES[Atomics.load(this.#words, 0)] as SyncPolicy;
  }

  set now(policy: SyncPolicy) {
    Atomics.store(this.#words, 0, POLICIES.indexOf(policy));
  }
}
