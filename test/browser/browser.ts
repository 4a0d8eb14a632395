import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Where Debian and others put it; FLUXCACHE_CHROMIUM names another. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const NETWORK_CHANGED = 'net::ERR_NETWORK_CHANGED';
/** How long the page may take for what it does, on a machine that has other things to do. */
export const SHOWN_MS = 30_000;

/** Windows that the page is looked at in. */
export const SIZES = {
  wide: { viewport: { width: 1440, height: 1000 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
} as const satisfies Record<string, BrowserContextOptions>;

/** Chromium's program; null where it is not installed. */
export async function findChromium(): Promise<string | null> {
  for (const path of [process.env['FLUXCACHE_CHROMIUM'] ?? '', ...PLACES]) {
    if (path !== '' && (await exists(path))) return path;
  }
  return null;
}

/** Starts Chromium without windows. Whoever starts it closes it. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  // As root, in a container, there is no sandbox, and little shared memory.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
}

/** A dashboard in a browser, and whatever is wrong with it: errors, and requests to other places than its node. */
export class DashboardPage {
  readonly page: Page;
  /** In words. A test ends with this being empty. */
  readonly problems: string[] = [];

  private constructor(page: Page) {
    this.page = page;
  }

  /** Opens a window and what it watches; `goto` of the page loads something. */
  static async open(
    browser: Browser,
    origins: readonly string[],
    options: BrowserContextOptions = SIZES.wide,
  ): Promise<DashboardPage> {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    const opened = new DashboardPage(await context.newPage());
    opened.page.setDefaultTimeout(SHOWN_MS);
    opened.#watch(new Set(origins));
    return opened;
  }

  /** The card of that name (`data-card`). */
  card(name: string): ReturnType<Page['locator']> {
    return this.page.locator(`[data-card="${name}"]`);
  }

  /** What can be read on the page, its beginning: for whoever looks for why a test fails. */
  async shownText(): Promise<string> {
    return String(await this.page.evaluate('document.body.innerText')).slice(0, 2000);
  }

  /** Errors that a test makes happen, such as those of a node that is away, are none of the page. */
  forgive(pattern: RegExp): void {
    for (let at = this.problems.length - 1; at >= 0; at--) {
      if (pattern.test(this.problems[at] ?? '')) this.problems.splice(at, 1);
    }
  }

  /** Writes a picture of the page into the folder FLUXCACHE_SCREENSHOTS, when there is one. */
  async picture(name: string, { fullPage = true } = {}): Promise<void> {
    const folder = process.env['FLUXCACHE_SCREENSHOTS'];
    if (folder === undefined || folder === '') return;
    await mkdir(folder, { recursive: true });
    const size = this.page.viewportSize();
    if (fullPage && size !== null) {
      // What is not on screen is not painted: the window has to be as high as the page, which grows by what is painted.
      for (let round = 0; round < 2; round++) {
        const height = await this.page.evaluate('document.body.scrollHeight');
        await this.page.setViewportSize({ width: size.width, height: Number(height) });
        await this.page.waitForTimeout(700);
      }
    }
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
    if (size !== null) await this.page.setViewportSize(size);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  #watch(origins: ReadonlySet<string>): void {
    this.page.on('requestfailed', (request) => {
      // A network interface of the machine came or went: Chromium gives up what it was loading.
      if (request.failure()?.errorText !== NETWORK_CHANGED || request.resourceType() === 'fetch') return;
      void this.page.reload().catch(() => undefined);
    });
    this.page.on('console', (message) => {
      if (message.text().includes(NETWORK_CHANGED)) return;
      if (message.type() === 'error' || message.type() === 'warning') {
        this.problems.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    this.page.on('pageerror', (error) => this.problems.push(`error: ${error.stack ?? error.message}`));
    this.page.on('dialog', (dialog) => {
      this.problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    this.page.on('request', (request) => {
      const url = new URL(request.url());
      if (!origins.has(url.origin) && url.protocol !== 'data:' && url.protocol !== 'blob:') {
        this.problems.push(`request to another place: ${request.url()}`);
      }
    });
  }
}

/** Opens a window for a test, which has no problems at its end. */
export async function inBrowser(
  t: ExecutionContext,
  browser: Browser,
  origins: readonly string[],
  look: (opened: DashboardPage) => Promise<void>,
  options: BrowserContextOptions = SIZES.wide,
): Promise<void> {
  const opened = await DashboardPage.open(browser, origins, options);
  try {
    await look(opened);
    t.deepEqual(opened.problems, []);
  } catch (error) {
    t.log(opened.problems, await opened.shownText());
    throw error;
  } finally {
    await opened.close();
  }
}

/** Waits for a condition. The page's policy forbids what Playwright would wait with inside it. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + SHOWN_MS;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`it was not so within ${SHOWN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
