import { type JsonDocument, NodeKind } from './document.ts';
import type { Operand, Operator, Query, Selector, Test } from './query.ts';
import { matchesRegexp } from './regexp.ts';

/** Steps the paths of one command may take whatever the documents, and for each node of these. */
const stepsAlways = 1_000_000;
const stepsPerNode = 8;

/** Thrown when paths take more steps than they may: a path that multiplies its matches is not served. */
export class TooManySteps extends Error {}

/** What the paths of one command may still do, all of them together. */
export class StepBudget {
  #left = stepsAlways;

  grantFor(document: JsonDocument): void {
    this.#left += stepsPerNode * document.nodeCount;
  }

  get isSpent(): boolean {
    return this.#left < 0;
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new TooManySteps();
  }
}

/** A value in a filter: a scalar, an array or object as its node, or undefined for nothing. */
type Value = string | number | boolean | null | { readonly node: number } | undefined;

/** Finds nodes by paths of RFC 9535, in its order, and in bounded time. */
export class NodeFinder {
  readonly #document: JsonDocument;
  readonly #budget: StepBudget;

  /** All paths of a command are looked for by one finder; of several documents, by finders with one budget. */
  constructor(document: JsonDocument, budget: StepBudget = new StepBudget()) {
    this.#document = document;
    this.#budget = budget;
    budget.grantFor(document);
  }

  /** The nodes a path finds; one that it finds several times is there several times. Throws {@link TooManySteps}. */
  find(query: Query, from = 0): number[] {
    let nodes = [query.relative ? from : 0];
    for (const segment of query.segments) {
      const found: number[] = [];
      for (const node of nodes) {
        const end = segment.descendant ? this.#document.after(node) : node + 1;
        for (let at = node; at < end; at++) {
          this.#spend(1);
          for (const selector of segment.selectors) this.#select(selector, at, found);
        }
      }
      nodes = found;
    }
    return nodes;
  }

  #select(selector: Selector, node: number, found: number[]): void {
    const document = this.#document;
    const kind = document.kind(node);
    switch (selector.kind) {
      case 'name': {
        if (kind !== NodeKind.object) return;
        this.#spend(document.childCount(node));
        const member = document.member(node, selector.name);
        if (member >= 0) found.push(member);
        return;
      }
      case 'index':
        if (kind === NodeKind.array) this.#element(node, selector.index, found);
        return;
      case 'slice':
        if (kind === NodeKind.array) this.#slice(node, selector.first, selector.end, selector.step, found);
        return;
      case 'wildcard':
        for (const child of this.#children(node)) found.push(child);
        return;
      case 'filter':
        for (const child of this.#children(node)) {
          if (this.#holds(selector.test, child)) found.push(child);
        }
        return;
    }
  }

  #children(node: number): readonly number[] {
    const children: number[] = [];
    if (!this.#document.isContainer(node)) return children;
    const end = this.#document.after(node);
    for (let child = node + 1; child < end; child = this.#document.after(child)) children.push(child);
    this.#spend(children.length);
    return children;
  }

  /** One element, counted from the end when negative. */
  #element(node: number, index: number, found: number[]): void {
    const children = this.#children(node);
    const child = children[index < 0 ? children.length + index : index];
    if (child !== undefined) found.push(child);
  }

  /** RFC 9535, 2.3.4.2.2. */
  #slice(node: number, first: number | null, end: number | null, step: number, found: number[]): void {
    if (step === 0) return;
    const children = this.#children(node);
    const length = children.length;
    const start = normalized(first ?? (step > 0 ? 0 : length - 1), length);
    const stop = end === null ? (step > 0 ? length : -1) : normalized(end, length);
    if (step > 0) {
      const upper = Math.min(Math.max(stop, 0), length);
      for (let at = Math.min(Math.max(start, 0), length); at < upper; at += step) found.push(children[at] as number);
    } else {
      const lower = Math.min(Math.max(stop, -1), length - 1);
      for (let at = Math.min(Math.max(start, -1), length - 1); at > lower; at += step)
        found.push(children[at] as number);
    }
  }

