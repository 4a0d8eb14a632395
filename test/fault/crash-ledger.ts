import type { Reply } from '../../src/protocol/resp/reply.ts';
import type { RequestWord } from '../../src/protocol/resp/request-encoder.ts';

/** What a key may hold after a crash, and what was told of it. */
interface KeyHistory {
  readonly key: string;
  /** Number of the write that was acknowledged last; 0: none was. */
  acknowledged: number;
  /** Writes sent after that one, of which nothing is known, the oldest first. */
  readonly open: number[];
  /** Of the write that is sent next. */
  next: number;
}

/** One or several commands that belong together; the reply to the last of them says what became of them. */
export interface LedgerWrite {
  readonly commands: readonly (readonly RequestWord[])[];
  onReply(reply: Reply): void;
}

/** What is in the store contradicts what clients were told. */
export class LostWrite extends Error {
  override readonly name = 'LostWrite';
}

/** A key's every seventh write removes it. */
const REMOVES_EVERY = 7;
const PADDING = 'x'.repeat(200);
const YEAR_MS = 365 * 24 * 3600 * 1000;

/**
 * Writes of one client, each key written by it alone, and what became of them. A write is a number that only grows: so
 * whatever a key holds tells which of its writes was the last.
 */
export class CrashLedger {
  acknowledgedCount = 0;
  readonly #name: string;
  readonly #pick: (below: number) => number;
  readonly #keys = new Map<string, KeyHistory>();
  /** Counters: the count that was told last, and how many increments are open beyond it. */
  readonly #counters = new Map<string, { count: number; open: number }>();

  /** `pick` chooses a whole number from 0 on. */
  constructor(name: string, pick: (below: number) => number) {
    this.#name = name;
    this.#pick = pick;
  }

  write(): LedgerWrite {
    const kind = this.#pick(8);
    if (kind === 0) return this.#increment(`counter:${this.#name}:${this.#pick(3)}`);
    if (kind === 1) return this.#pair(`{${this.#name}:${this.#pick(4)}}`);
    if (kind === 2) return this.#many();
    if (kind === 3) return this.#transaction();
    return this.#one(`key:${this.#name}:${this.#pick(40)}`);
  }

  /** Looks at what the store has now, which is what was acknowledged from here on. Throws a {@link LostWrite}. */
  async check(read: (keys: readonly string[]) => Promise<(string | null)[]>): Promise<void> {
    const histories = [...this.#keys.values()];
    const found = await read(histories.map(({ key }) => key));
    for (const [at, history] of histories.entries()) this.#checkKey(history, found[at] ?? null);
    const counters = [...this.#counters];
    const counts = await read(counters.map(([key]) => key));
    for (const [at, [key, counter]] of counters.entries()) {
      const count = Number(counts[at] ?? 0);
      if (count < counter.count || count > counter.count + counter.open) {
        const expected = `${counter.count} was told, and ${counter.open} more were sent`;
        throw new LostWrite(`${key} is ${count}: ${expected}`);
      }
      counter.count = count;
      counter.open = 0;
    }
    for (const { key } of histories) {
      if (!key.endsWith('a}left')) continue;
      const right = key.replace(/left$/, 'right');
      const [left, other] = await read([key, right]);
      if (left !== other) throw new LostWrite(`${key} is ${left} and ${right} is ${other}: they were written together`);
    }
  }

  #checkKey(history: KeyHistory, value: string | null): void {
    const { key, acknowledged, open } = history;
    const possible = [acknowledged, ...open];
    const found = value === null ? possible.find(removes) : Number(value.split(':')[0]);
    if (found === undefined || !possible.includes(found) || (value !== null && value !== textOf(found))) {
      const sent = open.length === 0 ? 'nothing was sent after it' : `sent after it: ${open.join(' ')}`;
      const shown = value === null ? 'absent' : JSON.stringify(value.slice(0, 40));
      throw new LostWrite(`${key} is ${shown}: write ${acknowledged} was acknowledged last, ${sent}`);
    }
    history.acknowledged = found;
    open.length = 0;
  }

  #one(key: string): LedgerWrite {
    const history = this.#history(key);
    const number = this.#begin([history]);
    if (removes(number)) return this.#told([['DEL', key]], [history], number);
    const words: RequestWord[] = ['SET', key, textOf(number)];
    if (number % 5 === 0) words.push('PX', YEAR_MS);
    return this.#told([words], [history], number);
  }

