import type { WriteView } from '../../base/view.ts';
import type { Args } from '../args.ts';
import type { CommandDeclaration } from '../command.ts';
import { isWord, syntaxError } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';
import { wrongType } from '../storing.ts';
import {
  documentArg,
  findNodes,
  isDocumentType,
  openDocument,
  openedDocument,
  type Path,
  pathArg,
  storeChanged,
  storeNew,
  storeOver,
  writeRow,
} from './access.ts';
import { type JsonDocument, NodeKind } from './document.ts';
import { DocumentEdit } from './edit.ts';
import { mergeNode, nodeText, patchedText } from './merge.ts';
import type { Query } from './query.ts';
import { outermostOf, removeNodes } from './remove.ts';
import { appendNode, shortest, TextBuffer } from './text.ts';

const out = new TextBuffer();
const newAtRoot = 'new objects must be created at the root';

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
  const given = documentArg(args, 2, reply);
  if (given === null) return;
  if (path.query.segments.length === 0) {
    setWhole(store, args, given, onlyIfAbsent, onlyIfPresent, reply);
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
  else if (storeChanged(store, args, edit, reply)) reply.ok();
}

/** Sets the whole document without reading the one that is there. */
function setWhole(
  store: WriteView,
  args: Args,
  given: JsonDocument,
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

function merge(store: WriteView, args: Args, reply: ReplyWriter): void {
  const path = pathArg(args, 1, reply);
  if (path === null) return;
  const given = documentArg(args, 2, reply);
  if (given === null) return;
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
  if (edit.isEmpty || storeChanged(store, args, edit, reply)) reply.ok();
}

export const jsonSets: readonly CommandDeclaration[] = [
  {
    ...writeRow,
    name: 'json.set',
    event: 'json.set',
    arity: -4,
    summary:
      'Replaces what a path finds by a JSON value, or adds it as a member where the path but for its last name finds ' +
      'objects. A new key must be set at the root. Keeps the time to live.',
    syntax: 'key path value [NX | XX]',
    run: set,
  },
  {
    ...writeRow,
    name: 'json.merge',
    event: 'json.merge',
    arity: 4,
    since: '2.6.0',
    summary: 'Merges a JSON value into what a path finds, as RFC 7396 has it: null removes.',
    syntax: 'key path value',
    run: merge,
  },
];
