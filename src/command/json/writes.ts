import type { WriteView } from '../../base/view.ts';
import type { Args } from '../args.ts';
import { type CommandDeclaration, firstKey } from '../command.ts';
import { int64Max, int64Min } from '../decimal.ts';
import { isWord, notAFloat, syntaxError } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';
import { wrongType } from '../storing.ts';
import {
  findNodes,
  isDocumentType,
  openDocument,
  openedDocument,
  type Path,
  pathArg,
  replyEach,
  storeChanged,
  storeNew,
  storeOver,
  tellNoPath,
} from './access.ts';
import { documentFault, JsonDocument, NodeKind, skipNumber } from './document.ts';
import { DocumentEdit } from './edit.ts';
import { mergeNode, nodeText, patchedText } from './merge.ts';
import type { Query } from './query.ts';
import { appendNode, shortest, TextBuffer } from './text.ts';

const out = new TextBuffer();
/** The document of an argument, beside the stored one. */
const given = new JsonDocument();

const newAtRoot = 'new objects must be created at the root';
const noKey = "could not perform this operation on a key that doesn't exist";

function parseGiven(args: Args, index: number, reply: ReplyWriter): boolean {
  const fault = given.parse(args.bytes, args.start(index), args.end(index));
  if (fault !== null) documentFault(fault, reply);
  return fault === null;
}

function set(store: WriteView, args: Args, reply: ReplyWriter): void {
  const path = pathArg(args, 1, reply);
  if (path === null) return;
  let onlyIfAbsent = false;
  let onlyIfPresent = false;
  for (let index = 3; index < args.count; index++) {
    if (isWord(args, index, 'NX') && !onlyIfPresent) onlyIfAbsent = true;
    else if (isWord(args, index, 'XX') && !onlyIfAbsent) onlyIfPresent = true;
    else {
      syntaxError(reply);
      return;
    }
  }
  if (!parseGiven(args, 2, reply)) return;
  if (path.query.segments.length === 0) {
    setWhole(store, args, onlyIfAbsent, onlyIfPresent, reply);
    return;
  }
  const opened = openDocument(store, args, 0, reply);
  if (opened === 'absent') reply.error('invalid-argument', newAtRoot);
  if (opened !== 'document') return;
  const text = nodeText(given, 0);
  const nodes = findNodes(path, reply);
  if (nodes === null) return;
  const edit = new DocumentEdit(openedDocument());
  if (nodes.length > 0) {
    if (!onlyIfAbsent) for (const node of nodes) edit.replace(node, text);
  } else if (!onlyIfPresent && !addMembers(path, text, edit, reply)) return;
  if (edit.isEmpty) reply.null();
  else if (putChanged(store, args, edit, reply)) reply.ok();
}

/** Sets the whole document without reading the one that is there. */
function setWhole(
  store: WriteView,
  args: Args,
  onlyIfAbsent: boolean,
  onlyIfPresent: boolean,
  reply: ReplyWriter,
): void {
  const found = store.lookup(args.bytes, args.start(0), args.end(0));
  if (found && !isDocumentType(store.entry.type)) {
    reply.error('wrong-type', wrongType);
    return;
  }
  if (found ? onlyIfAbsent : onlyIfPresent) {
    reply.null();
    return;
  }
  out.clear();
  appendNode(given, 0, shortest, 0, out);
  const stored = found ? storeOver(store, args, given.kind(0), out, reply) : storeNew(store, args, out, reply);
  if (stored) reply.ok();
}

/** Adds the last name of a path that finds nothing to the objects the rest of it finds. */
function addMembers(path: Path, text: string, edit: DocumentEdit, reply: ReplyWriter): boolean {
  const segments = path.query.segments;
  const last = segments[segments.length - 1]?.selectors[0];
  if (!path.query.singular || last === undefined) {
    reply.error('no-such-path', 'wrong static path');
    return false;
  }
  if (last.kind !== 'name') {
    reply.error('no-such-path', 'array index out of range');
    return false;
  }
  const rest: Query = { ...path.query, segments: segments.slice(0, -1) };
  const parents = findNodes({ ...path, query: rest }, reply);
  if (parents === null) return false;
  const document = openedDocument();
  for (const parent of parents) {
    if (document.kind(parent) === NodeKind.object) edit.addMember(parent, last.name.text, text);
  }
  return true;
}

function putChanged(store: WriteView, args: Args, edit: DocumentEdit, reply: ReplyWriter): boolean {
  out.clear();
  edit.write(out);
  return storeChanged(store, args, out, reply);
}

function del(store: WriteView, args: Args, reply: ReplyWriter): void {
  const path = pathArg(args, 1, reply);
  if (path === null) return;
  const opened = openDocument(store, args, 0, reply);
  if (opened === 'absent') reply.integer(0);
  if (opened !== 'document') return;
  const nodes = findNodes(path, reply);
  if (nodes === null) return;
  if (nodes.includes(0)) {
    store.remove(args.bytes, args.start(0), args.end(0));
    reply.integer(1);
    return;
  }
  removeNodes(store, args, nodes, reply, (count) => reply.integer(count));
}

