interface Waiting {
  readonly taken: number;
  readonly task: () => void;
}

/** Tasks that wait until the replies owed when they came are written: what a session needs for `whenAnswered`. */
export class AfterReplies {
  #tasks: Waiting[] = [];

  get isEmpty(): boolean {
    return this.#tasks.length === 0;
  }

  /** `taken` as in `PushTarget`, and never less than in the call before. */
  add(taken: number, task: () => void): void {
    this.#tasks.push({ taken, task });
  }

  /** To be called when a reply was written and there are tasks. Those that are due run in the order they came in. */
  run(answered: number): void {
    const due = this.#tasks.findIndex(({ taken }) => taken > answered);
    if (due === 0) return;
    const tasks = this.#tasks;
    this.#tasks = due < 0 ? [] : tasks.slice(due);
    for (let index = 0; index < (due < 0 ? tasks.length : due); index++) tasks[index]?.task();
  }

  clear(): void {
    this.#tasks = [];
  }
}
