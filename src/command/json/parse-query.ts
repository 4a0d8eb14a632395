import { MemberName } from './document.ts';
import type { Operand, Operator, Query, Segment, Selector, Test } from './query.ts';

/** Characters of a path; bounds how deep its filters nest, too. */
const pathCharactersMax = 1024;

/** What is wrong with a path, and where. */
export class PathError extends Error {}

/** Parses a path as RFC 9535 has it; throws {@link PathError}. Time is linear in the path's length. */
export function parseQuery(path: string): Query {
  if (path.length > pathCharactersMax) throw new PathError(`path is longer than ${pathCharactersMax} characters`);
  return new QueryParser(path).parse();
}

/** An expression within a filter, before it is known as what it is used. */
type Expression =
  | { readonly is: 'operand'; readonly operand: Operand }
  /** A query, which can be a test or, when it is singular, an operand. */
  | { readonly is: 'query'; readonly query: Query }
  | { readonly is: 'test'; readonly test: Test };

const comparison = /==|!=|<=|>=|<|>/y;
const numberLiteral = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const integerLiteral = /0|-?[1-9]\d*/y;
const shorthand = /[A-Za-z_\u0080-\uffff][A-Za-z_0-9\u0080-\uffff]*/y;
const functionName = /[a-z][a-z_0-9]*(?=\()/y;
const loneSurrogate = /\p{Cs}/u;
const blank = /[ \t\n\r]*/y;

class QueryParser {
  readonly #path: string;
  #at = 0;

  constructor(path: string) {
    this.#path = path;
  }

  parse(): Query {
    this.#expect('$');
    const query = this.#segments(false);
    if (this.#at < this.#path.length) this.#fail('unexpected character');
    return query;
  }

  #segments(relative: boolean): Query {
    const segments: Segment[] = [];
    for (;;) {
      const before = this.#at;
      this.#skipBlank();
      const segment = this.#segment();
      if (segment === null) {
        // Blanks may stand between segments, not behind the last.
        this.#at = before;
        break;
      }
      segments.push(segment);
    }
    const singular = segments.every(
      ({ descendant, selectors: [first, second] }) =>
        !descendant && second === undefined && (first?.kind === 'name' || first?.kind === 'index'),
    );
    return { relative, segments, singular };
  }

  #segment(): Segment | null {
    if (this.#take('..')) {
      if (this.#next === '[') return { descendant: true, selectors: this.#bracketed() };
      return { descendant: true, selectors: [this.#dotted()] };
    }
    if (this.#take('.')) return { descendant: false, selectors: [this.#dotted()] };
    if (this.#next === '[') return { descendant: false, selectors: this.#bracketed() };
    return null;
  }

  #dotted(): Selector {
    if (this.#take('*')) return { kind: 'wildcard' };
    const name = this.#match(shorthand);
    if (name === '' || loneSurrogate.test(name)) this.#fail('a name is missing');
    return { kind: 'name', name: new MemberName(name) };
  }

  #bracketed(): Selector[] {
    const selectors: Selector[] = [];
    this.#expect('[');
    do {
      this.#skipBlank();
      selectors.push(this.#selector());
      this.#skipBlank();
    } while (this.#take(','));
    this.#expect(']');
    return selectors;
  }

  #selector(): Selector {
    if (this.#next === '"' || this.#next === "'") return { kind: 'name', name: new MemberName(this.#string()) };
    if (this.#take('*')) return { kind: 'wildcard' };
    if (this.#take('?')) {
      this.#skipBlank();
      return { kind: 'filter', test: this.#or() };
    }
    const first = this.#integer();
    const behind = this.#at;
    this.#skipBlank();
    if (!this.#take(':')) {
      this.#at = behind;
      if (first === null) this.#fail('a selector is missing');
      return { kind: 'index', index: first };
    }
    this.#skipBlank();
    const end = this.#integer();
    this.#skipBlank();
    let step = 1;
    if (this.#take(':')) {
      this.#skipBlank();
      step = this.#integer() ?? 1;
    }
    return { kind: 'slice', first, end, step };
  }

  #or(): Test {
    let left = this.#and();
    for (;;) {
      if (!this.#takeBehindBlank('||')) return left;
      left = { kind: 'or', left, right: this.#and() };
    }
  }

  #and(): Test {
    let left = this.#basic();
    for (;;) {
      if (!this.#takeBehindBlank('&&')) return left;
      left = { kind: 'and', left, right: this.#basic() };
    }
  }

  #basic(): Test {
    this.#skipBlank();
    if (this.#take('!')) {
      this.#skipBlank();
      if (this.#next === '(') return { kind: 'not', of: this.#parenthesized() };
      return { kind: 'not', of: this.#asTest(this.#expression()) };
    }
    if (this.#next === '(') return this.#parenthesized();
    const left = this.#expression();
    const before = this.#at;
    this.#skipBlank();
    const operator = this.#match(comparison) as Operator | '';
    if (operator === '') {
      this.#at = before;
      return this.#asTest(left);
    }
    this.#skipBlank();
    return { kind: 'compare', operator, left: this.#asOperand(left), right: this.#asOperand(this.#expression()) };
  }

  #parenthesized(): Test {
    this.#expect('(');
    const test = this.#or();
    this.#skipBlank();
    this.#expect(')');
    return test;
  }

  #expression(): Expression {
    if (this.#take('@')) return { is: 'query', query: this.#segments(true) };
    if (this.#take('$')) return { is: 'query', query: this.#segments(false) };
    if (this.#next === '"' || this.#next === "'") return literal(this.#string());
    const name = this.#match(functionName);
    if (name !== '') return this.#call(name);
    for (const [word, value] of words) {
      if (this.#take(word)) return literal(value);
    }
    const number = this.#match(numberLiteral);
    if (number === '') this.#fail('an expression is missing');
    return literal(Number(number));
  }

  #call(name: string): Expression {
    this.#expect('(');
    const args: Expression[] = [];
    this.#skipBlank();
    if (this.#next !== ')') {
      do {
        this.#skipBlank();
        args.push(this.#expression());
        this.#skipBlank();
      } while (this.#take(','));
    }
    this.#expect(')');
    const [first, second] = args;
    if (name === 'match' || name === 'search') {
      if (first === undefined || second === undefined || args.length > 2) this.#fail(`${name} takes two arguments`);
      const text = this.#asOperand(first);
      return { is: 'test', test: { kind: 'regexp', whole: name === 'match', text, pattern: this.#asOperand(second) } };
    }
    if (name !== 'length' && name !== 'count' && name !== 'value') this.#fail(`there is no function ${name}`);
    if (first === undefined || second !== undefined) this.#fail(`${name} takes one argument`);
    if (name === 'length') return { is: 'operand', operand: { kind: name, of: this.#asOperand(first) } };
    if (first.is !== 'query') this.#fail(`${name} takes a query`);
    return { is: 'operand', operand: { kind: name, query: first.query } };
  }

  #asTest(expression: Expression): Test {
    if (expression.is === 'test') return expression.test;
    if (expression.is === 'query') return { kind: 'exists', query: expression.query };
    return this.#fail('a value must be compared with something');
  }

  #asOperand(expression: Expression): Operand {
    if (expression.is === 'operand') return expression.operand;
    if (expression.is === 'query' && expression.query.singular) return { kind: 'query', query: expression.query };
    return this.#fail('what is compared must be one value');
  }

  #integer(): number | null {
    const text = this.#match(integerLiteral);
    if (text === '') return null;
    const value = Number(text);
    if (!Number.isSafeInteger(value)) this.#fail('an index is out of range');
    return value;
  }

  #string(): string {
    const quote = this.#next;
    let text = '';
    for (;;) {
      const char = this.#path[++this.#at];
      if (char === undefined || char < ' ') this.#fail('a string is not closed');
      if (char === quote) break;
      text += char === '\\' ? this.#escape(quote) : char;
    }
    this.#at++;
    if (loneSurrogate.test(text)) this.#fail('a string is no valid Unicode');
    return text;
  }

  #escape(quote: string): string {
    const char = this.#path[++this.#at] ?? '';
    if (char === quote) return char;
    if (char !== 'u') return escapes.get(char) ?? this.#fail('a string has an unknown escape');
    const digits = this.#path.slice(this.#at + 1, this.#at + 5);
    if (!/^[0-9A-Fa-f]{4}$/.test(digits)) this.#fail('a string has an unknown escape');
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  get #next(): string {
    return this.#path[this.#at] ?? '';
  }

  #take(text: string): boolean {
    if (!this.#path.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #takeBehindBlank(text: string): boolean {
    const before = this.#at;
    this.#skipBlank();
    if (this.#take(text)) return true;
    this.#at = before;
    return false;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#fail(`${text} is missing`);
  }

  #skipBlank(): void {
    this.#match(blank);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#path)?.[0] ?? '';
    this.#at += text.length;
    return text;
  }

  #fail(what: string): never {
    throw new PathError(`invalid path: ${what} at character ${this.#at + 1}`);
  }
}

const words: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

const escapes = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['/', '/'],
  ['\\', '\\'],
]);

function literal(value: string | number | boolean | null): Expression {
  return { is: 'operand', operand: { kind: 'literal', value } };
}
