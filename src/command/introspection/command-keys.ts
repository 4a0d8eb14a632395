import { ValueType } from '../../base/view.ts';
import type { Args } from '../args.ts';
import type { DescribedCommand, TablePort } from '../control.ts';
import { asciiText } from '../decimal.ts';
import type { ReplyWriter } from '../reply.ts';
import { keyFlagsOf, writeStatuses } from './command-info.ts';

/** The keys among the arguments of the command that argument 1 names, each with what is done with it if asked for. */
export function writeKeys(table: TablePort, args: Args, withFlags: boolean, reply: ReplyWriter): void {
  const command = commandAt(table, args, 1);
  if (command === undefined) {
    reply.error('unknown-command', 'Invalid command specified');
    return;
  }
  const { keys, arity } = command;
  if (keys.step === 0) {
    reply.error('invalid-argument', 'The command has no key arguments');
    return;
  }
  const wordCount = args.count - 1;
  if (arity > 0 ? wordCount !== arity : wordCount < -arity) {
    reply.error('arity', 'Invalid number of arguments specified for command');
    return;
  }
  const firstArg = 2;
  const last = keys.last < 0 ? args.count + keys.last : firstArg + keys.last;
  const mark = reply.beginArray();
  let count = 0;
  for (let index = firstArg + keys.first; index <= last; index += keys.step) {
    if (withFlags) reply.array(2);
    reply.bulk(ValueType.string, args.bytes, args.start(index), args.end(index));
    if (withFlags) writeStatuses(keyFlagsOf(command), reply);
    count++;
  }
  reply.endArray(mark, count);
}

/** The command that argument `index` names, with the argument behind it when it is a container. */
function commandAt(table: TablePort, args: Args, index: number): DescribedCommand | undefined {
  const wordAt = (at: number) => asciiText(args.bytes, args.start(at), args.end(at)).toLowerCase();
  const name = wordAt(index);
  const command = table.described(name);
  if (command?.kind !== 'container' || index + 1 >= args.count) return command;
  return table.described(`${name}|${wordAt(index + 1)}`);
}
