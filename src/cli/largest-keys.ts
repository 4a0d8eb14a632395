import type { Connection } from './connection.ts';
import { keyPages } from './key-pages.ts';
import { quoteBytes } from './quoting.ts';
import { textOrEscapes } from './reply-formats.ts';
import { bytesOf, Exit, numberOf, openConnection, print, type Run } from './run.ts';

const PAGE_SIZE = 100;
/** `-i` is a pause of one page in so many. */
const PAGES_A_PAUSE = 100;

/** How the size of a value of a type is asked for, and in what. */
const sizes: Readonly<Record<string, readonly [command: string, unit: string]>> = {
  string: ['STRLEN', 'bytes'],
  list: ['LLEN', 'items'],
  set: ['SCARD', 'members'],
  hash: ['HLEN', 'fields'],
  zset: ['ZCARD', 'members'],
  stream: ['XLEN', 'entries'],
};

/** What was found of one type. */
interface Found {
  readonly unit: string;
  keys: number;
  total: number;
  largest: number;
  largestKey: Uint8Array;
}

/** Looks through all keys for the largest of each type: by length, or by the memory they take. */
export async function runLargestKeys(run: Run, measure: 'length' | 'memory'): Promise<Exit> {
  const connection = await openConnection(run);
  const { pattern, pageSize, interval, memorySamples, keyType } = run.values;
  const total = numberOf(await connection.request(['DBSIZE'])) ?? 0;
  const samples = run.given.has('memorySamples') ? ['SAMPLES', memorySamples] : [];
  const found = new Map<string, Found>();
  let keyCount = 0;
  let keyBytes = 0;
  let pageNumber = 0;
  const isJson = run.format === 'json' || run.format === 'quoted-json';
  if (!isJson) {
    const what = measure === 'memory' ? 'take most memory' : 'have the largest values';
    await print(
      `# Looking through ${total} keys for those that ${what}; -i 0.1 pauses every ${PAGES_A_PAUSE} pages.\n\n`,
    );
  }
  const scan = { pattern, type: keyType, pageSize: pageSize || PAGE_SIZE, intervalMs: 0 };
  for await (const keys of keyPages(connection, scan)) {
    const types = await typesOf(connection, keys);
    const requests = keys.map((key, at) => {
      const size = sizes[types[at] ?? ''];
      return measure === 'length' && size !== undefined
        ? connection.request([size[0], key])
        : connection.request(['MEMORY', 'USAGE', key, ...samples]);
    });
    for (const [at, reply] of (await Promise.all(requests)).entries()) {
      const key = keys[at] as Uint8Array;
      const type = types[at] ?? 'none';
      const amount = numberOf(reply);
      // Gone or changed since SCAN told of it.
      if (amount === undefined || type === 'none') continue;
      keyCount++;
      keyBytes += key.length;
      const unit = measure === 'length' ? (sizes[type]?.[1] ?? 'bytes of memory') : 'bytes of memory';
      const entry = found.get(type) ?? { unit, keys: 0, total: 0, largest: -1, largestKey: key };
      found.set(type, entry);
      entry.keys++;
      entry.total += amount;
      if (amount <= entry.largest) continue;
      entry.largest = amount;
      entry.largestKey = key;
      if (!isJson) {
        const share = `${Math.min(100, (keyCount / Math.max(1, total)) * 100).toFixed(2)}%`.padStart(7);
        await print(`[${share}] Largest ${type} so far ${quoteBytes(key)} with ${amount} ${unit}\n`);
      }
    }
    pageNumber++;
    if (interval !== undefined && pageNumber % PAGES_A_PAUSE === 0) {
      await new Promise((resolve) => setTimeout(resolve, interval));
    }
  }
  connection.close();
  await print(
    isJson ? `${JSON.stringify(summary(found, keyCount, keyBytes))}\n` : summaryText(found, keyCount, keyBytes),
  );
  return Exit.ok;
}

async function typesOf(connection: Connection, keys: readonly Uint8Array[]): Promise<string[]> {
  const replies = await Promise.all(keys.map((key) => connection.request(['TYPE', key])));
  return replies.map((reply) => Buffer.from(bytesOf(reply) ?? []).toString('utf8'));
}

function summary(found: ReadonlyMap<string, Found>, keyCount: number, keyBytes: number) {
  const types = Object.fromEntries(
    [...found].map(([type, { unit, keys, total, largest, largestKey }]) => [
      type,
      { unit, keys, total, largest, largestKey: textOrEscapes(largestKey) },
    ]),
  );
  return { keys: keyCount, keyBytes, types };
}

function summaryText(found: ReadonlyMap<string, Found>, keyCount: number, keyBytes: number): string {
  const average = (sum: number, count: number) => (count === 0 ? 0 : sum / count).toFixed(2);
  const lines = [
    '',
    '-------- summary -------',
    '',
    `${keyCount} keys looked at; their names take ${keyBytes} bytes, ${average(keyBytes, keyCount)} on average.`,
    '',
  ];
  for (const [type, { largestKey, largest, unit }] of found) {
    lines.push(`Largest ${type}: ${quoteBytes(largestKey)} with ${largest} ${unit}`);
  }
  if (found.size > 0) lines.push('');
  for (const [type, { keys, total, unit }] of found) {
    const share = ((keys / keyCount) * 100).toFixed(2);
    lines.push(`${keys} of type ${type} with ${total} ${unit} (${share}% of keys, ${average(total, keys)} on average)`);
  }
  return `${lines.join('\n')}\n`;
}
