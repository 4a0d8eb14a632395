/**
 * Regular expressions of RFC 9485 (I-Regexp), matched by following all ways at once (Thompson's construction), so that
 * a pattern from outside takes time in proportion to text length times pattern length, never more.
 */

/** Instructions a pattern may become, its counted repetitions written out. */
const instructionsMax = 1000;
const parsedMax = 64;

type Matcher = (codePoint: number) => boolean;

/** Op of an instruction: take a character, go both ways, or stop with success. */
type Instruction =
  | { readonly op: 'take'; readonly matches: Matcher }
  | { op: 'split'; first: number; second: number }
  | { readonly op: 'done' };

type Node =
  | { readonly kind: 'take'; readonly matches: Matcher }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number; readonly most: number };

class PatternError extends Error {}

const programs = new Map<string, readonly Instruction[] | null>();

/** The program of a pattern; null when it is not one of RFC 9485, or too large. Remembers the last ones. */
function programOf(pattern: string): readonly Instruction[] | null {
  const known = programs.get(pattern);
  if (known !== undefined) return known;
  let program: readonly Instruction[] | null = null;
  try {
    program = compile(new PatternParser(pattern).parse());
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
  }
  if (programs.size >= parsedMax) programs.clear();
  programs.set(pattern, program);
  return program;
}

/**
 * Whether the pattern matches the text: all of it when `whole`, else any part. False for a pattern that is none.
 * `spend` is told of steps and says when there were too many.
 */
export function matchesRegexp(
  pattern: string,
  text: string,
  whole: boolean,
  spend: (steps: number) => boolean,
): boolean {
  const program = programOf(pattern);
  if (program === null) return false;
  let current = new Set<number>();
  follow(program, 0, current);
  for (const char of text) {
    if (!whole && hasDone(program, current)) return true;
    if (!spend(current.size + 1)) return false;
    const codePoint = char.codePointAt(0) ?? 0;
    const next = new Set<number>();
    for (const at of current) {
      const instruction = program[at] as Instruction;
      if (instruction.op === 'take' && instruction.matches(codePoint)) follow(program, at + 1, next);
    }
    if (!whole) follow(program, 0, next);
    current = next;
  }
  return hasDone(program, current);
}

function hasDone(program: readonly Instruction[], states: ReadonlySet<number>): boolean {
  return states.has(program.length - 1);
}

/** Adds all instructions reached from `at` without taking a character. */
function follow(program: readonly Instruction[], at: number, reached: Set<number>): void {
  const pending = [at];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    const instruction = program[next] as Instruction;
    if (instruction.op === 'split') pending.push(instruction.first, instruction.second);
  }
}

function compile(root: Node): readonly Instruction[] {
  const program: Instruction[] = [];
  emit(root, program);
  program.push({ op: 'done' });
  return program;
}

function emit(node: Node, program: Instruction[]): void {
  if (program.length > instructionsMax) throw new PatternError();
  switch (node.kind) {
    case 'take':
      program.push({ op: 'take', matches: node.matches });
      break;
    case 'sequence':
      for (const part of node.parts) emit(part, program);
      break;
    case 'choice':
      emitChoice(node.parts, program);
      break;
    case 'repeat':
      for (let count = 0; count < node.least; count++) emit(node.part, program);
      if (node.most === Number.POSITIVE_INFINITY) emitLoop(node.part, program);
      else for (let count = node.least; count < node.most; count++) emitOptional(node.part, program);
      break;
  }
}

function emitChoice(parts: readonly Node[], program: Instruction[]): void {
  const jumps: { first: number; second: number }[] = [];
  parts.forEach((part, index) => {
    const isLast = index === parts.length - 1;
    const split = { op: 'split' as const, first: program.length + 1, second: 0 };
    if (!isLast) program.push(split);
    emit(part, program);
    if (isLast) return;
    const jump = { op: 'split' as const, first: 0, second: 0 };
    program.push(jump);
    jumps.push(jump);
    split.second = program.length;
  });
  for (const jump of jumps) {
    jump.first = program.length;
    jump.second = program.length;
  }
}

function emitLoop(part: Node, program: Instruction[]): void {
  const at = program.length;
  const split = { op: 'split' as const, first: at + 1, second: 0 };
  program.push(split);
  emit(part, program);
  program.push({ op: 'split', first: at, second: at });
  split.second = program.length;
}