/** Removes nodes, those within others with them, and tells how many went by themselves. */
function removeNodes(
  store: WriteView,
  args: Args,
  nodes: readonly number[],
  reply: ReplyWriter,
  tell: (count: number) => void,
): void {
  const outermost = outermostOf(openedDocument(), nodes);
  const edit = new DocumentEdit(openedDocument());
  for (const node of outermost) edit.remove(node);
  if (edit.isEmpty || putChanged(store, args, edit, reply)) tell(outermost.length);
}

/** Each node once, in the order of the text, and none that is within another. */
function outermostOf(document: JsonDocument, nodes: readonly number[]): number[] {
  const sorted = [...new Set(nodes)].sort((a, b) => a - b);
  let behind = 0;
  return sorted.filter((node) => {
    if (node < behind) return false;
    behind = document.after(node);
    return true;
  });
}

function merge(store: WriteView, args: Args, reply: ReplyWriter): void {
  const path = pathArg(args, 1, reply);
  if (path === null || !parseGiven(args, 2, reply)) return;
  const opened = openDocument(store, args, 0, reply);
  if (opened === 'refused') return;
  if (opened === 'absent') {
    if (path.query.segments.length > 0) {
      reply.error('invalid-argument', newAtRoot);
      return;
    }
    out.clear();
    out.text(patchedText(given, 0));
    if (storeNew(store, args, out, reply)) reply.ok();
    return;
  }
  const nodes = findNodes(path, reply);
  if (nodes === null) return;
  if (given.kind(0) === NodeKind.null && !nodes.includes(0)) {
    removeNodes(store, args, nodes, reply, () => reply.ok());
    return;
  }
  const document = openedDocument();
  const edit = new DocumentEdit(document);
  for (const node of outermostOf(document, nodes)) mergeNode(document, node, given, 0, edit);
  if (nodes.length === 0 && !addMembers(path, patchedText(given, 0), edit, reply)) return;
  if (edit.isEmpty || putChanged(store, args, edit, reply)) reply.ok();
}

/**
 * Opens the document, changes each node that the path finds, stores it, and has `tell` reply with what `change` returned
 * for each: null for a node it leaves alone. A change that cannot be made writes its error, and then nothing is stored.
 */
function changeEach<Result>(
  store: WriteView,
  args: Args,
  path: Path,
  reply: ReplyWriter,
  change: (document: JsonDocument, node: number, edit: DocumentEdit) => Result | null,
  tell: (results: ReadonlyMap<number, Result>, nodes: readonly number[]) => void,
): void {
  const opened = openDocument(store, args, 0, reply);
  if (opened === 'absent') reply.error('no-such-key', noKey);
  if (opened !== 'document') return;
  const nodes = findNodes(path, reply);
  if (nodes === null) return;
  if (path.legacy && nodes.length === 0) {
    tellNoPath(path, reply);
    return;
  }
  const document = openedDocument();
  const edit = new DocumentEdit(document);
  const results = new Map<number, Result>();
  for (const node of new Set(nodes)) {
    const result = change(document, node, edit);
    if (result !== null) results.set(node, result);
    if (reply.length > 0) return;
  }
  if (edit.isEmpty || putChanged(store, args, edit, reply)) tell(results, nodes);
}

function replyIntegers(path: Path, reply: ReplyWriter) {
  return (results: ReadonlyMap<number, number>, nodes: readonly number[]): void => {
    replyEach(path, nodes, reply, (node) => {
      const result = results.get(node);
      if (result === undefined) reply.null();
      else reply.integer(result);
    });
  };
}

function numincrby(store: WriteView, args: Args, reply: ReplyWriter): void {
  const path = pathArg(args, 1, reply);
  if (path === null) return;
  if (skipNumber(args.bytes, args.start(2), args.end(2)) !== args.end(2)) {
    reply.error('invalid-argument', notAFloat);
    return;
  }
  const amount = Buffer.from(args.view(2)).toString('latin1');
  changeEach(
    store,
    args,
    path,
    reply,
    (document, node, edit) => {
      if (document.kind(node) !== NodeKind.number) return null;
      const sum = addNumbers(nodeText(document, node), amount);
      if (sum === null) reply.error('overflow', 'result is not a number');
      else edit.replace(node, sum);
      return sum;
    },
    (sums, nodes) => {
      const texts = nodes.map((node) => sums.get(node) ?? 'null');
      reply.bulkText(path.legacy ? (texts[0] ?? 'null') : `[${texts.join(',')}]`);
    },
  );
}

const integerText = /^-?\d+$/;

/** Integers of 64 bits exactly, all else as doubles; null when the sum is not finite. */
function addNumbers(one: string, other: string): string | null {
  if (integerText.test(one) && integerText.test(other) && one.length < 21 && other.length < 21) {
    const sum = BigInt(one) + BigInt(other);
    if (sum >= int64Min && sum <= int64Max) return String(sum);
  }
  const sum = Number(one) + Number(other);
  return Number.isFinite(sum) ? JSON.stringify(sum) : null;
}