  /** One command over keys of many slots. */
  #many(): LedgerWrite {
    const histories = Array.from({ length: 5 }, (_, at) => this.#history(`many:${this.#name}:${at}`));
    let number = this.#begin(histories);
    while (removes(number)) number = this.#again(histories);
    const words = ['MSET', ...histories.flatMap(({ key }) => [key, textOf(number)])];
    return this.#told([words], histories, number);
  }

  /** Two keys of one shard, always written together. */
  #pair(tag: string): LedgerWrite {
    const histories = ['left', 'right'].map((side) => this.#history(`${tag.slice(0, -1)}a}${side}`));
    let number = this.#begin(histories);
    while (removes(number)) number = this.#again(histories);
    const sets = histories.map(({ key }): RequestWord[] => ['SET', key, textOf(number)]);
    return this.#told([['MULTI'], ...sets, ['EXEC']], histories, number);
  }

  /** Keys of several shards, written together. */
  #transaction(): LedgerWrite {
    const histories = Array.from({ length: 3 }, (_, at) => this.#history(`together:${this.#name}:${at}`));
    let number = this.#begin(histories);
    while (removes(number)) number = this.#again(histories);
    const sets = histories.map(({ key }): RequestWord[] => ['SET', key, textOf(number)]);
    return this.#told([['MULTI'], ...sets, ['EXEC']], histories, number);
  }

  #increment(key: string): LedgerWrite {
    const counter = this.#counters.get(key) ?? { count: 0, open: 0 };
    this.#counters.set(key, counter);
    counter.open++;
    const onReply = (reply: Reply): void => {
      if (reply.kind === 'error') {
        if (!mayHaveRun(reply.text)) counter.open--;
        return;
      }
      if (reply.kind !== 'integer') throw new LostWrite(`INCR was answered with ${reply.kind}`);
      // Those of which nothing is known, and that came before, are in it or were not run.
      const count = Number(reply.value);
      if (count <= counter.count) throw new LostWrite(`${key} became ${count}, and was ${counter.count} before`);
      counter.open = Math.max(0, counter.open - (count - counter.count));
      counter.count = count;
      this.acknowledgedCount++;
    };
    return { commands: [['INCR', key]], onReply };
  }

  #told(commands: readonly (readonly RequestWord[])[], histories: readonly KeyHistory[], number: number): LedgerWrite {
    const onReply = (reply: Reply): void => {
      const isError = reply.kind === 'error' || reply.kind === 'null';
      if (isError && reply.kind === 'error' && mayHaveRun(reply.text)) return;
      for (const history of histories) {
        const { open } = history;
        if (isError) open.splice(open.indexOf(number), 1);
        else {
          history.acknowledged = number;
          open.splice(0, open.indexOf(number) + 1);
        }
      }
      if (!isError) this.acknowledgedCount++;
    };
    return { commands, onReply };
  }

  #history(key: string): KeyHistory {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    // Absent, as a removed one.
    const history = { key, acknowledged: 0, open: [], next: 1 };
    this.#keys.set(key, history);
    return history;
  }

  #begin(histories: readonly KeyHistory[]): number {
    const number = Math.max(...histories.map(({ next }) => next));
    for (const history of histories) {
      history.open.push(number);
      history.next = number + 1;
    }
    return number;
  }

  #again(histories: readonly KeyHistory[]): number {
    for (const { open } of histories) open.pop();
    return this.#begin(histories);
  }
}

function removes(number: number): boolean {
  return number % REMOVES_EVERY === 0;
}

function textOf(number: number): string {
  return `${number}:${PADDING.slice(0, (number * 37) % PADDING.length)}`;
}

/** Whether what was refused with these words may have taken effect all the same. */
function mayHaveRun(text: string): boolean {
  return !/^(MISCONF|TRYAGAIN|OOM|LOADING|EXECABORT)/.test(text);
}
