/** Takes a stream of server-sent events apart, whatever the pieces it comes in. */
export class EventSourceParser {
  #rest = '';
  #name = '';
  #data = '';
  /** @type {(name: string, data: string) => void} */
  #onEvent;

  /** @param {(name: string, data: string) => void} onEvent */
  constructor(onEvent) {
    this.#onEvent = onEvent;
  }

  /** @param {string} text */
  push(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  /** @param {string} line */
  #take(line) {
    if (line === '') {
      if (this.#data !== '') this.#onEvent(this.#name, this.#data);
      this.#name = '';
      this.#data = '';
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data += this.#data === '' ? value : `\n${value}`;
  }
}
