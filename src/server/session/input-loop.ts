import { AssertionError } from '../../base/assert.ts';
import type { SessionConnection } from './session.ts';
import type { SessionNode } from './session-node.ts';
import type { SessionState } from './session-state.ts';

/** Reads of so many commands are made as one, as far as the stores' memory is concerned: tens of microseconds. */
const COMMANDS_PER_HOLD = 64;

/** What takes commands out of what has arrived on its connection. */
export interface CommandTaker {
  /** Whether nothing holds the session: the next command may be taken. */
  mayTake(): boolean;
  /** Takes one command; false when what arrived holds no whole one. */
  takeNext(): boolean;
  /** Nothing more is taken now: what is left is to be copied, and a closing session to be ended. */
  onRest(): void;
}

/**
 * Has a session take commands until there is none or something holds it, and keeps the socket from being read
 * meanwhile. A broken invariant (an AssertionError) ends the thread; any other defect costs the connection it was met
 * on, and nothing else: whatever calls into a session does so by way of `run` or hands what it caught to `defect`.
 */
export class InputLoop {
  /** Something holds the session, which has or may have input that it has not looked at. */
  isHeld = false;
  readonly #node: SessionNode;
  readonly #connection: SessionConnection;
  readonly #state: SessionState;
  readonly #taker: CommandTaker;
  #isPaused = false;
  #isRunning = false;
  #isClosed = false;

  constructor(node: SessionNode, connection: SessionConnection, state: SessionState, taker: CommandTaker) {
    this.#node = node;
    this.#connection = connection;
    this.#state = state;
    this.#taker = taker;
  }

  run(): void {
    // A reply that is there at once calls this from within.
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    const { commands } = this.#node;
    const taker = this.#taker;
    commands.holdReads();
    try {
      let run = 0;
      while (taker.mayTake()) {
        if (!taker.takeNext()) {
          this.#hold(false);
          return;
        }
        if (++run % COMMANDS_PER_HOLD === 0) {
          commands.releaseReads();
          commands.holdReads();
        }
      }
      this.#hold(true);
    } catch (error) {
      this.defect(error);
    } finally {
      commands.releaseReads();
      this.#isRunning = false;
      if (!this.#isClosed) taker.onRest();
    }
  }

  /** Closes the connection for what was thrown on its behalf. */
  defect(error: unknown): void {
    if (error instanceof AssertionError) throw error;
    this.#node.log.error({ err: error, client: this.#connection.id }, 'a session failed in a way it must not');
    this.#connection.destroy('a session failed in a way it must not');
  }

  close(): void {
    this.#isClosed = true;
  }

  #hold(isHeld: boolean): void {
    if (this.#isClosed) return;
    this.isHeld = isHeld;
    // What a closing connection still sends is read, and dropped.
    if (this.#state.isClosing) return;
    // That the other end goes is noticed only where its socket is read: until it sends more, which has to wait.
    const isPaused = isHeld && !this.#state.mustListen;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#connection.pauseInput();
    else this.#connection.resumeInput();
  }
}
