import type { MemberName } from './document.ts';

/** A path of RFC 9535, parsed. */
export interface Query {
  /** From the node a filter looks at (`@`) rather than from the root (`$`). */
  readonly relative: boolean;
  readonly segments: readonly Segment[];
  /** Whether it can find one node at most: names and single indexes only. */
  readonly singular: boolean;
}

export interface Segment {
  /** Whether it applies to all descendants and the node itself (`..`). */
  readonly descendant: boolean;
  readonly selectors: readonly Selector[];
}

export type Selector =
  | { readonly kind: 'name'; readonly name: MemberName }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly first: number | null; readonly end: number | null; readonly step: number }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'filter'; readonly test: Test };

/** What is true or false of a node. */
export type Test =
  | { readonly kind: 'and' | 'or'; readonly left: Test; readonly right: Test }
  | { readonly kind: 'not'; readonly of: Test }
  | { readonly kind: 'exists'; readonly query: Query }
  | { readonly kind: 'compare'; readonly operator: Operator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'regexp'; readonly whole: boolean; readonly text: Operand; readonly pattern: Operand };

export type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** What has a value, or nothing. */
export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'length'; readonly of: Operand }
  | { readonly kind: 'count' | 'value'; readonly query: Query };
