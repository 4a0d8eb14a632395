import { splitAddress } from '../../base/addresses.ts';
import { ConnectionError } from '../connection.ts';
import { RefusedError } from '../key-pages.ts';
import { Exit, warn } from '../run.ts';
import { addressText } from '../target.ts';
import { frameOf } from './frame.ts';
import type { OpenFeed } from './http-feed.ts';
import { type Action, type Key, pressed } from './keys.ts';
import { openFeed, type Place } from './open-feed.ts';
import { Screen } from './screen.ts';
import { initialState, type Link, type TopState, type ViewName, withLink, withNews } from './state.ts';

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 5000;
/** While a node is lost nothing comes from it, and what is shown of the time goes on. */
const TICK_MS = 1000;

type Opened = Awaited<ReturnType<typeof openFeed>>;

/** `top` on a terminal: draws what is known, obeys keys, and connects again to a node that is lost. */
export class LiveTop {
  readonly #screen: Screen;
  #place: Place;
  #state: TopState;
  #feed: OpenFeed | null = null;
  /** Ends the waiting for the next attempt. */
  #wake: () => void = () => undefined;
  #isOpening = false;
  #isVisiting = false;
  #isDue = false;
  #isLeaving = false;
  #leave: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(place: Place, view: ViewName, hasColours: boolean) {
    this.#place = place;
    this.#state = { ...initialState(addressText(place.target)), view };
    this.#screen = new Screen(hasColours);
  }

  /** Throws a ConnectionError or RefusedError when the node cannot be reached to begin with. */
  async run(): Promise<Exit> {
    // What is wrong with the very first attempt, as a wrong port, is to be read where the program was called.
    const first = await openFeed(this.#place, warn);
    const left = new Promise<void>((resolve, reject) => {
      this.#leave = resolve;
      this.#fail = reject;
    });
    const ticking = setInterval(() => this.#redraw(), TICK_MS);
    this.#screen.onKey = (key) => this.#onKey(key);
    this.#screen.onResize = () => this.#redraw();
    this.#screen.enter();
    try {
      this.#redraw();
      this.#follow(first).catch((error: unknown) => this.#fail(error));
      await left;
    } finally {
      this.#isLeaving = true;
      this.#wake();
      this.#feed?.close();
      clearInterval(ticking);
      this.#screen.leave();
    }
    // An attempt that nobody answers would hold the program for as long as that is waited for.
    if (this.#isOpening) process.exit(Exit.ok);
    return Exit.ok;
  }

  /** Goes on from one connection to the next. */
  async #follow(first: Opened): Promise<void> {
    let reason = await this.#listen(first);
    for (let delayMs = RETRY_MS_MIN; !this.#isLeaving; ) {
      if (this.#isVisiting) {
        this.#isVisiting = false;
        this.#setLink({ kind: 'connecting', address: addressText(this.#place.target) });
      } else {
        this.#setLink({ kind: 'lost', reason, retryAtMs: Date.now() + delayMs });
        await this.#pause(delayMs);
        delayMs = Math.min(delayMs * 2, RETRY_MS_MAX);
      }
      try {
        this.#isOpening = true;
        const opened = await openFeed(this.#place);
        this.#isOpening = false;
        if (this.#isLeaving || this.#isVisiting) {
          opened.feed.close();
          continue;
        }
        delayMs = RETRY_MS_MIN;
        reason = await this.#listen(opened);
      } catch (error) {
        this.#isOpening = false;
        if (!(error instanceof ConnectionError) && !(error instanceof RefusedError)) throw error;
        reason = error.message;
      }
    }
  }

  /** Resolves with what ended the connection. */
  #listen({ feed, source }: Opened): Promise<string> {
    this.#feed = feed;
    this.#setLink({ kind: 'open', source });
    return new Promise((resolve) => {
      this.#wake = () => resolve('');
      feed.start((event) => {
        this.#state = withNews(this.#state, event);
        this.#redraw();
      }, resolve);
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #onKey(key: Key): void {
    const { state, action } = pressed(this.#state, key, Date.now());
    this.#state = state;
    this.#act(action);
    this.#redraw();
  }

  #act(action: Action): void {
    switch (action.kind) {
      case 'none':
        break;
      case 'quit':
        this.#leave();
        break;
      case 'suspend':
        this.#screen.suspend();
        break;
      case 'redraw':
        this.#screen.forget();
        break;
      case 'retry':
        this.#wake();
        break;
      case 'visit':
        this.#visit(action.tcp, action.http);
        break;
    }
  }

  /** Looks at another node, which its cluster says is there, as the same user. */
  #visit(tcp: string, http: string): void {
    const { target } = this.#place;
    const address = splitAddress(tcp);
    if (address === null) return;
    // Who was not asked over RESP is not asked over RESP there.
    const spoken = this.#place.http === null ? null : splitAddress(http);
    this.#place = { ...this.#place, target: { ...target, ...address }, http: spoken };
    this.#isVisiting = true;
    this.#feed?.close();
    this.#wake();
  }

  #setLink(link: Link): void {
    this.#state = withLink(this.#state, link);
    this.#redraw();
  }

  /** Once for all that comes together. */
  #redraw(): void {
    if (this.#isDue || this.#isLeaving) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isLeaving) this.#screen.draw(frameOf(this.#state, this.#screen.size, Date.now()));
    });
  }
}
