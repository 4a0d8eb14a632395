import type { WriteView } from '../../base/view.ts';
import type { Args } from '../args.ts';
import type { CommandDeclaration } from '../command.ts';
import type { ReplyWriter } from '../reply.ts';
import { findNodes, openDocument, openedDocument, pathArg, storeChanged, writeRow } from './access.ts';
import type { JsonDocument } from './document.ts';
import { DocumentEdit } from './edit.ts';

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
export function removeNodes(
  store: WriteView,
  args: Args,
  nodes: readonly number[],
  reply: ReplyWriter,
  tell: (count: number) => void,
): void {
  const outermost = outermostOf(openedDocument(), nodes);
  const edit = new DocumentEdit(openedDocument());
  for (const node of outermost) edit.remove(node);
  if (edit.isEmpty || storeChanged(store, args, edit, reply)) tell(outermost.length);
}

/** Each node once, in the order of the text, and none that is within another. */
export function outermostOf(document: JsonDocument, nodes: readonly number[]): number[] {
  const sorted = [...new Set(nodes)].sort((a, b) => a - b);
  let behind = 0;
  return sorted.filter((node) => {
    if (node < behind) return false;
    behind = document.after(node);
    return true;
  });
}

const delRow = {
  ...writeRow,
  name: 'json.del',
  event: 'json.del',
  removedEvent: 'json.del',
  arity: -2,
  flags: ['write'],
  summary: 'Removes what a path finds, the key when that is the whole document; returns how many went.',
  syntax: 'key [path]',
  run: del,
} as const;

export const jsonRemoves: readonly CommandDeclaration[] = [
  delRow,
  { ...delRow, name: 'json.forget', summary: 'The same as JSON.DEL.' },
];
