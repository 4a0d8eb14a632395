/** What an argument is, in the words of COMMAND DOCS. */
export type ArgumentType =
  | 'key'
  | 'string'
  | 'integer'
  | 'double'
  | 'unix-time'
  | 'pattern'
  /** A word to be written as it is. */
  | 'pure-token'
  /** One of its members. */
  | 'oneof'
  /** All of its members, one behind the other. */
  | 'block';

export interface CommandArgument {
  readonly name: string;
  readonly type: ArgumentType;
  /** The word in front of it, or the word it is; null when there is none. */
  readonly token: string | null;
  readonly isOptional: boolean;
  readonly isMultiple: boolean;
  /** When it is multiple: the token is said each time, and not only once. */
  readonly repeatsToken: boolean;
  readonly members: readonly CommandArgument[];
}

const repeat = '...';
const openings: Readonly<Record<string, string>> = { '[': ']', '<': '>' };
const isToken = (word: string): boolean => /^[A-Z][A-Z0-9_-]*$/.test(word);
const isName = (word: string | undefined): word is string => word !== undefined && /^[a-z][\w:/-]*$/.test(word);

const integerNames =
  /^(seconds|milliseconds|count|increment|decrement|offset|index|start|end|cursor|timeout|slot|port|version|protover)$|(^|-)(id|db|count|len)$|^(numreplicas|threshold)$/;
const keyNames = /^(key|newkey|source|destination)$/;

/**
 * Reads the notation in which rows give their arguments, which is that of Redis's reference: upper case is a word, lower
 * case a value, `[ ]` may be left out, `|` stands between alternatives, `< >` keep alternatives together, and
 * `item [item ...]` may be repeated. Throws on text that is not of this notation.
 */
export function parseSyntax(syntax: string): readonly CommandArgument[] {
  const words = syntax.match(/\.\.\.|[[\]<>|]|[^\s[\]<>|]+/g) ?? [];
  const parser = new SyntaxParser(words);
  const items = parser.sequence();
  if (!parser.isDone) throw new Error(`the syntax ends before ${syntax}`);
  return items;
}

class SyntaxParser {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get isDone(): boolean {
    return this.#at === this.#words.length;
  }

  /** Up to what closes it, or to a bar. */
  sequence(): CommandArgument[] {
    const items: CommandArgument[] = [];
    for (let word = this.#peek(); word !== undefined && !/^[\]>|]$/.test(word); word = this.#peek()) {
      if (Object.hasOwn(openings, word)) this.#group(items);
      else if (word === repeat) {
        this.#at++;
        items.push(multiple(take(items)));
      } else items.push(this.#item(items.length === 0));
    }
    return items;
  }

  /** A word with what belongs to it: `NX`, `key`, `EX seconds`, `LIMIT offset count`, `TYPE <A | B>`. */
  #item(isFirst: boolean): CommandArgument {
    const word = this.#next();
    if (!isToken(word)) return value(word);
    if (this.#peek() === '<') {
      const members: CommandArgument[] = [];
      this.#group(members);
      return { ...take(members), token: word };
    }
    const values: CommandArgument[] = [];
    // A token in front of other items takes one value; where it begins a group, it takes all that follow.
    while (isName(this.#peek()) && (isFirst || values.length === 0)) values.push(value(this.#next()));
    const [only] = values;
    if (only === undefined) return { ...value(word.toLowerCase()), type: 'pure-token', token: word };
    return values.length === 1 ? { ...only, token: word } : { ...block(values), name: word.toLowerCase(), token: word };
  }

  #group(items: CommandArgument[]): void {
    const opening = this.#next();
    const alternatives = [this.sequence()];
    let isRepeated = this.#words[this.#at - 1] === repeat;
    while (this.#peek() === '|') {
      this.#at++;
      alternatives.push(this.sequence());
      isRepeated = false;
    }
    if (this.#next() !== openings[opening]) throw new Error(`${opening} is closed`);
    const [members = []] = alternatives;
    if (alternatives.length === 1 && isRepeated && repeats(items, members)) {
      const tail = items.splice(-members.length);
      const [only] = tail;
      const saysToken = members[0]?.token !== null && members.length === 1;
      items.push(
        tail.length === 1 && only !== undefined
          ? { ...only, isMultiple: true, repeatsToken: saysToken }
          : multiple(block(tail)),
      );
      return;
    }
    const whole = alternatives.length === 1 ? folded(members) : oneOf(alternatives.map(folded));
    items.push(opening === '[' ? { ...whole, isOptional: true } : whole);
  }

  #peek(): string | undefined {
    return this.#words[this.#at];
  }

  #next(): string {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new Error('the syntax goes on');
    return word;
  }
}

function value(name: string): CommandArgument {
  return {
    name,
    type: typeOf(name),
    token: null,
    isOptional: false,
    isMultiple: false,
    repeatsToken: false,
    members: [],
  };
}

function typeOf(name: string): ArgumentType {
  if (keyNames.test(name)) return 'key';
  if (name.startsWith('unix-time')) return 'unix-time';
  if (name === 'pattern') return 'pattern';
  if (name.startsWith('float')) return 'double';
  return integerNames.test(name) ? 'integer' : 'string';
}

function folded(items: readonly CommandArgument[]): CommandArgument {
  const [only] = items;
  return items.length === 1 && only !== undefined ? only : block(items);
}

function block(members: readonly CommandArgument[]): CommandArgument {
  return { ...value(namesOf(members)), type: 'block', members };
}

function oneOf(members: readonly CommandArgument[]): CommandArgument {
  return { ...value(namesOf(members)), type: 'oneof', members };
}

function multiple(item: CommandArgument): CommandArgument {
  return { ...item, isMultiple: true };
}

/** As Redis names what has no name of its own; long ones would only be in the way of who reads hints. */
function namesOf(members: readonly CommandArgument[]): string {
  if (members.length > 3) return 'options';
  return members.map(({ name }) => name).join('_');
}

function take(items: CommandArgument[]): CommandArgument {
  const item = items.pop();
  if (item === undefined) throw new Error('there is something in front');
  return item;
}

/** Whether `members` (the last of them marked as multiple) say once more what `items` end with. */
function repeats(items: readonly CommandArgument[], members: readonly CommandArgument[]): boolean {
  const tail = items.slice(-members.length);
  if (tail.length < members.length) return false;
  return members.every(({ name, token }, index) => {
    const before = tail[index];
    return before !== undefined && before.name === name && (token === null || token === before.token);
  });
}
