import { Unpackr } from 'msgpackr';
import { nearest } from '../../base/nearest.ts';
import { type RpcRefusal, refuse } from './refusal.ts';

/** Options whose names are not the command's words. */
const aliases: Readonly<Record<string, string>> = {
  ttlms: 'PX',
  ttlseconds: 'EX',
  expiresatms: 'PXAT',
  expiresatseconds: 'EXAT',
  contenttype: 'CT',
};

/** The same by the word, as they are written. */
const names: Readonly<Record<string, string>> = {
  PX: 'ttlMs',
  EX: 'ttlSeconds',
  PXAT: 'expiresAtMs',
  EXAT: 'expiresAtSeconds',
  CT: 'contentType',
};

/** Of the syntaxes met so far, which are those of the command table. */
const wordsBySyntax = new Map<string, readonly string[]>();

/** Maps as `Map`, so that no name means anything to JavaScript; no records. */
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false });

/** The words that a map of options stands for. A record that is refilled for every map. */
export class OptionWords {
  readonly words: (string | Uint8Array)[] = [];
  /** Null when it was not given. */
  ifVersion: string | null = null;
  returnsVersion = false;

  /** Reads the whole map `bytes[start..end)` of options of a command with this syntax; why it cannot be, or null. */
  read(bytes: Uint8Array, start: number, end: number, syntax: string): RpcRefusal | null {
    this.words.length = 0;
    this.ifVersion = null;
    this.returnsVersion = false;
    for (const [name, value] of mapOf(bytes, start, end)) {
      if (typeof name !== 'string' || !/^[a-z][a-z-]{0,31}$/i.test(name)) {
        return refuse('syntax', 'the name of an option is a word');
      }
      const refusal = this.#option(name.toLowerCase(), value, syntax);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #option(name: string, value: unknown, syntax: string): RpcRefusal | null {
    if (value === null || value === undefined || value === false) return null;
    if (name === 'returnversion') {
      this.returnsVersion = true;
      return value === true ? null : refuse('syntax', 'returnVersion is true or false');
    }
    const word = Object.hasOwn(aliases, name) ? (aliases[name] as string) : name.toUpperCase();
    const values = value === true ? [] : Array.isArray(value) ? value : [value];
    if (name === 'ifversion') {
      const version: unknown = values[0];
      const isWhole = typeof version === 'bigint' || (typeof version === 'number' && Number.isInteger(version));
      if (!isWhole) return refuse('invalid-argument', 'ifVersion is a whole number');
      this.ifVersion = String(version);
      return null;
    }
    if (!wordsOf(syntax).includes(word)) return unknownOption(name, syntax);
    this.words.push(word);
    // The command is told how many there are.
    if (word === 'TAGS') this.words.push(String(values.length));
    for (const element of values as unknown[]) {
      if (typeof element === 'string' || element instanceof Uint8Array) this.words.push(element);
      else if (typeof element === 'bigint' || (typeof element === 'number' && Number.isFinite(element))) {
        this.words.push(String(element));
      } else return refuse('invalid-argument', `the option ${name} must be a str, a bin, a number or true`);
    }
    return null;
  }
}

/** The optional words of a command's syntax, which are in capitals. */
function wordsOf(syntax: string): readonly string[] {
  let words = wordsBySyntax.get(syntax);
  if (words === undefined) {
    words = syntax.match(/(?<![\w-])[A-Z][A-Z-]*(?![\w-])/g) ?? [];
    wordsBySyntax.set(syntax, words);
  }
  return words;
}

function unknownOption(name: string, syntax: string): RpcRefusal {
  const words = wordsOf(syntax);
  if (words.length === 0) return refuse('syntax', `unknown option "${name}"; the command takes no option of that kind`);
  const known = words.map((word) => names[word] ?? word.toLowerCase());
  const near = nearest(name, known);
  const hint = near === undefined ? `the options are ${known.join(', ')}` : `did you mean ${near}?`;
  return refuse('syntax', `unknown option "${name}"; ${hint}`);
}

/** The pairs of the whole map `bytes[start..end)`; texts that are no UTF-8 do not come back as they were. */
export function mapOf(bytes: Uint8Array, start: number, end: number): Map<unknown, unknown> {
  const value: unknown = unpackr.unpack(bytes.subarray(start, end));
  return value instanceof Map ? value : new Map();
}
