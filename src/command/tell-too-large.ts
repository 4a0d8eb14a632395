import type { Command } from './command.ts';
import type { ReplyWriter } from './reply.ts';
import { ReplyTooLarge } from './reply-too-large.ts';

/**
 * Writes what is to be told of {@link ReplyTooLarge} in place of the reply, for a command of that kind; false, with
 * nothing done, of any other error.
 */
export function tellTooLarge(error: unknown, kind: Command['kind'], reply: ReplyWriter): boolean {
  if (!(error instanceof ReplyTooLarge)) return false;
  const changes = kind === 'write' || kind === 'pair' || kind === 'steps' || kind === 'sweep';
  reply.clear();
  reply.error(error.code, changes ? `${error.message}; what the command changed stands` : error.message);
  return true;
}
