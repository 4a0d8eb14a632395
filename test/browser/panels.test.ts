import anyTest from 'ava';
import type { Browser, Page } from 'playwright-core';
import { findChromium, inBrowser, launchChromium, SIZES, until } from './browser.ts';
import { cannedEvents, cannedReport, hostileKey } from './canned-events.ts';
import { CannedNode } from './canned-node.ts';

const chromium = await findChromium();
// Without Chromium these are told as skipped.
const test = chromium === null ? anyTest.serial.skip : anyTest.serial;

let browser: Browser;
let node: CannedNode;

anyTest.before(async () => {
  if (chromium === null) return;
  [browser, node] = await Promise.all([launchChromium(chromium), CannedNode.start(cannedEvents())]);
});

anyTest.after.always(async () => {
  await browser?.close();
  await node?.stop();
});

test('the nodes of a cluster are shown with their health, roles and load', async (t) => {
  await inBrowser(t, browser, [node.url], async (opened) => {
    await opened.page.goto(`${node.url}/#cluster`);
    const rows = opened.card('nodes').locator('tbody tr');
    await rows.nth(3).waitFor();
    t.regex(await rows.nth(0).innerText(), /n1[\s\S]*this node[\s\S]*leader[\s\S]*up/);
    t.regex(await rows.nth(1).innerText(), /n2[\s\S]*draining[\s\S]*14 writes/);
    t.regex(await rows.nth(2).innerText(), /n3[\s\S]*fenced[\s\S]*ago/);
    t.regex(await opened.card('cluster').innerText(), /3 of 4[\s\S]*126 of 128[\s\S]*0 of 31 copies moved/);
    const report = cannedReport(128);
    const moved = { ...report, rebalance: { moves: 10, isBalanced: false } };
    node.tell('cluster', { report: moved, peers: [] });
    await opened.card('cluster').getByText('21 of 31 copies moved').waitFor();
    node.tell('cluster', { report: { ...report, rebalance: { moves: 0, isBalanced: true } }, peers: [] });
    await opened.card('cluster').getByText('copies moved').waitFor({ state: 'hidden' });
    node.tell('cluster', cannedEvents().cluster);
  });
});

test('the map of partitions tells of the one that is pointed at, or that arrow keys went to', async (t) => {
  await inBrowser(t, browser, [node.url], async (opened) => {
    await opened.page.goto(`${node.url}/#cluster`);
    const card = opened.card('partitions');
    const map = card.locator('canvas');
    await card.getByText('Point at a partition').waitFor();
    await map.hover({ position: { x: 28 * 7 + 5, y: 5 } });
    await card.getByText('Partition 7', { exact: true }).waitFor();
    await card.getByText('nobody serves it').waitFor();
    await map.hover({ position: { x: 28 + 5, y: 5 } });
    await card.getByText('on the way to').waitFor();
    await card.getByRole('button', { name: /^n2/ }).hover();
    await card.getByText('Point at a partition').waitFor();
    const withOneAbove = await map.screenshot();
    await card.getByText('Point at a partition').hover();
    // What is of n2 stood out, and no longer does.
    await until(async () => !withOneAbove.equals(await map.screenshot()));
    await map.focus();
    await opened.page.keyboard.press('ArrowRight');
    await opened.page.keyboard.press('ArrowRight');
    await card.getByText('Partition 2', { exact: true }).waitFor();
    await card.getByText('slots 256–383').waitFor();
  });
});

test('a map of 16384 partitions fits on a phone', async (t) => {
  const large = await CannedNode.start(cannedEvents(Date.now(), 16_384));
  try {
    await inBrowser(
      t,
      browser,
      [large.url],
      async (opened) => {
        await opened.page.goto(`${large.url}/#cluster`);
        const map = opened.card('partitions').locator('canvas');
        await opened.card('partitions').getByText('16,384, each').waitFor();
        const box = await map.boundingBox();
        t.true(box !== null && box.width <= 390 && box.width > 200 && box.height <= 340);
        await opened.picture('partitions-phone');
      },
      SIZES.phone,
    );
  } finally {
    await large.stop();
  }
});

