import { ValueType } from '../../base/view.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { ReplyWriter } from '../../command/reply.ts';

/**
 * Why a subscribed connection that speaks RESP2 may not run a command: its client could not tell the reply from a
 * message. Null when it may. The text is Redis's.
 */
export function refusedWhileSubscribed(command: Command): string | null {
  if (command.whileSubscribed === 'runs') return null;
  const those = '(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET';
  return `Can't execute '${command.name}': only ${those} are allowed in this context`;
}

/** The reply of PING on such a connection, which has the shape of a message. */
export function subscribedPong(args: Args, reply: ReplyWriter): void {
  if (args.count > 1) {
    reply.error('arity', "wrong number of arguments for 'ping' command");
    return;
  }
  reply.array(2);
  reply.bulkText('pong');
  if (args.count === 0) reply.bulkText('');
  else reply.bulk(ValueType.string, args.bytes, args.start(0), args.end(0));
}
