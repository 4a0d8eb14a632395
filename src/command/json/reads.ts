import { type ReadView, ValueType } from '../../base/view.ts';
import type { Args } from '../args.ts';
import { type CommandDeclaration, firstKey, type ReadCommand } from '../command.ts';
import { isWord } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';
import {
  findNodes,
  openDocument,
  openedDocument,
  openedFinder,
  type Path,
  pathArg,
  replyEach,
  tellNoPath,
  tellTooManySteps,
} from './access.ts';
import { type JsonDocument, NodeKind } from './document.ts';
import { type NodeFinder, StepBudget } from './find.ts';
import {
  appendLine,
  appendNode,
  closeBrace,
  closeBracket,
  colon,
  comma,
  type Layout,
  openBrace,
  openBracket,
  shortest,
  TextBuffer,
  TextTooLarge,
} from './text.ts';

const out = new TextBuffer();
/** Bytes of documents that JSON.MGET reads, or one that is larger: parsing takes some 15 ns a byte. */
const parsedBytesMax = 64 * 2 ** 20;

function get(view: ReadView, args: Args, reply: ReplyWriter): void {
  let index = 1;
  let layout: Layout = shortest;
  for (; index + 1 < args.count; index += 2) {
    const text = Buffer.from(args.view(index + 1)).toString('utf8');
    if (isWord(args, index, 'INDENT')) layout = { ...layout, indent: text };
    else if (isWord(args, index, 'NEWLINE')) layout = { ...layout, newline: text };
    else if (isWord(args, index, 'SPACE')) layout = { ...layout, space: text };
    else break;
  }
  const paths: Path[] = [];
  do {
    const path = pathArg(args, index, reply);
    if (path === null) return;
    paths.push(path);
  } while (++index < args.count);
  const opened = openDocument(view, args, 0, reply);
  if (opened === 'absent') reply.null();
  if (opened !== 'document') return;
  if (!appendWithin(reply, () => appendPaths(paths, layout, reply))) return;
  reply.bulk(ValueType.json, out.bytes, 0, out.length);
}

/** Has the text of a reply written to `out`: no more of it than the reply has room for. */
function appendWithin(reply: ReplyWriter, append: () => boolean): boolean {
  out.clear();
  out.bytesMax = reply.room;
  try {
    return append();
  } catch (error) {
    if (error instanceof TextTooLarge) throw reply.tooLarge();
    throw error;
  }
}

function appendPaths(paths: readonly Path[], layout: Layout, reply: ReplyWriter): boolean {
  const finder = openedFinder();
  const [first] = paths;
  if (first === undefined || paths.length > 1) return appendByPath(paths, finder, layout, reply);
  return appendFound(first, finder, first.legacy, layout, 0, reply);
}

/** An object with a member a path. Only if all paths are of the old notation, each one's value stands for itself. */
function appendByPath(paths: readonly Path[], finder: NodeFinder, layout: Layout, reply: ReplyWriter): boolean {
  const bare = paths.every((path) => path.legacy);
  out.byte(openBrace);
  for (const [index, path] of paths.entries()) {
    if (index > 0) out.byte(comma);
    appendLine(layout, 1, out);
    out.text(JSON.stringify(path.text));
    out.byte(colon);
    out.text(layout.space);
    if (!appendFound(path, finder, bare, layout, 1, reply)) return false;
  }
  appendLine(layout, 0, out);
  out.byte(closeBrace);
  return true;
}

/** What a path finds: an array of all, or bare the first alone. */
function appendFound(
  path: Path,
  finder: NodeFinder,
  bare: boolean,
  layout: Layout,
  depth: number,
  reply: ReplyWriter,
): boolean {
  const nodes = findNodes(path, reply, finder);
  if (nodes === null) return false;
  const document = openedDocument();
  if (bare) {
    const [first] = nodes;
    if (first === undefined) {
      tellNoPath(path, reply);
      return false;
    }
    appendNode(document, first, layout, depth, out);
    return true;
  }
  out.byte(openBracket);
  for (const [index, node] of nodes.entries()) {
    if (index > 0) out.byte(comma);
    appendLine(layout, depth + 1, out);
    appendNode(document, node, layout, depth + 1, out);
  }
  if (nodes.length > 0) appendLine(layout, depth, out);
  out.byte(closeBracket);
  return true;
}

function mget(view: ReadView, args: Args, reply: ReplyWriter): void {
  const path = pathArg(args, args.count - 1, reply);
  if (path === null) return;
  if (!mayParseAll(view, args, reply)) return;
  const budget = new StepBudget();
  reply.array(args.count - 1);
  for (let index = 0; index < args.count - 1; index++) {
    const before = reply.length;
    const append = (): boolean => appendFound(path, openedFinder(budget), path.legacy, shortest, 0, reply);
    if (openDocument(view, args, index, reply) === 'document' && appendWithin(reply, append)) {
      reply.bulk(ValueType.json, out.bytes, 0, out.length);
    } else if (budget.isSpent) {
      reply.truncate(0);
      tellTooManySteps(reply);
      return;
    } else {
      // What is no document, or has not the path, is null: the other keys' values are not lost for its error.
      reply.truncate(before);
      reply.null();
    }
  }
}

