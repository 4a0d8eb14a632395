import type { Reply } from '../../protocol/resp/reply.ts';
import type { RequestWord } from '../../protocol/resp/request-encoder.ts';
import { Connection, ConnectionError } from '../connection.ts';
import { RefusedError } from '../key-pages.ts';
import { pause, warn } from '../run.ts';
import { addressText, type Target } from '../target.ts';

const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1000;

/** Errors that tell of the server's state, not of the command, and that pass. */
const passing =
  /^(LOADING|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|BUSY|MISCONF) |shutting down|may have taken effect/;

export interface LinkOptions {
  /** How long a server may be away, or answer with errors that pass, without any progress. */
  readonly patienceMs: number;
  /** Whether a lost connection is opened anew; else it is the end. */
  readonly reopens: boolean;
  /** Told what is waited for, when it begins. */
  readonly onWait: (what: string) => void;
}

/** A connection to a server on which many commands are under way, and which gets over a while without that server. */
export class ServerLink {
  readonly #target: Target;
  readonly #options: LinkOptions;
  #connection: Connection | null = null;

  constructor(target: Target, options: LinkOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** Connects; throws a {@link ConnectionError} at once when that is not possible. */
  async open(): Promise<void> {
    this.#connection = await Connection.open(this.#target, 2, (text) => warn(text));
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async request(words: readonly RequestWord[]): Promise<Reply> {
    const [reply] = await this.exchange([words]);
    return reply as Reply;
  }

  /**
   * Sends commands and returns their replies, in order. One that was not answered, or with an error that passes, is sent
   * again: commands must not mind being run twice. With `keepsOrder` all behind it are sent again as well, so that what is
   * written last stands. Throws a ConnectionError or a RefusedError when there was no progress for too long.
   */
  async exchange(commands: readonly (readonly RequestWord[])[], keepsOrder = false): Promise<Reply[]> {
    const { patienceMs, reopens, onWait } = this.#options;
    const replies = new Map<number, Reply>();
    let pending = [...commands.keys()];
    let pauseMs = PAUSE_MS_MIN;
    let progressMs = performance.now();
    for (;;) {
      const lost = await this.#try(commands, pending, replies);
      const open = pending.filter((at) => isOpen(replies.get(at)));
      const [first] = open;
      if (first === undefined) return commands.map((_, at) => replies.get(at) as Reply);
      const failed = replies.get(first);
      const left = keepsOrder ? pending.filter((at) => at >= first) : open;
      if (left.length < pending.length) progressMs = performance.now();
      const trouble =
        lost ?? new RefusedError(failed?.kind === 'error' ? failed.text : 'A command was answered in a strange way.');
      if (lost !== null && !reopens) throw lost;
      if (performance.now() - progressMs >= patienceMs) throw trouble;
      onWait(trouble.message);
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
      pending = left;
      for (const at of pending) replies.delete(at);
    }
  }

  /** One attempt: fills in the replies that come. Answers why the connection was lost, or null. */
  async #try(
    commands: readonly (readonly RequestWord[])[],
    pending: readonly number[],
    replies: Map<number, Reply>,
  ): Promise<ConnectionError | null> {
    const { patienceMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    let isLate = false;
    try {
      this.#connection ??= await Connection.open(this.#target, 2, (text) => warn(text));
      const connection = this.#connection;
      timer = setTimeout(() => {
        isLate = true;
        connection.close();
      }, patienceMs);
      const sent = connection.requestAll(pending.map((at) => commands[at] ?? []));
      for (const [index, reply] of sent.entries()) replies.set(pending[index] as number, await reply);
      return null;
    } catch (error) {
      this.close();
      if (!(error instanceof ConnectionError)) throw error;
      const late = `The server at ${addressText(this.#target)} has not answered for ${patienceMs / 1000} s.`;
      return isLate ? new ConnectionError(late) : error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function isOpen(reply: Reply | undefined): boolean {
  return reply === undefined || (reply.kind === 'error' && passing.test(reply.text));
}
