/**
 * A process that loads by `getOrSet`: node loading-process.mjs LIBRARY URL. Takes one JSON object a line from its input,
 * `{key, count, loadMs, isHeld, options}`, makes so many calls at once and writes a line when a loader begins, and one at the
 * end. Loaders that are held wait for a line `"go"` as well.
 */
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [library, url] = process.argv.slice(2);
const { createClient } = await import(pathToFileURL(library).href);
const client = createClient({ url, commandTimeoutMs: 60_000, connectTimeoutMs: 60_000 });
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
await client.connect();

let letGo = () => undefined;

async function ask({ key, count, loadMs, isHeld = false, options }) {
  let loads = 0;
  const released = new Promise((resolve) => {
    letGo = resolve;
  });
  const load = async () => {
    loads++;
    say({ is: 'loading' });
    if (isHeld) await released;
    await new Promise((resolve) => setTimeout(resolve, loadMs));
    return { from: process.pid };
  };
  const calls = Array.from({ length: count }, () => client.getOrSet(key, load, options));
  const settled = await Promise.allSettled(calls);
  const values = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.from] : []));
  const faults = settled.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  say({ is: 'done', loads, values: [...new Set(values)], count: values.length, faults: [...new Set(faults)] });
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const said = JSON.parse(line);
    if (said === 'go') letGo();
    else void ask(said);
  })
  .on('close', () => void client.close());
say({ is: 'ready' });
