/** What is handed to a log's thread, and stays with the main thread. */
export interface LogSyncerHandle {
  readonly sab: SharedArrayBuffer;
}

const ASKED_WORD = 0;
const FILE_WORD = 1;
/** Words written by the main thread lie on other cache lines. */
const DONE_WORD = 32;
const ERRNO_WORD = 33;
const WORDS = 64;

/**
 * Has a log's file synced on another thread, so that the log's own goes on writing meanwhile: it asks, and the main thread
 * has the system do it on a thread of its pool. One at a time.
 *
 * | words | written by | meaning |
 * | --- | --- | --- |
 * | asked, file | the log's thread | how often it has asked, and the file's descriptor, which it does not close before that is done |
 * | done, errno | the main thread | the last that is done, and what the system said: 0, or the number of an error |
 */
export class LogSyncer {
  readonly #words: Int32Array;

  constructor({ sab }: LogSyncerHandle) {
    this.#words = new Int32Array(sab);
  }

  static create(): LogSyncerHandle {
    return { sab: new SharedArrayBuffer(WORDS * 4) };
  }

  /** Of the log's thread; whoever is to do it is to be told after this. */
  ask(file: number): void {
    this.#words[FILE_WORD] = file;
    Atomics.add(this.#words, ASKED_WORD, 1);
  }

  get isUnderWay(): boolean {
    return Atomics.load(this.#words, DONE_WORD) !== Atomics.load(this.#words, ASKED_WORD);
  }

  /** Of the log's thread: blocks until what it asked for is done, and gives what the system said. */
  wait(): number {
    const asked = Atomics.load(this.#words, ASKED_WORD);
    for (let done = Atomics.load(this.#words, DONE_WORD); done !== asked; done = Atomics.load(this.#words, DONE_WORD)) {
      Atomics.wait(this.#words, DONE_WORD, done);
    }
    return this.#words[ERRNO_WORD] as number;
  }

  /** Of the main thread. */
  get file(): number {
    return this.#words[FILE_WORD] as number;
  }

  /** Of the main thread, which then rings the log's bell. */
  done(errno: number): void {
    this.#words[ERRNO_WORD] = errno;
    Atomics.add(this.#words, DONE_WORD, 1);
    Atomics.notify(this.#words, DONE_WORD);
  }
}
