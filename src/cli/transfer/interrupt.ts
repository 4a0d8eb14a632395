/** Whether Ctrl-C was pressed: what takes long looks at it between two steps. A second one ends the program at once. */
export class Interrupt {
  isAsked = false;
  /** Told when it is. */
  onAsked: () => void = () => undefined;
  readonly #note = (): void => {
    this.isAsked = true;
    this.onAsked();
  };

  constructor() {
    process.once('SIGINT', this.#note);
  }

  end(): void {
    process.removeListener('SIGINT', this.#note);
  }
}
