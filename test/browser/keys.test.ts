import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import type { Browser, Page } from 'playwright-core';
import { digestOf, hashPassword } from '../../src/server/access/secrets.ts';
import { NodeProcess } from '../node-process.ts';
import { findChromium, inBrowser, launchChromium, SIZES, until } from './browser.ts';
import { hostileKey } from './canned-events.ts';

const chromium = await findChromium();
// Without Chromium these are told as skipped.
const test = chromium === null ? anyTest.serial.skip : anyTest.serial;

const isJson = { 'Content-Type': 'application/json' };

let browser: Browser;
let node: NodeProcess;
let url: string;

anyTest.before(async () => {
  if (chromium === null) return;
  [browser, node] = await Promise.all([launchChromium(chromium), NodeProcess.start({ flags: [] })]);
  url = (await node.ports()).url;
  await put(encodeURIComponent(hostileKey), '<script>alert(2)</script>');
  await put('counter', '41');
  await put('doc', '{"name":"Ada","id":12345678901234567890,"list":[1,2.50,null]}', 'application/json');
  await put('%00%FF%10abc', new Uint8Array([1, 2, 255, 254, 65, 66]));
  await put('page', '<b>bold</b>', 'text/html');
  await put('big', 'a'.repeat(400_000));
  await put('brief?ttl=600', 'soon gone');
  const commands = Array.from({ length: 250 }, (_, at) => ['SET', `session:${at}`, 'x', 'EX', '3600']);
  const answer = await fetch(`${url}/pipeline`, { method: 'POST', headers: isJson, body: JSON.stringify(commands) });
  if (!answer.ok) throw new Error(await answer.text());
});

anyTest.after.always(async () => {
  await browser?.close();
  await node?.kill();
});

test('keys are found by pattern, by a part of their name, and page by page', async (t) => {
  await inBrowser(t, browser, [url], async (opened) => {
    const { page } = opened;
    await page.goto(`${url}/#keys/m:${encodeURIComponent('session:*')}`);
    const rows = opened.card('keys').locator('tbody tr');
    const more = page.getByRole('button', { name: 'Look further' });
    await until(async () => (await rows.count()) >= 100);
    while (await more.isVisible()) await more.click();
    await page.getByText('250 keys found.').waitFor();
    t.is(await rows.count(), 250);
    await search(page, 'oun');
    await page.getByText('1 key found.').waitFor();
    t.regex(await rows.nth(0).innerText(), /counter/);
    await search(page, 'no such key');
    await page.getByText('No such keys.').waitFor();
    // A whole name is found although its brackets would be a pattern's, had they no backslashes.
    await search(page, '<img');
    await page.getByRole('button', { name: hostileKey }).waitFor();
    await opened.picture('keys-search');
  });
});

test('a value is shown as what it is', async (t) => {
  await inBrowser(t, browser, [url], async (opened) => {
    const { page } = opened;
    const value = page.locator('.value');
    await page.goto(`${url}/#keys/t:doc`);
    await page.locator('[data-part="kind"]').filter({ hasText: 'json' }).waitFor();
    t.is(
      await value.innerText(),
      '{\n  "name": "Ada",\n  "id": 12345678901234567890,\n  "list": [\n    1,\n    2.50,\n    null\n  ]\n}',
    );
    await page.getByRole('button', { name: 'Hex' }).click();
    t.regex(await value.innerText(), /^00000000 {2}7b 22 6e 61/);
    await page.goto(`${url}/#keys/t:counter`);
    await page.locator('[data-part="kind"]').filter({ hasText: 'number' }).waitFor();
    await page.goto(`${url}/#keys/b:AP8QYWJj`);
    await page.locator('[data-part="kind"]').filter({ hasText: 'bytes' }).waitFor();
    t.regex(await value.innerText(), /01 02 ff fe 41 42 +\.{4}AB/);
    await page.goto(`${url}/#keys/t:brief`);
    await page.getByText(/^expires in 9 min \d+ s$/).waitFor();
    await page.goto(`${url}/#keys/t:big`);
    await page.getByText('Shown are the first 256 KiB of 391 KiB').waitFor();
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save to file' }).click();
    t.is((await stat(await (await saving).path())).size, 400_000, 'a file has all of it');
    t.true(await page.getByRole('button', { name: 'Edit', exact: true }).isDisabled());
    await page.goto(`${url}/#keys/t:nothing`);
    await page.getByText('There is no such key.').waitFor();
    opened.forgive(/status of 404/);
  });
});

