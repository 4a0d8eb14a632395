const words = new Float64Array(1);
const halves = new Uint32Array(words.buffer);

/** Kinds of events in a trace. */
export const traced = {
  lost: 1,
  received: 2,
  damaged: 3,
  ticked: 4,
  persisted: 5,
  started: 6,
  stopped: 7,
  asked: 8,
  replied: 9,
  fault: 10,
  configured: 11,
  chunk: 12,
} as const;

/**
 * What has happened in a run: always as a running hash, by which two runs are compared, and, where it is asked for,
 * as text. Text is made only when somebody reads it and never goes into the hash.
 */
export class Trace {
  #low = 0x811c9dc5;
  #high = 0x2545f491;
  events = 0;
  readonly #print: ((line: string) => void) | null;
  readonly #printsMessages: boolean;

  constructor(print: ((line: string) => void) | null = null, printsMessages = true) {
    this.#print = print;
    this.#printsMessages = printsMessages;
  }

  /** Whether somebody reads it. */
  get isRead(): boolean {
    return this.#print !== null;
  }

  /** 64 bits, hexadecimal. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  /** Something of this kind happened; `detail` are any numbers that tell it from others. */
  event(nowMs: number, kind: number, first = 0, second = 0): void {
    this.events++;
    words[0] = nowMs;
    this.#mix(halves[0] as number);
    this.#mix(halves[1] as number);
    this.#mix(kind);
    this.#mix(first);
    this.#mix(second);
  }

  /** Of a message or frame: there are so many that they are printed only where asked for. */
  sayMessage(nowMs: number, who: string, text: () => string): void {
    if (this.#printsMessages) this.say(nowMs, who, text);
  }

  say(nowMs: number, who: string, text: () => string): void {
    this.#print?.(`${nowMs.toFixed(3).padStart(11)} ${who.padEnd(4)} ${text()}`);
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193);
    this.#low ^= this.#low >>> 15;
    this.#high = Math.imul(this.#high + word, 0x9e3779b1) ^ (this.#low >>> 7);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