  #holds(test: Test, node: number): boolean {
    this.#spend(1);
    switch (test.kind) {
      case 'and':
        return this.#holds(test.left, node) && this.#holds(test.right, node);
      case 'or':
        return this.#holds(test.left, node) || this.#holds(test.right, node);
      case 'not':
        return !this.#holds(test.of, node);
      case 'exists':
        return this.find(test.query, node).length > 0;
      case 'compare':
        return this.#compare(test.operator, this.#value(test.left, node), this.#value(test.right, node));
      case 'regexp': {
        const text = this.#value(test.text, node);
        const pattern = this.#value(test.pattern, node);
        if (typeof text !== 'string' || typeof pattern !== 'string') return false;
        return matchesRegexp(pattern, text, test.whole, (steps) => this.#spend(steps));
      }
    }
  }

  #value(operand: Operand, node: number): Value {
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'query':
        return this.#valueOf(this.find(operand.query, node)[0]);
      case 'value': {
        const [only, second] = this.find(operand.query, node);
        return second === undefined ? this.#valueOf(only) : undefined;
      }
      case 'count':
        return this.find(operand.query, node).length;
      case 'length': {
        const value = this.#value(operand.of, node);
        if (typeof value === 'string') return [...value].length;
        return value !== null && typeof value === 'object' ? this.#document.childCount(value.node) : undefined;
      }
    }
  }

  #valueOf(node: number | undefined): Value {
    if (node === undefined) return undefined;
    switch (this.#document.kind(node)) {
      case NodeKind.null:
        return null;
      case NodeKind.false:
        return false;
      case NodeKind.true:
        return true;
      case NodeKind.number:
        return this.#document.number(node);
      case NodeKind.string:
        this.#spend((this.#document.end(node) - this.#document.start(node)) >> 6);
        return this.#document.string(node);
      default:
        return { node };
    }
  }

  #compare(operator: Operator, left: Value, right: Value): boolean {
    switch (operator) {
      case '==':
        return this.#equal(left, right);
      case '!=':
        return !this.#equal(left, right);
      case '<':
        return isLess(left, right);
      case '>':
        return isLess(right, left);
      case '<=':
        return isLess(left, right) || this.#equal(left, right);
      case '>=':
        return isLess(right, left) || this.#equal(left, right);
    }
  }

  #equal(left: Value, right: Value): boolean {
    if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return left === right;
    return this.#equalContainers(left.node, right.node);
  }

  #equalContainers(left: number, right: number): boolean {
    if (this.#document.kind(left) !== this.#document.kind(right)) return false;
    const lefts = this.#children(left);
    const rights = this.#children(right);
    if (lefts.length !== rights.length) return false;
    if (this.#document.kind(left) === NodeKind.array) {
      return lefts.every((child, index) => this.#equal(this.#valueOf(child), this.#valueOf(rights[index])));
    }
    const named = new Map<string, number>();
    for (const child of rights) named.set(this.#document.name(child), child);
    return lefts.every((child) => {
      const other = named.get(this.#document.name(child));
      return other !== undefined && this.#equal(this.#valueOf(child), this.#valueOf(other));
    });
  }

  #spend(steps: number): true {
    this.#budget.spend(steps);
    return true;
  }
}

function normalized(index: number, length: number): number {
  return index < 0 ? length + index : index;
}

/** Numbers by size, strings by code points; nothing else has an order. */
function isLess(left: Value, right: Value): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left < right;
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  const length = Math.min(left.length, right.length);
  let at = 0;
  while (at < length && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  if (at === length) return left.length < right.length;
  // Halves of a pair sort above all that is one unit long, as the characters they make do.
  return order(left.charCodeAt(at)) < order(right.charCodeAt(at));
}

function order(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
