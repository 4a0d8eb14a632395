/**
 * The notation of arguments in the command table (`key value [NX | XX] [EX seconds | KEEPTTL]`), taken apart so that a
 * line half typed can be held against it.
 */

/** A word to type as it stands (upper case), or a name for what is typed. */
interface SyntaxWord {
  readonly kind: 'keyword' | 'operand';
  readonly text: string;
}

/** `[a | b]`, or `<a | b>` for one of them that must be there. */
interface SyntaxGroup {
  readonly kind: 'optional' | 'required';
  readonly alternatives: readonly (readonly SyntaxPart[])[];
  /** May come any number of times: ended in `...`. */
  readonly isRepeated: boolean;
  readonly text: string;
}

export type SyntaxPart = SyntaxWord | SyntaxGroup;

const closing: Readonly<Record<string, string>> = { '[': ']', '<': '>' };

/** Takes a row's syntax apart. Brackets that do not match close at the end. */
export function parseSyntax(syntax: string): readonly SyntaxPart[] {
  const tokens = syntax.match(/[[\]<>|]|\.\.\.|[^\s[\]<>|]+/g) ?? [];
  let at = 0;
  return parts('');

  function parts(end: string): SyntaxPart[] {
    const found: SyntaxPart[] = [];
    while (at < tokens.length && tokens[at] !== end && !(end !== '' && tokens[at] === '|')) {
      const token = tokens[at++] as string;
      if (token === '[' || token === '<') found.push(group(token));
      else if (token !== '...') found.push({ kind: isKeyword(token) ? 'keyword' : 'operand', text: token });
    }
    return found;
  }

  function group(open: string): SyntaxGroup {
    const end = closing[open] as string;
    const first = at;
    const alternatives = [parts(end)];
    while (tokens[at] === '|') {
      at++;
      alternatives.push(parts(end));
    }
    const inner = tokens.slice(first, at);
    at++;
    const isRepeated = inner.at(-1) === '...';
    const text = `${open}${joined(inner)}${end}`;
    return { kind: open === '[' ? 'optional' : 'required', alternatives, isRepeated, text };
  }
}

function joined(tokens: readonly string[]): string {
  return tokens
    .join(' ')
    .replaceAll(/([[<]) /g, '$1')
    .replaceAll(/ ([\]>])/g, '$1');
}

function isKeyword(text: string): boolean {
  return /[A-Z]/.test(text) && !/[a-z]/.test(text);
}

/** What may follow a number of arguments. */
export interface Continuation {
  /** The rest of the syntax, in its notation; null when the arguments do not fit it. */
  readonly rest: string | null;
  /** Keywords that may come next, each with what follows it. */
  readonly keywords: readonly { readonly word: string; readonly behind: string }[];
}

/** Holds complete arguments against a syntax. What fits in several ways is taken the first way. */
export function continuationOf(syntax: readonly SyntaxPart[], args: readonly string[]): Continuation {
  const pending = [...args];
  const rest = match(syntax, pending);
  if (pending.length > 0) return { rest: null, keywords: [] };
  return { rest: textOf(rest), keywords: nextKeywords(rest) };
}

/** Takes from `args` what fits `parts` and returns the parts that are left. */
function match(parts: readonly SyntaxPart[], args: string[]): readonly SyntaxPart[] {
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] as SyntaxPart;
    if (args.length === 0) return parts.slice(at);
    if (part.kind === 'operand') {
      args.shift();
    } else if (part.kind === 'keyword') {
      if (!isSame(part.text, args[0])) return parts.slice(at);
      args.shift();
    } else {
      // Neighbouring groups come in any order.
      let end = at;
      while (end < parts.length && isGroup(parts[end])) end++;
      const groups = parts.slice(at, end).filter((each) => isGroup(each));
      const left = matchGroups(groups, args);
      if (args.length === 0 || left.isInside) return [...left.parts, ...parts.slice(end)];
      at = end - 1;
    }
  }
  return [];
}

function isGroup(part: SyntaxPart | undefined): part is SyntaxGroup {
  return part !== undefined && (part.kind === 'optional' || part.kind === 'required');
}

function matchGroups(
  groups: readonly SyntaxGroup[],
  args: string[],
): { parts: readonly SyntaxPart[]; isInside: boolean } {
  let unused = groups;
  while (args.length > 0) {
    const found = alternativeFor(unused, args[0] as string);
    if (found === undefined) break;
    const left = match(found.alternative, args);
    if (!found.group.isRepeated) unused = unused.filter((each) => each !== found.group);
    const isWhole = left.every((part) => part.kind === 'optional');
    if (args.length === 0)
      return { parts: isWhole && left.length === 0 ? unused : [...left, ...unused], isInside: true };
    if (!isWhole) return { parts: left, isInside: true };
  }
  return { parts: unused, isInside: false };
}

/** Keywords before operands, as an operand would take any word. */
function alternativeFor(groups: readonly SyntaxGroup[], arg: string) {
  for (const kind of ['keyword', 'operand'] as const) {
    for (const group of groups) {
      for (const alternative of group.alternatives) {
        const first = alternative[0];
        if (first?.kind === kind && (kind === 'operand' || isSame((first as SyntaxWord).text, arg))) {
          return { group, alternative };
        }
      }
    }
  }
  return undefined;
}

function isSame(keyword: string, arg: string | undefined): boolean {
  return arg !== undefined && keyword === arg.toUpperCase();
}

function textOf(parts: readonly SyntaxPart[]): string {
  return parts.map((part) => part.text).join(' ');
}

function nextKeywords(parts: readonly SyntaxPart[]): { word: string; behind: string }[] {
  const found: { word: string; behind: string }[] = [];
  for (const part of parts) {
    if (!isGroup(part)) {
      if (part.kind === 'keyword') found.push({ word: part.text, behind: '' });
      break;
    }
    for (const [first, ...behind] of part.alternatives) {
      if (first?.kind === 'keyword') found.push({ word: first.text, behind: textOf(behind) });
    }
    if (part.kind === 'required') break;
  }
  return found;
}
