/** More than this without the end of a line is nothing that a node sends: 64 MiB. */
const LINE_UNITS_MAX = 64 * 1024 * 1024;

/** Takes a stream of server-sent events apart, whatever the pieces it comes in (HTML Living Standard, 9.2.6). */
export class EventParser {
  readonly #onEvent: (name: string, data: string) => void;
  readonly #decoder = new TextDecoder();
  #rest: string[] = [];
  #restUnits = 0;
  #name = '';
  #data: string[] = [];

  constructor(onEvent: (name: string, data: string) => void) {
    this.#onEvent = onEvent;
  }

  /** Throws a RangeError when a line has no end. */
  push(bytes: Uint8Array): void {
    const lines = this.#decoder.decode(bytes, { stream: true }).split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#take(this.#rest.join('') + line);
      this.#rest = [];
      this.#restUnits = 0;
    }
    this.#rest.push(rest);
    this.#restUnits += rest.length;
    if (this.#restUnits > LINE_UNITS_MAX) throw new RangeError('a line of the stream has no end');
  }

  #take(text: string): void {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (line === '') {
      if (this.#data.length > 0) this.#onEvent(this.#name, this.#data.join('\n'));
      this.#name = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
  }
}
