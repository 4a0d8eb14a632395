import { keyPages } from './key-pages.ts';
import { formatReply } from './reply-formats.ts';
import { Exit, openConnection, print, type Run } from './run.ts';

/** Prints all keys, one a line. */
export async function runScan(run: Run): Promise<Exit> {
  const connection = await openConnection(run);
  const { pattern, keyType: type, pageSize, interval } = run.values;
  for await (const keys of keyPages(connection, { pattern, type, pageSize, intervalMs: interval ?? 0 })) {
    const lines = keys.map((bytes) => formatReply({ kind: 'bulk', bytes }, run.format, run.delimiters));
    if (lines.length > 0) await print(Buffer.concat(lines));
  }
  connection.close();
  return Exit.ok;
}
