import anyTest from 'ava';
import type { Browser } from 'playwright-core';
import { ClusterProcesses } from '../cluster-processes.ts';
import { findChromium, inBrowser, launchChromium, SIZES, until } from './browser.ts';

const chromium = await findChromium();
// Without Chromium these are told as skipped.
const test = chromium === null ? anyTest.serial.skip : anyTest.serial;

let browser: Browser;
let cluster: ClusterProcesses;

anyTest.before(async () => {
  if (chromium === null) return;
  const flags = ['--lease', '2s', '--partitions', '16', '--copies', '2'];
  [browser, cluster] = await Promise.all([launchChromium(chromium), ClusterProcesses.start({ count: 3, flags })]);
});

anyTest.after.always(async () => {
  await browser?.close();
  await cluster?.end();
});

test('a node that is killed is seen to fail over, and to come back', async (t) => {
  const { url } = cluster.addressesOf('n2');
  const stopWriting = writer(url);
  try {
    await inBrowser(t, browser, [url], async (opened) => {
      const { page } = opened;
      await page.goto(`${url}/#cluster`);
      const nodes = opened.card('nodes').locator('tbody tr');
      // Each node tells the others how it is.
      for (let at = 0; at < 3; at++) await nodes.nth(at).getByText(/ of [\d.]+ MiB$/).waitFor();
      await opened.card('cluster').getByText('16 of 16').waitFor();
      await until(async () => !(await opened.card('cluster').getByText('copies moved').isVisible()));
      await opened.card('failovers').getByText('No node was lost').waitFor();
      await cluster.process('n1').kill();
      const failover = opened.card('failovers').locator('.failover');
      await failover.getByText(/^over after/).waitFor();
      await failover.getByText('keys lost: 0').waitFor();
      for (const stage of ['suspected', 'fenced', 'promoted', 'first-write', 'ended']) {
        await failover
          .locator(`[data-stage="${stage}"]`)
          .filter({ hasText: /\d:\d\d:\d\d\.\d{3}/ })
          .waitFor();
      }
      t.is(await failover.count(), 1);
      await nodes.nth(0).getByText('fenced').waitFor();
      await opened.picture('failover-wide');
      await cluster.startNode('n1');
      await opened.card('happenings').locator('[data-kind="restarted"]').waitFor();
      await nodes.nth(0).getByText('up', { exact: true }).waitFor();
    });
    await inBrowser(
      t,
      browser,
      [url],
      async (opened) => {
        await opened.page.goto(`${url}/#cluster`);
        await opened.card('failovers').getByText('keys lost: 0').waitFor();
        await opened.picture('failover-phone');
      },
      { ...SIZES.phone, colorScheme: 'dark' },
    );
  } finally {
    await stopWriting();
  }
});

/** Writes keys of all partitions, one after the other, until it is told to stop. */
function writer(url: string): () => Promise<void> {
  let isStopped = false;
  const done = (async () => {
    for (let number = 0; !isStopped; number++) {
      const signal = AbortSignal.timeout(5000);
      // While nobody is primary of a partition there is nothing to be had.
      await fetch(`${url}/v1/keys/key${number % 500}`, { method: 'PUT', body: 'x', signal }).catch(() => null);
    }
  })();
  return async () => {
    isStopped = true;
    await done;
  };
}