/** False, with the error written, when the documents of several keys are too much to read at once. */
function mayParseAll(view: ReadView, args: Args, reply: ReplyWriter): boolean {
  let total = 0;
  for (let index = 0; index < args.count - 1; index++) {
    if (view.peek(args.bytes, args.start(index), args.end(index))) total += view.entry.valueBytes;
    if (total <= parsedBytesMax || index === 0) continue;
    const message = `the documents have more than ${parsedBytesMax} bytes together; ask for less at once`;
    reply.error('request-too-large', message);
    return false;
  }
  return true;
}

/** Reads one thing of each node a path (argument 1) finds. */
function perNode(tell: (document: JsonDocument, node: number, reply: ReplyWriter) => void): ReadCommand['run'] {
  return (view, args, reply) => {
    const path = pathArg(args, 1, reply);
    if (path === null) return;
    const opened = openDocument(view, args, 0, reply);
    if (opened === 'absent') reply.null();
    if (opened !== 'document') return;
    const nodes = findNodes(path, reply);
    if (nodes === null) return;
    const document = openedDocument();
    replyEach(path, nodes, reply, (node) => tell(document, node, reply));
  };
}

const tellTypes = perNode(tellType);

function type(view: ReadView, args: Args, reply: ReplyWriter): void {
  const at = reply.length;
  tellTypes(view, args, reply);
  reply.enclose(at);
}

function tellType(document: JsonDocument, node: number, reply: ReplyWriter): void {
  reply.bulkText(typeName(document, node));
}

function typeName(document: JsonDocument, node: number): string {
  switch (document.kind(node)) {
    case NodeKind.null:
      return 'null';
    case NodeKind.false:
    case NodeKind.true:
      return 'boolean';
    case NodeKind.number: {
      const text = Buffer.from(document.bytes.subarray(document.start(node), document.end(node))).toString('latin1');
      return /[.eE]/.test(text) ? 'number' : 'integer';
    }
    case NodeKind.string:
      return 'string';
    case NodeKind.array:
      return 'array';
    case NodeKind.object:
      return 'object';
  }
}

function tellArrayLength(document: JsonDocument, node: number, reply: ReplyWriter): void {
  if (document.kind(node) === NodeKind.array) reply.integer(document.childCount(node));
  else reply.null();
}

function tellObjectLength(document: JsonDocument, node: number, reply: ReplyWriter): void {
  if (document.kind(node) === NodeKind.object) reply.integer(document.childCount(node));
  else reply.null();
}

function tellStringLength(document: JsonDocument, node: number, reply: ReplyWriter): void {
  if (document.kind(node) === NodeKind.string) reply.integer(Buffer.byteLength(document.string(node)));
  else reply.null();
}

function tellNames(document: JsonDocument, node: number, reply: ReplyWriter): void {
  if (document.kind(node) !== NodeKind.object) {
    reply.null();
    return;
  }
  reply.array(document.childCount(node));
  const end = document.after(node);
  for (let child = node + 1; child < end; child = document.after(child)) reply.bulkText(document.name(child));
}

/** Parsing takes some 15 ns a byte: a millisecond at the most on a front end. */
const localValueBytesMax = 64 * 1024;

const perNodeRow = {
  kind: 'read',
  localValueBytesMax,
  arity: -2,
  flags: ['readonly'],
  keys: firstKey,
  gather: 'single',
  group: 'json',
  since: '1.0.0',
  complexity: 'O(N) where N is the size of the document',
  syntax: 'key [path]',
} as const;

export const jsonReads: readonly CommandDeclaration[] = [
  {
    ...perNodeRow,
    name: 'json.get',
    summary:
      'Returns what a path finds in a document as an array in JSON, what several paths find as an object of arrays; ' +
      'without a path the document.',
    syntax: 'key [INDENT indent] [NEWLINE newline] [SPACE space] [path [path ...]]',
    run: get,
  },
  {
    ...perNodeRow,
    name: 'json.mget',
    arity: -3,
    keys: { first: 0, last: -2, step: 1 },
    gather: 'by-key',
    summary: 'Returns what a path finds in each of several documents; null for a key that is none.',
    complexity: 'O(M*N) where M is the number of keys and N the size of a document',
    syntax: 'key [key ...] path',
    run: mget,
  },
  { ...perNodeRow, name: 'json.type', summary: 'Returns the types of what a path finds.', run: type },
  {
    ...perNodeRow,
    name: 'json.arrlen',
    summary: 'Returns the lengths of the arrays a path finds; null for what is no array.',
    run: perNode(tellArrayLength),
  },
  {
    ...perNodeRow,
    name: 'json.objlen',
    summary: 'Returns the numbers of members of the objects a path finds; null for what is no object.',
    run: perNode(tellObjectLength),
  },
  {
    ...perNodeRow,
    name: 'json.objkeys',
    summary: 'Returns the names in the objects a path finds; null for what is no object.',
    run: perNode(tellNames),
  },
  {
    ...perNodeRow,
    name: 'json.strlen',
    summary: 'Returns the lengths in bytes of the strings a path finds; null for what is no string.',
    run: perNode(tellStringLength),
  },
];
