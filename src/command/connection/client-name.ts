import type { Args } from '../args.ts';

const firstAllowed = 0x21;
const lastAllowed = 0x7e;

/** Null when the argument may name a connection: it would be shown between blanks, one connection a line. */
export function clientNameProblem(args: Args, index: number): string | null {
  return isPlain(args, index) ? null : 'Client names cannot contain spaces, newlines or special characters.';
}

/** Whether all bytes are visible ASCII. */
export function isPlain(args: Args, index: number): boolean {
  const end = args.end(index);
  for (let at = args.start(index); at < end; at++) {
    const byte = args.bytes[at] as number;
    if (byte < firstAllowed || byte > lastAllowed) return false;
  }
  return true;
}
