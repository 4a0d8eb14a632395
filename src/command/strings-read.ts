import type { ReadView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey } from './command.ts';
import type { ReplyWriter } from './reply.ts';

export const stringReads: readonly CommandDeclaration[] = [
  {
    kind: 'read',
    name: 'get',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '1.0.0',
    summary: 'Returns the value of a key.',
    complexity: 'O(1)',
    syntax: 'key',
    run: get,
  },
];

function get(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (!view.lookup(args.bytes, args.start(0), args.end(0))) {
    reply.null();
    return;
  }
  const entry = view.entry;
  const at = reply.bulkOf(entry.type, entry.valueBytes);
  view.copyValue(reply.bytes, at);
}
