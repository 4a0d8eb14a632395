/**
 * A process that loads by `getOrSet`: node loading-process.mjs LIBRARY URL. Takes one JSON object a line from its input,
 * `{key, count, loadMs, options}`, makes so many calls at once and writes a line when a loader begins, and one at the end.
 */
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [library, url] = process.argv.slice(2);
const { createClient } = await import(pathToFileURL(library).href);
const client = createClient({ url, commandTimeoutMs: 20_000 });
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
await client.connect();
say({ is: 'ready' });

for await (const line of createInterface({ input: process.stdin })) {
  const { key, count, loadMs, options } = JSON.parse(line);
  let loads = 0;
  const load = async () => {
    loads++;
    say({ is: 'loading' });
    await new Promise((resolve) => setTimeout(resolve, loadMs));
    return { from: process.pid };
  };
  const beganMs = performance.now();
  const calls = Array.from({ length: count }, () => client.getOrSet(key, load, options));
  const settled = await Promise.allSettled(calls);
  const values = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.from] : []));
  const faults = settled.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  const tookMs = performance.now() - beganMs;
  say({ is: 'done', loads, values: [...new Set(values)], count: values.length, faults: [...new Set(faults)], tookMs });
}
await client.close();
