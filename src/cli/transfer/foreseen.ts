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

const fileTroubles: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be opened',
  ENOSPC: 'the disk is full',
};

/** A foreseen error as a sentence; `file` is what was read or written, of whose trouble Node.js has words of its own. */
export function sentenceOf(error: Error, file: string | null): string {
  const what = 'code' in error && 'syscall' in error ? fileTroubles[String(error.code)] : undefined;
  return what === undefined || file === null ? error.message : `${file}: ${what}.`;
}
