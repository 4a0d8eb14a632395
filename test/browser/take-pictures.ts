/**
 * Takes the pictures of README: `npx tsx test/browser/take-pictures.ts`. Three nodes under load, one of which is killed and
 * comes back; about two minutes.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { BrowserContextOptions } from 'playwright-core';
import { createClient } from '../../src/index.ts';
import { ClusterProcesses } from '../cluster-processes.ts';
import { DashboardPage, findChromium, launchChromium, SHOWN_MS } from './browser.ts';

const FOLDER = fileURLToPath(new URL('../../src/monitoring/dashboard/pictures/', import.meta.url));
/** What charts are to show before the first picture. */
const WARM_UP_MS = 75_000;
const KEYS = 60_000;
const PREFIXES = ['user:', 'session:', 'page:', 'price:', 'rate:'];

const chromium = await findChromium();
if (chromium === null) throw new Error('Chromium is not installed; FLUXCACHE_CHROMIUM names its program.');
await mkdir(FOLDER, { recursive: true });
const flags = ['--max-memory', '16mb', '--slow-log-threshold', '3ms', '--analysis-interval', '10s'];
const cluster = await ClusterProcesses.start({ count: 3, flags });
const browser = await launchChromium(chromium);
const load = new AbortController();
const { url, endpoints } = ofCluster();
const loads = [overClient(), overResp(), overHttp()];
try {
  const page = await open('#overview', { viewport: { width: 1280, height: 906 } });
  await page.page.getByRole('button', { name: '1 min' }).click();
  await sleep(WARM_UP_MS);
  await page.page.getByText('Ready', { exact: true }).waitFor();
  await page.page.screenshot({ path: `${FOLDER}overview.png` });
  await page.page.setViewportSize({ width: 1280, height: 1060 });
  await page.page.goto(`${url}/#access`);
  await page.card('curve').waitFor();
  await sleep(3000);
  await page.page.screenshot({ path: `${FOLDER}access.png` });
  await page.page.goto(`${url}/#cluster`);
  await page.page.setViewportSize({ width: 1280, height: 1180 });
  await page.card('nodes').waitFor();
  await cluster.process('n3').kill();
  await page.card('failovers').getByText('keys lost: 0').waitFor({ timeout: SHOWN_MS });
  await sleep(3000);
  await page.page.screenshot({ path: `${FOLDER}cluster.png` });
  await cluster.startNode('n3');
  await page.page.getByText('3 nodes', { exact: true }).waitFor({ timeout: SHOWN_MS });
  const phone = await open('#overview', {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
    colorScheme: 'dark',
  });
  await phone.page.getByRole('button', { name: '1 min' }).click();
  await sleep(3000);
  await phone.page.screenshot({ path: `${FOLDER}phone.png` });
} finally {
  load.abort();
  await Promise.allSettled(loads);
  await browser.close();
  await cluster.end();
}

function ofCluster(): { url: string; endpoints: string[] } {
  const { url } = cluster.addressesOf('n1');
  return { url, endpoints: ['n1', 'n2', 'n3'].map((name) => `127.0.0.1:${cluster.addressesOf(name).tcpPort}`) };
}

async function open(hash: string, options: BrowserContextOptions): Promise<DashboardPage> {
  const opened = await DashboardPage.open(browser, [url], options);
  await opened.page.goto(`${url}/${hash}`);
  return opened;
}

/** A key of a skewed choice: a few are asked for again and again. */
function anyKey(): string {
  const rank = Math.floor(KEYS ** Math.random());
  return `${PREFIXES[rank % PREFIXES.length]}${rank}`;
}

/** Values of different lengths, more of them than fit. */
function textBytesOf(key: string): number {
  return 2500 + (Number(key.replace(/\D/g, '')) % 40) ** 2;
}

async function overClient(): Promise<void> {
  const client = createClient({ endpoints });
  const one = async () => {
    while (!load.signal.aborted) {
      const key = anyKey();
      await client
        .get(key)
        .then(
          (found) =>
            found === null
              ? client.set(key, { name: key, text: 'x'.repeat(textBytesOf(key)) }, { ttl: 120_000 })
              : null,
          () => sleep(20),
        )
        .catch(() => sleep(20));
      await sleep(Math.random() * 4);
    }
  };
  await Promise.all(Array.from({ length: 12 }, one));
  await client.close();
}

async function overResp(): Promise<void> {
  const [, port = ''] = endpoints[0]?.split(':') ?? [];
  const redis = new Redis({ host: '127.0.0.1', port: Number(port) });
  redis.on('error', () => undefined);
  while (!load.signal.aborted) {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 16; i++) pipeline.get(anyKey());
    pipeline.set(anyKey(), 'y'.repeat(300), 'EX', 30);
    pipeline.incr('rate:requests');
    await pipeline.exec().catch(() => undefined);
    await sleep(12);
  }
  redis.disconnect();
}

async function overHttp(): Promise<void> {
  while (!load.signal.aborted) {
    await fetch(`${url}/get?key=${encodeURIComponent(anyKey())}`).catch(() => undefined);
    await sleep(8);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
