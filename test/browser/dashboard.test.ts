import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import anyTest from 'ava';
import type { Browser } from 'playwright-core';
import { freePorts } from '../cluster-processes.ts';
import { NodeProcess } from '../node-process.ts';
import { type DashboardPage, findChromium, inBrowser, launchChromium, SHOWN_MS, SIZES } from './browser.ts';

const chromium = await findChromium();
// Without Chromium these are told as skipped.
const test = chromium === null ? anyTest.serial.skip : anyTest.serial;
const WRK = '/usr/bin/wrk';

let browser: Browser;
let node: NodeProcess;
let url: string;

anyTest.before(async () => {
  if (chromium === null) return;
  [browser, node] = await Promise.all([launchChromium(chromium), NodeProcess.start({ flags: ['--shards', '2'] })]);
  url = (await node.ports()).url;
});

anyTest.after.always(async () => {
  await browser?.close();
  await node?.kill();
});

test('the dashboard loads without an error, and asks nobody but its node', async (t) => {
  await inBrowser(t, browser, [url], async (opened) => {
    const { page } = opened;
    await page.goto(url);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByText('Ready', { exact: true }).waitFor();
    await page.locator('[data-tile="keys"] .tile-value').filter({ hasText: '0' }).waitFor();
    await opened.card('commands').locator('canvas').waitFor();
    t.regex(await page.title(), /· FluxCache$/);
    // Every card of the view has a name that screen readers can say.
    const cards = await page.locator('[data-view="overview"] section.card').all();
    t.true(cards.length >= 13);
    for (const each of cards) t.truthy(await each.getAttribute('aria-label'));
    await opened.picture('overview-idle');
  });
});