test('names and values are text, whatever they say', async (t) => {
  await inBrowser(t, browser, [url], async (opened) => {
    const { page } = opened;
    await page.goto(`${url}/#keys/t:${encodeURIComponent(hostileKey)}`);
    await page.getByRole('heading', { name: hostileKey }).waitFor();
    t.is(await page.locator('.value').innerText(), '<script>alert(2)</script>');
    await page.goto(`${url}/#keys/t:page`);
    await page.locator('.value').getByText('<b>bold</b>').waitFor();
    t.is(await page.locator('main img, main script, .value b').count(), 0);
    await opened.picture('keys-hostile');
  });
});

test('a value is edited where nobody else changed it, and keeps its kind and its time to live', async (t) => {
  await inBrowser(t, browser, [url], async (opened) => {
    const { page } = opened;
    const dialog = page.getByRole('dialog');
    const field = dialog.locator('textarea');
    await put('edited?ttl=600', '{"a":1}', 'application/json');
    await page.goto(`${url}/#keys/t:edited`);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await field.fill('{"a":');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'no JSON' }).waitFor();
    await opened.picture('keys-edit');
    await field.fill('{\n  "a": 2\n}');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    t.is(await command('JSON.GET', 'edited'), '{"a":2}', 'without spaces, as it was');
    t.true(Number(await command('PTTL', 'edited')) > 500_000);
    await page.locator('.value').getByText('2').waitFor();

    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await command('JSON.SET', 'edited', '$', '{"b":1}');
    await field.fill('{"a":3}');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'Somebody else changed this key' }).waitFor();
    t.is(await command('JSON.GET', 'edited'), '{"b":1}');
    await dialog.getByRole('button', { name: 'Cancel' }).click();

    await page.goto(`${url}/#keys/t:counter`);
    await page.getByRole('heading', { name: 'counter' }).waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await field.fill('42');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    t.is(await command('INCR', 'counter'), 43, 'it still is a number');
    opened.forgive(/status of 412/);
  });
});

test('a time to live is set and taken away, of keys of bytes, too', async (t) => {
  await inBrowser(t, browser, [url], async (opened) => {
    const { page } = opened;
    await put('lasting', 'x');
    for (const address of ['t:lasting', 'b:AP8QYWJj']) {
      await page.goto(`${url}/#keys/${address}`);
      await page.getByText('does not expire').waitFor();
      await setExpiry(page, '5', 'min');
      await page.getByText(/^expires in (5 min|4 min \d+ s)$/).waitFor();
      await setExpiry(page, '', 'min');
      await page.getByText('does not expire').waitFor();
    }
    const answer = await fetch(`${url}/v1/keys/%00%FF%10abc`);
    t.deepEqual([...new Uint8Array(await answer.arrayBuffer())], [1, 2, 255, 254, 65, 66]);
  });
});

test('keys are made where there is none of that name, and deleted', async (t) => {
  await inBrowser(
    t,
    browser,
    [url],
    async (opened) => {
      const { page } = opened;
      const dialog = page.getByRole('dialog');
      await page.goto(`${url}/#keys`);
      await page.getByRole('button', { name: 'New key' }).click();
      await dialog.getByLabel('Key').fill('counter');
      await dialog.getByLabel('Value').fill('7');
      await dialog.getByRole('button', { name: 'Create' }).click();
      await dialog.getByRole('alert').filter({ hasText: 'already' }).waitFor();
      await opened.picture('keys-new-phone', { fullPage: false });
      await dialog.getByLabel('Key').fill('a/new key?');
      await dialog.getByRole('button', { name: 'Create' }).click();
      await page.getByRole('heading', { name: 'a/new key?' }).waitFor();
      t.is(await command('INCR', 'a/new key?'), 8);
      await opened.picture('keys-open-phone');
      await page.getByRole('button', { name: 'Reload' }).click();
      await page.locator('.value').getByText('8').waitFor();
      await page.getByRole('button', { name: 'Delete' }).click();
      await dialog.getByRole('button', { name: 'Delete' }).click();
      await dialog.waitFor({ state: 'detached' });
      t.is(await command('EXISTS', 'a/new key?'), 0);
      // The keys are shown again, without it.
      await page.locator('.key-list tbody tr').first().waitFor();
      t.is(await page.getByRole('button', { name: 'a/new key?' }).count(), 0);
      opened.forgive(/status of 412/);
    },
    SIZES.phone,
  );
});

