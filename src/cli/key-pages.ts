import type { Reply } from '../protocol/resp/reply.ts';
import type { RequestWord } from '../protocol/resp/request-encoder.ts';
import { bytesOf, pause } from './run.ts';

interface ScanOptions {
  readonly pattern: string | undefined;
  readonly type: string | undefined;
  /** Keys a page is asked for; 0 leaves it to the server. */
  readonly pageSize: number;
  /** Between two pages. */
  readonly intervalMs: number;
}

/** Whatever takes a command and answers with its reply. */
interface Asked {
  request(words: readonly RequestWord[]): Promise<Reply>;
}

/** An error reply of a command that a mode depends on. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** The keys of a server by SCAN, a page at a time. */
export async function* keyPages(connection: Asked, options: ScanOptions): AsyncGenerator<readonly Uint8Array[]> {
  const { pattern, type, pageSize, intervalMs } = options;
  const extra = [
    ...(pattern === undefined ? [] : ['MATCH', pattern]),
    ...(pageSize === 0 ? [] : ['COUNT', pageSize]),
    ...(type === undefined ? [] : ['TYPE', type]),
  ];
  let cursor: string | Uint8Array = '0';
  do {
    const reply = await connection.request(['SCAN', cursor, ...extra]);
    if (reply.kind === 'error') throw new RefusedError(`SCAN was refused: ${reply.text}`);
    const [next, keys] = reply.kind === 'array' ? reply.items : [];
    const nextBytes = bytesOf(next);
    if (nextBytes === undefined || keys?.kind !== 'array')
      throw new RefusedError('SCAN was answered in a strange way.');
    yield keys.items.map(bytesOf).filter((key) => key !== undefined);
    cursor = nextBytes;
    if (intervalMs > 0) await pause(intervalMs);
  } while (Buffer.from(cursor).toString('latin1') !== '0');
}
