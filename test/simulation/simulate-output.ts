import { writeSync } from 'node:fs';

const STDOUT = 1;
const idle = new Int32Array(new SharedArrayBuffer(4));

/**
 * Prints a line before it returns, since a run lets nothing else happen until it is over. When nobody reads any more
 * (`| head`), the program ends, which is no failure.
 */
export function print(line: string): void {
  let left: Uint8Array = Buffer.from(`${line}\n`);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(STDOUT, left));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code === 'EPIPE') process.exit(0);
      if (code !== 'EAGAIN') throw error;
      // A full pipe that does not block: its reader needs a moment.
      Atomics.wait(idle, 0, 0, 5);
    }
  }
}
