import { type ReadView, ValueType, type WriteView } from '../../base/view.ts';
import type { Args } from '../args.ts';
import { firstKey } from '../command.ts';
import { quote } from '../quote.ts';
import type { ReplyWriter } from '../reply.ts';
import { beginPut, beginRewrite, commitPutWithVersion, refuseTooLarge, setValue, wrongType } from '../storing.ts';
import { documentFault, JsonDocument, NodeKind } from './document.ts';
import type { DocumentEdit } from './edit.ts';
import { NodeFinder, type StepBudget, TooManySteps } from './find.ts';
import { PathError, parseQuery } from './parse-query.ts';
import type { Query } from './query.ts';
import { TextBuffer, TextTooLarge } from './text.ts';

/** A path as an argument gave it. */
export interface Path {
  readonly text: string;
  readonly query: Query;
  /** One that does not begin with `$`: of the old notation, where a reply is of one match and not an array of all. */
  readonly legacy: boolean;
}

const pathsKept = 256;
const paths = new Map<string, Path>();
const rootPath: Path = { text: '.', query: parseQuery('$'), legacy: true };

/** The path in argument `index`, the old root path when there is none; null, with the error written, when it is none. */
export function pathArg(args: Args, index: number, reply: ReplyWriter): Path | null {
  if (index >= args.count) return rootPath;
  const text = Buffer.from(
    args.bytes.buffer,
    args.bytes.byteOffset + args.start(index),
    args.byteLength(index),
  ).toString('utf8');
  const known = paths.get(text);
  if (known !== undefined) return known;
  try {
    const legacy = !text.startsWith('$');
    const path = { text, query: parseQuery(legacy ? modernPath(text) : text), legacy };
    if (paths.size >= pathsKept) paths.clear();
    paths.set(text, path);
    return path;
  } catch (error) {
    if (!(error instanceof PathError)) throw error;
    reply.error('invalid-path', error.message);
    return null;
  }
}

function modernPath(text: string): string {
  if (text === '.') return '$';
  return text.startsWith('.') || text.startsWith('[') ? `$${text}` : `$.${text}`;
}

const document = new JsonDocument();
let text = new Uint8Array(4096);
const textBytesKept = 1 << 20;

export type Opened = 'document' | 'absent' | 'refused';

/** Opens the document of the entry under key argument `index`; 'refused' with the error written. */
export function openDocument(view: ReadView, args: Args, index: number, reply: ReplyWriter): Opened {
  if (!view.lookup(args.bytes, args.start(index), args.end(index))) return 'absent';
  const { type, valueBytes } = view.entry;
  if (!isDocumentType(type)) {
    reply.error('wrong-type', wrongType);
    return 'refused';
  }
  if (text.length < valueBytes || text.length > textBytesKept) {
    text = new Uint8Array(Math.max(4096, 2 ** Math.ceil(Math.log2(valueBytes))));
  }
  view.copyValue(text, 0);
  const fault = document.parse(text, 0, valueBytes);
  if (fault === null) return 'document';
  documentFault(fault, reply);
  return 'refused';
}

/** Whether values of the type are documents: numbers are, of one number each. */
export function isDocumentType(type: ValueType): boolean {
  return type === ValueType.json || type === ValueType.number;
}

/** The document opened last. */
export function openedDocument(): JsonDocument {
  return document;
}

const given = new JsonDocument();

/** The document in argument `index`, beside the opened one; null, with the error written, when it is none. */
export function documentArg(args: Args, index: number, reply: ReplyWriter): JsonDocument | null {
  const fault = given.parse(args.bytes, args.start(index), args.end(index));
  if (fault === null) return given;
  documentFault(fault, reply);
  return null;
}

/** Finds nodes in the opened document: one for all paths of a command. */
export function openedFinder(budget?: StepBudget): NodeFinder {
  return new NodeFinder(document, budget);
}

/** The nodes a path finds in the opened document; null, with the error written, when that takes too long. */
export function findNodes(path: Path, reply: ReplyWriter, finder = openedFinder()): readonly number[] | null {
  try {
    return finder.find(path.query);
  } catch (error) {
    if (!(error instanceof TooManySteps)) throw error;
    tellTooManySteps(reply);
    return null;
  }
}

export function tellTooManySteps(reply: ReplyWriter): void {
  reply.error('invalid-path', 'path visits too many values of the document, or all paths of the command together do');
}

export function tellNoPath(path: Path, reply: ReplyWriter): void {
  const bytes = Buffer.from(path.text, 'utf8');
  reply.error('no-such-path', `Path '${quote(bytes, 0, bytes.length, 128)}' does not exist`);
}

/** One reply a node: all in an array for a modern path, for an old one the first alone, which must be there. */
export function replyEach(
  path: Path,
  nodes: readonly number[],
  reply: ReplyWriter,
  tell: (node: number) => void,
): void {
  if (!path.legacy) {
    reply.array(nodes.length);
    for (const node of nodes) tell(node);
    return;
  }
  const first = nodes[0];
  if (first === undefined) tellNoPath(path, reply);
  else tell(first);
}

const out = new TextBuffer();
const bytesMaxMargin = 64 * 1024;

/** Stores the opened document as changed under key argument 0, keeping its expiry; false with the error written. */
export function storeChanged(store: WriteView, args: Args, edit: DocumentEdit, reply: ReplyWriter): boolean {
  out.clear();
  // What will be refused is not made first: a value may be put in many places. Blanks, which go, are reserved for.
  out.bytesMax = 2 * store.valueBytesMax + bytesMaxMargin;
  try {
    edit.write(out);
  } catch (error) {
    if (!(error instanceof TextTooLarge)) throw error;
    return refuseTooLarge(reply);
  }
  // Read again: what was put into the document may have made it nest too deep.
  const fault = document.parse(out.bytes, 0, out.length);
  if (fault === null) return storeOver(store, args, document.kind(0), out, reply);
  reply.truncate(0);
  documentFault(fault, reply);
  return false;
}

/** Stores the text of a document in place of the one just opened, keeping its expiry. `kind` is of its root. */
export function storeOver(store: WriteView, args: Args, kind: NodeKind, out: TextBuffer, reply: ReplyWriter): boolean {
  const request = beginRewrite(store, args, 0);
  // A number kept as such stays one, so that INCR goes on working on it.
  const staysNumber = store.entry.type === ValueType.number && kind === NodeKind.number;
  request.type = staysNumber ? ValueType.number : ValueType.json;
  setValue(request, out.bytes, 0, out.length);
  return commitPutWithVersion(store, reply);
}

/** Stores the text of a new document under key argument 0, without expiry. */
export function storeNew(store: WriteView, args: Args, out: TextBuffer, reply: ReplyWriter): boolean {
  const request = beginPut(args, 0);
  request.type = ValueType.json;
  setValue(request, out.bytes, 0, out.length);
  return commitPutWithVersion(store, reply);
}

/** What the rows of all commands that change documents have in common. */
export const writeRow = {
  kind: 'write',
  arity: -3,
  flags: ['write', 'denyoom'],
  keys: firstKey,
  gather: 'single',
  group: 'json',
  since: '1.0.0',
  complexity: 'O(N) where N is the size of the document',
} as const;
