import type { Interface } from 'node:readline';

/**
 * Keeps readline's count of rows right while text is pasted. Characters that come together are written as they are, and
 * readline (up to 24 at least) then does not notice that they wrapped: its next redrawing would begin too far down.
 */
export function keepRows(readline: Interface, input: NodeJS.ReadableStream, output: NodeJS.WritableStream): void {
  input.prependListener('keypress', () => startAtRow(readline, readline.getCursorPos().rows));
  let isDue = false;
  input.on('keypress', () => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      const { cols, rows } = readline.getCursorPos();
      // A row that was filled to its last column keeps the cursor until something follows it.
      if (cols === 0 && rows > 0 && readline.cursor === readline.line.length) output.write(' \r');
    });
  });
}

/** Tells readline how many rows it has to go up before it writes the line again. */
export function startAtRow(readline: Interface, rows: number): void {
  Object.assign(readline, { prevRows: rows });
}