function emitOptional(part: Node, program: Instruction[]): void {
  const split = { op: 'split' as const, first: program.length + 1, second: 0 };
  program.push(split);
  emit(part, program);
  split.second = program.length;
}

class PatternParser {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#chars = [...pattern];
  }

  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#chars.length) throw new PatternError();
    return node;
  }

  #choice(): Node {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return parts.length === 1 ? (parts[0] as Node) : { kind: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#chars.length && this.#next !== '|' && this.#next !== ')') parts.push(this.#piece());
    return { kind: 'sequence', parts };
  }

  #piece(): Node {
    const part = this.#atom();
    if (this.#take('*')) return { kind: 'repeat', part, least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { kind: 'repeat', part, least: 1, most: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { kind: 'repeat', part, least: 0, most: 1 };
    if (!this.#take('{')) return part;
    const least = this.#count();
    let most = least;
    if (this.#take(',')) most = this.#next === '}' ? Number.POSITIVE_INFINITY : this.#count();
    if (!this.#take('}') || most < least) throw new PatternError();
    return { kind: 'repeat', part, least, most };
  }

  #count(): number {
    let digits = '';
    while (/^\d$/.test(this.#next)) digits += this.#chars[this.#at++];
    if (digits === '' || Number(digits) > instructionsMax) throw new PatternError();
    return Number(digits);
  }

  #atom(): Node {
    const char = this.#chars[this.#at++] as string;
    if (char === '(') {
      const node = this.#choice();
      if (!this.#take(')')) throw new PatternError();
      return node;
    }
    if (char === '.') return { kind: 'take', matches: (code) => code !== 0x0a && code !== 0x0d };
    if (char === '[') return { kind: 'take', matches: this.#set() };
    if (char === '\\') return { kind: 'take', matches: this.#escaped() };
    if ('?*+{}])'.includes(char)) throw new PatternError();
    return { kind: 'take', matches: isOne(char) };
  }

  /** Behind a backslash: a category of Unicode, or one character. */
  #escaped(): Matcher {
    const char = this.#chars[this.#at++] ?? '';
    if (char !== 'p' && char !== 'P') return isOne(literalOf(char));
    if (!this.#take('{')) throw new PatternError();
    let name = '';
    while (/^[A-Za-z]$/.test(this.#next)) name += this.#chars[this.#at++];
    if (!this.#take('}') || !categories.test(name)) throw new PatternError();
    // One character at a time: nothing for a backtracking matcher to go back over.
    const category = new RegExp(`^\\${char}{${name}}$`, 'u');
    return (code) => category.test(String.fromCodePoint(code));
  }

  #set(): Matcher {
    const negated = this.#take('^');
    const members: Matcher[] = [];
    for (let first = true; first || this.#next !== ']'; first = false) {
      const char = this.#chars[this.#at++];
      if (char === undefined || (char === ']' && first) || char === '[') throw new PatternError();
      if (char === '\\' && /^[pP]$/.test(this.#next)) {
        members.push(this.#escaped());
        continue;
      }
      const low = char === '\\' ? literalOf(this.#chars[this.#at++] ?? '') : char;
      const isRange = this.#next === '-' && this.#chars[this.#at + 1] !== ']';
      if (!isRange) {
        members.push(isOne(low));
        continue;
      }
      this.#at++;
      const end = this.#chars[this.#at++] ?? '';
      members.push(isBetween(low, end === '\\' ? literalOf(this.#chars[this.#at++] ?? '') : end));
    }
    this.#at++;
    return (code) => members.some((matches) => matches(code)) !== negated;
  }

  get #next(): string {
    return this.#chars[this.#at] ?? '';
  }

  #take(char: string): boolean {
    if (this.#chars[this.#at] !== char) return false;
    this.#at++;
    return true;
  }
}

const categories = /^(?:L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|Z[lps]?|S[ckmo]?|C[cfno]?)$/;

function literalOf(char: string): string {
  if (char === 'n') return '\n';
  if (char === 'r') return '\r';
  if (char === 't') return '\t';
  if (char !== '' && '()*+-.?[\\]^{|}'.includes(char)) return char;
  throw new PatternError();
}

function isOne(char: string): Matcher {
  const wanted = char.codePointAt(0);
  return (code) => code === wanted;
}

function isBetween(low: string, high: string): Matcher {
  const from = low.codePointAt(0) ?? 0;
  const to = high.codePointAt(0) ?? -1;
  if (to < from) throw new PatternError();
  return (code) => code >= from && code <= to;
}
