import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { hasArity, lastKeyOf } from '../../command/table.ts';

/**
 * Why a command that another node has sent is not run: that node's version or options may differ from this one's. Null:
 * it may be.
 */
export function forwardFault(command: Command | null, args: Args, keyBytesMax: number): string | null {
  if (command === null) return 'the node that has the key does not know the command; it may be of an older version';
  const { kind, keys } = command;
  if (kind !== 'read' && kind !== 'write' && kind !== 'pair' && kind !== 'survey' && kind !== 'sweep') {
    return `'${command.name}' is not for other nodes to run`;
  }
  const { first, last, step } = keys;
  const hasHalfGroup = step > 1 && last < 0 && (args.count - first) % step !== 0;
  if (!hasArity(command, args.count) || hasHalfGroup) return `wrong number of arguments for '${command.name}' command`;
  if (step === 0) return null;
  const lastKey = lastKeyOf(command, args);
  for (let at = first; at <= lastKey; at += step) {
    if (args.byteLength(at) > keyBytesMax) return 'the key is longer than the node that has it takes';
  }
  return null;
}