test('a user who may only read is offered no more than that', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-page-'));
  const users = join(folder, 'users.yaml');
  await writeFile(
    users,
    JSON.stringify({
      users: {
        reader: { password: await hashPassword('looking'), rights: ['read'] },
        shop: { tokens: [`sha256:${digestOf('shop-token')}`], rights: ['read', 'write'], keys: ['shop:*', 'one'] },
      },
    }),
  );
  const guarded = await NodeProcess.start({ flags: ['--users-file', users] });
  try {
    const { url: itsUrl } = await guarded.ports();
    await inBrowser(t, browser, [itsUrl], async (opened) => {
      const { page } = opened;
      await page.goto(`${itsUrl}/#keys`);
      await page.getByLabel('User').fill('reader');
      await page.getByLabel('Password').fill('looking');
      await page.keyboard.press('Enter');
      await opened.card('keys').getByText('No keys yet.').waitFor();
      t.is(await page.getByRole('button', { name: 'New key' }).count(), 0);
      t.deepEqual(await page.locator('#tabs a').allInnerTexts(), ['Overview', 'Access', 'Keys']);
      opened.forgive(/status of 401/);
    });
    const headers = { authorization: 'Bearer shop-token' };
    for (const key of ['shop:cart:1', 'shop:user:1', 'one']) {
      t.is((await fetch(`${itsUrl}/v1/keys/${key}`, { method: 'PUT', body: 'x', headers })).status, 201);
    }
    // By a token alone; he may use some keys only, and finds all of these.
    await inBrowser(t, browser, [itsUrl], async (opened) => {
      const { page } = opened;
      await page.goto(`${itsUrl}/#keys`);
      await page.getByLabel('User').fill('');
      await page.getByLabel('Password').fill('shop-token');
      await page.keyboard.press('Enter');
      await page.getByText('those your user may use: shop:*, one').waitFor();
      await page.getByText('3 keys, which is all.').waitFor();
      await search(page, 'cart');
      await page.getByText('1 key found.').waitFor();
      await search(page, '*');
      await page.getByText(/may list keys within the patterns of his keys only: shop:\*, one/).waitFor();
      opened.forgive(/status of 40[13]/);
    });
  } finally {
    await guarded.kill();
    await rm(folder, { recursive: true, force: true });
  }
});

async function search(page: Page, text: string): Promise<void> {
  await page.getByRole('searchbox').fill(text);
  await page.keyboard.press('Enter');
}

async function setExpiry(page: Page, amount: string, unit: string): Promise<void> {
  await page.getByRole('button', { name: 'Expiry' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('[name="expiry"]').fill(amount);
  await dialog.getByLabel('Unit').selectOption(unit);
  await dialog.getByRole('button', { name: 'Set' }).click();
  await dialog.waitFor({ state: 'detached' });
}

async function put(pathAndQuery: string, body: string | Uint8Array, contentType = ''): Promise<void> {
  const headers: Record<string, string> = contentType === '' ? {} : { 'Content-Type': contentType };
  const answer = await fetch(`${url}/v1/keys/${pathAndQuery}`, { method: 'PUT', headers, body: Buffer.from(body) });
  if (!answer.ok) throw new Error(await answer.text());
}

async function command(...words: string[]): Promise<unknown> {
  const answer = await fetch(url, { method: 'POST', headers: isJson, body: JSON.stringify(words) });
  return ((await answer.json()) as { result: unknown }).result;
}
