import { RefusedError } from './key-pages.ts';
import { Exit, openConnection, pause, print, type Run, refuse } from './run.ts';

const LOOK_MS = 250;

/** Runs `fluxcache snapshot`: has the node make a snapshot of all keys on its disk, and waits until it is there. */
export async function runSnapshot(run: Run, args: readonly string[]): Promise<Exit> {
  if (args.length > 0) return refuse([`snapshot takes no ${JSON.stringify(args[0])}.`]);
  const connection = await openConnection(run);
  try {
    const beganMs = performance.now();
    for (;;) {
      const reply = await connection.request(['SAVE']);
      if (reply.kind !== 'error') break;
      // Another one is being made, which may have begun before what is to be in this one was written.
      if (!/in progress/.test(reply.text)) throw new RefusedError(reply.text);
      await pause(LOOK_MS);
    }
    const tookMs = Math.round(performance.now() - beganMs);
    await print(run.format === 'json' ? `${JSON.stringify({ tookMs })}\n` : `A snapshot was made in ${tookMs} ms.\n`);
    return Exit.ok;
  } finally {
    connection.close();
  }
}
