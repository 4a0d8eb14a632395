import type { WriteView } from '../../base/view.ts';
import type { Args } from '../args.ts';
import type { CommandDeclaration } from '../command.ts';
import { int64Max, int64Min } from '../decimal.ts';
import { notAFloat } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';
import {
  documentArg,
  findNodes,
  openDocument,
  openedDocument,
  type Path,
  pathArg,
  replyEach,
  storeChanged,
  tellNoPath,
  writeRow,
} from './access.ts';
import { type JsonDocument, NodeKind, skipNumber } from './document.ts';
import { DocumentEdit } from './edit.ts';
import { nodeText } from './merge.ts';

const noKey = "could not perform this operation on a key that doesn't exist";

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
  if (edit.isEmpty || storeChanged(store, args, edit, reply)) tell(results, nodes);
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
      reply.numbers(path.legacy ? (texts[0] ?? 'null') : `[${texts.join(',')}]`);
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
  if (path === null) return;
  const given = documentArg(args, args.count - 1, reply);
  if (given === null) return;
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
    const given = documentArg(args, index, reply);
    if (given === null) return;
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

export const jsonChanges: readonly CommandDeclaration[] = [
  {
    ...writeRow,
    name: 'json.numincrby',
    event: 'json.numincrby',
    arity: 4,
    summary: 'Adds a number to the numbers a path finds; integers of 64 bits exactly. Returns the sums as JSON.',
    syntax: 'key path value',
    run: numincrby,
  },
  {
    ...writeRow,
    name: 'json.strappend',
    event: 'json.strappend',
    arity: -3,
    summary: 'Appends a JSON string to the strings a path finds; returns their new lengths in bytes.',
    syntax: 'key [path] value',
    run: strappend,
  },
  {
    ...writeRow,
    name: 'json.arrappend',
    event: 'json.arrappend',
    arity: -4,
    summary: 'Appends JSON values to the arrays a path finds; returns their new lengths.',
    syntax: 'key path value [value ...]',
    run: arrappend,
  },
  {
    ...writeRow,
    name: 'json.clear',
    event: 'json.clear',
    arity: -2,
    since: '2.0.0',
    summary: 'Empties the arrays and objects a path finds and sets its numbers to 0; returns how many changed.',
    syntax: 'key [path]',
    run: clear,
  },
  {
    ...writeRow,
    name: 'json.toggle',
    event: 'json.toggle',
    arity: 3,
    since: '2.0.0',
    summary: 'Negates the booleans a path finds; returns 1 for true and 0 for false.',
    syntax: 'key path',
    run: toggle,
  },
];