function strappend(store: WriteView, args: Args, reply: ReplyWriter): void {
  // The path may be left out: then the last argument is the value all the same.
  const path = pathArg(args, args.count > 2 ? 1 : args.count, reply);
  if (path === null || !parseGiven(args, args.count - 1, reply)) return;
  if (given.kind(0) !== NodeKind.string) {
    reply.error('invalid-argument', 'the value to append must be a JSON string');
    return;
  }
  const tail = given.string(0);
  changeEach(
    store,
    args,
    path,
    reply,
    (document, node, edit) => {
      if (document.kind(node) !== NodeKind.string) return null;
      const whole = document.string(node) + tail;
      edit.replace(node, JSON.stringify(whole));
      return Buffer.byteLength(whole);
    },
    replyIntegers(path, reply),
  );
}

function arrappend(store: WriteView, args: Args, reply: ReplyWriter): void {
  const path = pathArg(args, 1, reply);
  if (path === null) return;
  const texts: string[] = [];
  for (let index = 2; index < args.count; index++) {
    if (!parseGiven(args, index, reply)) return;
    texts.push(nodeText(given, 0));
  }
  changeEach(
    store,
    args,
    path,
    reply,
    (document, node, edit) => {
      if (document.kind(node) !== NodeKind.array) return null;
      for (const text of texts) edit.addElement(node, text);
      return document.childCount(node) + texts.length;
    },
    replyIntegers(path, reply),
  );
}

function clear(store: WriteView, args: Args, reply: ReplyWriter): void {
  const path = pathArg(args, 1, reply);
  if (path === null) return;
  changeEach(
    store,
    args,
    path,
    reply,
    (document, node, edit) => {
      const kind = document.kind(node);
      let text = '';
      if (kind === NodeKind.number && document.number(node) !== 0) text = '0';
      else if (kind === NodeKind.array && document.childCount(node) > 0) text = '[]';
      else if (kind === NodeKind.object && document.childCount(node) > 0) text = '{}';
      if (text === '') return null;
      edit.replace(node, text);
      return text;
    },
    (cleared) => reply.integer(cleared.size),
  );
}

function toggle(store: WriteView, args: Args, reply: ReplyWriter): void {
  const path = pathArg(args, 1, reply);
  if (path === null) return;
  changeEach(
    store,
    args,
    path,
    reply,
    (document, node, edit) => {
      const kind = document.kind(node);
      if (kind !== NodeKind.true && kind !== NodeKind.false) return null;
      const on = kind === NodeKind.false;
      edit.replace(node, String(on));
      return on ? 1 : 0;
    },
    replyIntegers(path, reply),
  );
}

const writeRow = {
  kind: 'write',
  arity: -3,
  flags: ['write', 'denyoom'],
  keys: firstKey,
  gather: 'single',
  group: 'json',
  since: '1.0.0',
  complexity: 'O(N) where N is the size of the document',
} as const;

const delRow = {
  ...writeRow,
  name: 'json.del',
  arity: -2,
  flags: ['write'],
  summary: 'Removes what a path finds, the key when that is the whole document; returns how many went.',
  syntax: 'key [path]',
  run: del,
} as const;

export const jsonWrites: readonly CommandDeclaration[] = [
  {
    ...writeRow,
    name: 'json.set',
    arity: -4,
    summary:
      'Replaces what a path finds by a JSON value, or adds it as a member where the path but for its last name finds ' +
      'objects. A new key must be set at the root. Keeps the time to live.',
    syntax: 'key path value [NX | XX]',
    run: set,
  },
  delRow,
  { ...delRow, name: 'json.forget', summary: 'The same as JSON.DEL.' },
  {
    ...writeRow,
    name: 'json.merge',
    arity: 4,
    since: '2.6.0',
    summary: 'Merges a JSON value into what a path finds, as RFC 7396 has it: null removes.',
    syntax: 'key path value',
    run: merge,
  },
  {
    ...writeRow,
    name: 'json.numincrby',
    arity: 4,
    summary: 'Adds a number to the numbers a path finds; integers of 64 bits exactly. Returns the sums as JSON.',
    syntax: 'key path value',
    run: numincrby,
  },
  {
    ...writeRow,
    name: 'json.strappend',
    arity: -3,
    summary: 'Appends a JSON string to the strings a path finds; returns their new lengths in bytes.',
    syntax: 'key [path] value',
    run: strappend,
  },
  {
    ...writeRow,
    name: 'json.arrappend',
    arity: -4,
    summary: 'Appends JSON values to the arrays a path finds; returns their new lengths.',
    syntax: 'key path value [value ...]',
    run: arrappend,
  },
  {
    ...writeRow,
    name: 'json.clear',
    arity: -2,
    since: '2.0.0',
    summary: 'Empties the arrays and objects a path finds and sets its numbers to 0; returns how many changed.',
    syntax: 'key [path]',
    run: clear,
  },
  {
    ...writeRow,
    name: 'json.toggle',
    arity: 3,
    since: '2.0.0',
    summary: 'Negates the booleans a path finds; returns 1 for true and 0 for false.',
    syntax: 'key path',
    run: toggle,
  },
];
