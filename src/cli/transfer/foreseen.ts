import { ConnectionError } from '../connection.ts';
import { RefusedError } from '../key-pages.ts';
import { BrokenSourceError } from './entry.ts';

/** Whether an error is one of the world (servers, files, input), whose message is for who runs the program. */
export function isForeseen(error: unknown): error is Error {
  if (error instanceof ConnectionError || error instanceof RefusedError || error instanceof BrokenSourceError) {
    return true;
  }
  return error instanceof Error && 'syscall' in error;
}
