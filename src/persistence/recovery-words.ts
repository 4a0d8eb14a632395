export interface RecoveryWordsHandle {
  readonly sab: SharedArrayBuffer;
}

/** How far a shard has come with what was kept of it. */
export const RecoveryState = { none: 0, reading: 1, done: 2 } as const;
export type RecoveryState = (typeof RecoveryState)[keyof typeof RecoveryState];

const WORDS = ['bytes', 'bytesRead', 'beganAtMs', 'next'] as const;

/**
 * Shared between a shard's actor, which reads its data before it serves, and the main thread. `next`, the number of the
 * record that the actor's first is to have, is written by the actor when it is done, and by the main thread between two
 * actors; all else by the actor alone. Float64 words are plain: an aligned eight-byte store is whole.
 */
export class RecoveryWords {
  readonly #state: Int32Array;
  readonly #doubles: Float64Array;

  constructor({ sab }: RecoveryWordsHandle) {
    this.#state = new Int32Array(sab, 0, 1);
    this.#doubles = new Float64Array(sab, 8, WORDS.length);
  }

  static create(): RecoveryWordsHandle {
    return { sab: new SharedArrayBuffer(8 + 8 * WORDS.length) };
  }

  get state(): RecoveryState {
    return Atomics.load(this.#state, 0) as RecoveryState;
  }

  /** After what it tells of was written: sequentially consistent. */
  setState(state: RecoveryState): void {
    Atomics.store(this.#state, 0, state);
  }

  get(word: (typeof WORDS)[number]): number {
    return this.#doubles[WORDS.indexOf(word)] as number;
  }

  set(word: (typeof WORDS)[number], value: number): void {
    this.#doubles[WORDS.indexOf(word)] = value;
  }
}