test('a failover is drawn while it goes on, and told with its times when it is over', async (t) => {
  const events = cannedEvents();
  const [over] = events.failovers;
  if (over === undefined) return t.fail();
  const going = { ...over, promotedAtMs: null, promotedLastAtMs: null, firstWriteAtMs: null, endedAtMs: null };
  await inBrowser(t, browser, [node.url], async (opened) => {
    node.tell('failovers', []);
    await opened.page.goto(`${node.url}/#cluster`);
    const card = opened.card('failovers');
    await card.getByText('No node was lost').waitFor();
    node.tell('failovers', [{ ...going, partitions: 0, takenBy: {} }]);
    await card.getByText('going on').waitFor();
    t.is(await card.locator('[data-stage="promoted"]').getByText('not seen').count(), 1);
    node.tell('failovers', events.failovers);
    const item = card.locator('[data-node="n3"]');
    await item.getByText('over after 1.24 s').waitFor();
    await item.getByText('keys lost: 0').waitFor();
    await item.getByText('n1 (22), n2 (21)').waitFor();
    for (const [stage, offset] of Object.entries({
      fenced: '+812 ms',
      promoted: '+851 ms',
      'first-write': '+1.01 s',
    })) {
      t.regex(await item.locator(`[data-stage="${stage}"]`).innerText(), new RegExp(offset.replace('+', '\\+')));
    }
    await card.locator('[data-node="n2"]').getByText('those of 2 partitions').waitFor();
    await opened.card('happenings').getByText('n2 handed over 42 partitions').waitFor();
  });
});

test('names of keys are text wherever they stand', async (t) => {
  await inBrowser(t, browser, [node.url], async (opened) => {
    const { page } = opened;
    const lied = { ...cannedEvents().happenings[0], text: hostileKey, node: hostileKey, by: hostileKey };
    node.tell('happenings', [{ atMs: Date.now(), kind: 'joined', partitions: null, ...lied }]);
    await page.goto(`${node.url}/#cluster`);
    await opened.card('happenings').getByText(hostileKey, { exact: true }).waitFor();
    for (const [view, cards] of Object.entries({ access: ['hot-keys', 'largest-keys', 'prefixes'], slow: ['slow'] })) {
      await page.goto(`${node.url}/#${view}`);
      for (const card of cards) await opened.card(card).getByText(hostileKey).first().waitFor();
    }
    t.is(await page.locator('main img, main script').count(), 0);
    node.tell('happenings', cannedEvents().happenings);
  });
});

test('hot keys, prefixes and the curve are shown with their figures, and rows can be sorted', async (t) => {
  await inBrowser(t, browser, [node.url], async (opened) => {
    await opened.page.goto(`${node.url}/#access`);
    await opened.card('curve').getByText('Double the memory would spare 52 %').waitFor();
    t.regex(await opened.card('curve').locator('[data-memory="4"]').innerText(), /4×[\s\S]*1 GiB[\s\S]*95\.8%/);
    t.regex(await opened.card('hot-keys').locator('tbody tr').nth(0).innerText(), /user:1[\s\S]*4k\/s[\s\S]*10\.0%/);
    // What turns the direction of a line is spelt out.
    await opened.card('hot-keys').getByText('rtl\\u{202e}key').waitFor();
    const prefixes = opened.card('prefixes').locator('tbody tr');
    t.regex(await prefixes.nth(0).innerText(), /session:[\s\S]*88\.4%[\s\S]*402k[\s\S]*105 MiB/);
    await opened.card('prefixes').getByRole('button', { name: 'Reads' }).click();
    t.regex(await prefixes.nth(0).innerText(), /user:/);
    t.regex(await prefixes.last().innerText(), /all others/);
    t.regex(
      await opened.card('largest-keys').locator('tbody tr').nth(0).innerText(),
      /blob:movie[\s\S]*8 MiB[\s\S]*never/,
    );
    t.is(await opened.page.getByRole('link', { name: 'user:1' }).getAttribute('href'), '#keys/t:user%3A1');
  });
});

test('a user sees the views that the rights allow', async (t) => {
  const { hello } = cannedEvents();
  const other = await CannedNode.start({
    ...cannedEvents(),
    hello: { ...hello, isInCluster: false, user: { name: 'ops', rights: [] } },
  });
  try {
    await inBrowser(t, browser, [other.url], async (opened) => {
      await opened.page.goto(`${other.url}/#slow`);
      await opened.card('commands').waitFor();
      t.deepEqual(await opened.page.locator('#tabs a').allInnerTexts(), ['Overview']);
    });
  } finally {
    await other.stop();
  }
});

test('every view fits its window, light and dark, on a desk and on a phone', async (t) => {
  const looks = {
    wide: { ...SIZES.wide, colorScheme: 'light' },
    dark: { ...SIZES.wide, colorScheme: 'dark' },
    phone: { ...SIZES.phone, colorScheme: 'dark' },
  } as const;
  for (const [look, options] of Object.entries(looks)) {
    await inBrowser(
      t,
      browser,
      [node.url],
      async (opened) => {
        for (const view of ['cluster', 'access', 'slow']) {
          await opened.page.goto(`${node.url}/#${view}`);
          await opened.page.locator(`.view[data-view="${view}"] tbody tr`).first().waitFor();
          t.true(await fits(opened.page), `${view}, ${look}`);
          await opened.picture(`${view}-${look}`);
        }
      },
      options,
    );
  }
});

/** Whether nothing stands out of the window sideways. */
function fits(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth <= innerWidth');
}
