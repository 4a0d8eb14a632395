import { randomBytes } from 'node:crypto';
import { encodeRequest } from '../protocol/resp/request-encoder.ts';
import { bytesOf, Exit, openConnection, print, type Run, warn } from './run.ts';

const ERRORS_SHOWN = 20;

/**
 * Sends standard input as it is, and counts what comes back. The end is known by an ECHO of a random text behind it.
 */
export async function runPipe(run: Run): Promise<Exit> {
  const connection = await openConnection(run);
  const mark = randomBytes(20).toString('hex');
  let replies = 0;
  let errors = 0;
  let lastReplyAtMs = performance.now();
  const timeoutMs = run.values.pipeTimeout;

  const marked = new Promise<Exit>((resolve, reject) => {
    connection.onEnd = reject;
    connection.onUnasked = (reply) => {
      lastReplyAtMs = performance.now();
      const bytes = bytesOf(reply);
      if (bytes?.length === mark.length && Buffer.from(bytes).toString('latin1') === mark) {
        resolve(errors === 0 ? Exit.ok : Exit.error);
        return;
      }
      replies++;
      if (reply.kind === 'error' && ++errors <= ERRORS_SHOWN) process.stderr.write(`${reply.text}\n`);
    };
  });
  // Looked at below; until then a connection that ends early must not count as nobody's business.
  marked.catch(() => undefined);

  let timer: NodeJS.Timeout | undefined;
  let exit: Exit = Exit.error;
  try {
    for await (const chunk of process.stdin) {
      if (connection.isEnded) break;
      await new Promise<void>((resolve) => {
        if (connection.write(chunk as Buffer, resolve)) resolve();
        else void marked.finally(resolve).catch(() => undefined);
      });
    }
    if (!connection.isEnded) {
      await print('All data transferred. Waiting for the last reply...\n');
      // The line end closes an inline command that was left without one.
      connection.write(Buffer.concat([Buffer.from('\r\n'), encodeRequest(['ECHO', mark])]), () => undefined);
    }
    lastReplyAtMs = performance.now();
    const silence = new Promise<null>((resolve) => {
      if (timeoutMs > 0) {
        const look = () => (performance.now() - lastReplyAtMs >= timeoutMs ? resolve(null) : undefined);
        timer = setInterval(look, Math.min(timeoutMs, 100));
      }
    });
    const outcome = await Promise.race([marked, silence]);
    if (outcome === null) {
      warn(`no reply for ${timeoutMs / 1000} s: the data may end within a command. --pipe-timeout sets the time.`);
    } else {
      await print('Last reply received from server.\n');
      exit = outcome;
    }
  } catch (error) {
    warn(error instanceof Error ? error.message : String(error));
  }
  clearInterval(timer);
  if (errors > ERRORS_SHOWN) process.stderr.write(`and ${errors - ERRORS_SHOWN} errors more.\n`);
  await print(`errors: ${errors}, replies: ${replies}\n`);
  connection.close();
  return exit;
}