test('tiles and charts follow the load', async (t) => {
  await fetch(`${url}/v1/keys/page:1`, { method: 'PUT', body: 'hello' });
  const stop = await load(`${url}/v1/keys/page:1`);
  try {
    for (const [name, options] of Object.entries({
      wide: { ...SIZES.wide, colorScheme: 'light' },
      dark: { ...SIZES.wide, colorScheme: 'dark' },
      phone: { ...SIZES.phone, colorScheme: 'light' },
    } as const)) {
      await inBrowser(
        t,
        browser,
        [url],
        async (opened) => {
          const { page } = opened;
          await page.goto(url);
          const tile = page.locator('[data-tile="requests"] .tile-value');
          await tile.filter({ hasText: /^[1-9][\d.]*[kM]?$/ }).waitFor();
          const before = await canvasOf(page, 'protocols');
          await opened
            .card('protocols')
            .locator('.legend-row', { hasText: 'HTTP' })
            .filter({ hasText: /[1-9]/ })
            .waitFor();
          await canvasChanges(page, 'protocols', before);
          await page.locator('[data-tile="hits"] .tile-value').filter({ hasText: '100%' }).waitFor();
          t.true(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
          await opened.picture(`overview-${name}`);
        },
        options,
      );
    }
  } finally {
    await stop();
  }
});

test('charts stand still while they are paused, and look closer at what is drawn over', async (t) => {
  await inBrowser(t, browser, [url], async (opened) => {
    const { page } = opened;
    await page.goto(url);
    await page.getByRole('button', { name: '1 min' }).click();
    await opened.card('event-loop').locator('canvas').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
    const before = await canvasOf(page, 'event-loop');
    const spark = page.locator('[data-tile="event-loop"] .spark-line');
    const drawn = await spark.getAttribute('d');
    // Tiles go on: a sample has come, and charts have not taken it.
    await until(async () => (await spark.getAttribute('d')) !== drawn);
    t.is(await canvasOf(page, 'event-loop'), before);
    await page.getByRole('button', { name: 'Resume' }).click();
    await canvasChanges(page, 'event-loop', before);

    const over = opened.card('event-loop').locator('.u-over');
    await over.hover({ position: { x: 100, y: 50 } });
    // All charts say the moment that the pointer is at.
    await opened
      .card('network')
      .locator('.card-note')
      .filter({ hasText: /^\d\d:\d\d:\d\d$/ })
      .waitFor();
    await page.mouse.down();
    await over.hover({ position: { x: 180, y: 50 } });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await over.dblclick();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
  });
});

test('charts are not drawn on a view that is not shown', async (t) => {
  await inBrowser(t, browser, [url], async (opened) => {
    const { page } = opened;
    await page.addInitScript(`
      globalThis.cleared = 0;
      const { clearRect } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.clearRect = function (...area) { globalThis.cleared++; clearRect.apply(this, area); };
    `);
    await page.goto(url);
    await opened.card('commands').locator('canvas').waitFor();
    await until(async () => Number(await page.evaluate('globalThis.cleared')) > 12);
    await page.getByRole('navigation', { name: 'Views' }).getByText('Slow log').click();
    await opened.card('commands').waitFor({ state: 'hidden' });
    // What was under way when the view was closed may still be drawn.
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
    const cleared = await page.evaluate('globalThis.cleared');
    await samplesCome(page, 2);
    t.is(await page.evaluate('globalThis.cleared'), cleared);
    await page.goBack();
    await until(async () => Number(await page.evaluate('globalThis.cleared')) > Number(cleared));
  });
});

test('a series is hidden and shown again from the legend, by keyboard as well', async (t) => {
  await inBrowser(t, browser, [url], async (opened) => {
    const { page } = opened;
    await page.goto(url);
    const row = opened.card('latency').getByRole('button', { name: 'p99.9' });
    await row.focus();
    await page.keyboard.press('Enter');
    t.is(await row.getAttribute('aria-pressed'), 'false');
    await page.keyboard.press('Enter');
    t.is(await row.getAttribute('aria-pressed'), 'true');
  });
});

test('light or dark is as the system has it until the user chooses, and stays chosen', async (t) => {
  await inBrowser(
    t,
    browser,
    [url],
    async (opened) => {
      const { page } = opened;
      await page.goto(url);
      await page.locator('html[data-theme=dark]').waitFor();
      await page.emulateMedia({ colorScheme: 'light' });
      await page.locator('html[data-theme=light]').waitFor();
      await page.getByRole('button', { name: /^Colours as the system/ }).click();
      await page.getByRole('button', { name: /^Light colours/ }).click();
      await page.locator('html[data-theme=dark]').waitFor();
      await page.reload();
      await page.getByRole('button', { name: /^Dark colours/ }).waitFor();
      await page.locator('html[data-theme=dark]').waitFor();
    },
    { ...SIZES.wide, colorScheme: 'dark' },
  );
});

test('a node with a password is shown after signing in, and no longer after signing out', async (t) => {
  const closed = await NodeProcess.start({ flags: [], environment: { FLUXCACHE_PASSWORD: 'correct horse ✓ battery' } });
  try {
    const { url: closedUrl } = await closed.ports();
    await inBrowser(t, browser, [closedUrl], async (opened) => {
      const { page } = opened;
      await page.goto(closedUrl);
      const dialog = page.getByRole('dialog', { name: 'Sign in' });
      t.is(await page.locator('[data-tile]').count(), 0);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.getByLabel('Password').fill('wrong');
      await page.keyboard.press('Enter');
      await dialog.getByRole('alert').waitFor();
      await opened.picture('sign-in');
      await page.getByLabel('Password').fill('correct horse ✓ battery');
      await page.keyboard.press('Enter');
      await page.locator('[data-tile="keys"] .tile-value').filter({ hasText: '0' }).waitFor();
      t.is(await dialog.count(), 0);
      await page.reload();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await dialog.waitFor();
      t.is(await page.locator('[data-tile]').count(), 0);
      // The browser itself says of each 401 that it was one.
      opened.forgive(/status of 401/);
    });
  } finally {
    await closed.kill();
  }
});

test('the page says that its node is away, and goes on by itself when it is back', async (t) => {
  const [port] = await freePorts(1);
  const flags = ['--http-port', `${port}`];
  let restarted = await NodeProcess.start({ flags });
  try {
    const { url: itsUrl } = await restarted.ports();
    await inBrowser(t, browser, [itsUrl], async (opened) => {
      const { page } = opened;
      await page.goto(itsUrl);
      await page.getByText('Live', { exact: true }).waitFor();
      await restarted.kill();
      await page.getByRole('alert').filter({ hasText: 'Disconnected' }).waitFor();
      await opened.picture('disconnected');
      restarted = await NodeProcess.start({ flags });
      await restarted.ports();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.getByRole('alert').waitFor({ state: 'hidden' });
      await samplesCome(page, 1);
      opened.forgive(/ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE)/);
    });
  } finally {
    await restarted.kill();
  }
});

/** Asks for `address` as fast as wrk can, or as one loop here can where there is no wrk. */
async function load(address: string): Promise<() => Promise<void>> {
  try {
    await access(WRK);
  } catch {
    let isOn = true;
    const asking = (async () => {
      while (isOn) await (await fetch(address)).arrayBuffer();
    })();
    return async () => {
      isOn = false;
      await asking;
    };
  }
  const child = spawn(WRK, ['-t', '1', '-c', '8', '-d', '600', address], { stdio: 'ignore' });
  const ended = once(child, 'close');
  return async () => {
    child.kill('SIGKILL');
    await ended;
  };
}

/** The picture of a chart, as text. */
async function canvasOf(page: DashboardPage['page'], name: string): Promise<string> {
  return String(await page.evaluate(`document.querySelector('[data-card="${name}"] canvas').toDataURL()`));
}

/** Waits until the chart looks another way. */
async function canvasChanges(page: DashboardPage['page'], name: string, before: string): Promise<void> {
  await until(async () => (await canvasOf(page, name)) !== before);
}

/** Waits for a condition. The page's policy forbids what Playwright would wait with inside it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + SHOWN_MS;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`it was not so within ${SHOWN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until the page has had that many samples more. */
async function samplesCome(page: DashboardPage['page'], count: number): Promise<void> {
  const uptime = page.locator('.header-uptime');
  for (let came = 0; came < count; came++) {
    const before = await uptime.textContent();
    await uptime.filter({ hasNotText: before ?? '' }).waitFor();
  }
}
