import { createConnection, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Reply } from '../protocol/resp/reply.ts';
import { ReplyDecoder } from '../protocol/resp/reply-decoder.ts';
import { encodeRequest, RequestEncoder, type RequestWord } from '../protocol/resp/request-encoder.ts';
import { addressText, type Target } from './target.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** A connection that cannot be opened, is refused, or ended; the message is a whole sentence. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

interface Waiter {
  resolve(reply: Reply): void;
  reject(error: ConnectionError): void;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ECONNRESET: 'it closed the connection',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself (--cacert names one to trust)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by one that is not trusted (--cacert names one to trust)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by one that is not trusted (--cacert names one to trust)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is not for this host (--sni names another)',
};

/** Opens the socket, or the TLS connection, of a target. */
export async function openSocket(target: Target): Promise<Socket> {
  const { host, port, tls } = target;
  const socket =
    tls === null
      ? createConnection({ host, port, noDelay: true })
      : connectTls({
          host,
          port,
          ALPNProtocols: [],
          rejectUnauthorized: !tls.insecure,
          ...((tls.serverName ?? (/^[\d.]+$|:/.test(host) ? undefined : host)) !== undefined && {
            servername: tls.serverName ?? host,
          }),
          ...(tls.ca !== undefined && { ca: tls.ca }),
          ...(tls.cert !== undefined && { cert: tls.cert }),
          ...(tls.key !== undefined && { key: tls.key }),
        });
  const failed = (what: string) => {
    const hinted = target.isSource === true ? what.replace('--cacert', '--from-cacert') : what;
    return new ConnectionError(`Could not connect to ${addressText(target)}: ${hinted}.`);
  };
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      socket.destroy();
      reject(failed('it does not answer'));
    });
    socket.once(tls === null ? 'connect' : 'secureConnect', resolve);
    socket.once('error', (error: NodeJS.ErrnoException) => reject(failed(reasons[error.code ?? ''] ?? error.message)));
  });
  socket.setTimeout(0);
  socket.removeAllListeners('timeout');
  socket.setNoDelay(true);
  return socket;
}

/** One connection that speaks RESP: replies go to who asked, in order; what comes unasked goes to `onUnasked`. */
export class Connection {
  /** Told of pushes, and of replies that nobody waits for: the messages of a subscription. */
  onUnasked: (reply: Reply) => void = () => undefined;
  /** Told once when the connection ended, but not when it was closed from this side. */
  onEnd: (error: ConnectionError) => void = () => undefined;
  readonly #socket: Socket;
  readonly #decoder = new ReplyDecoder();
  readonly #waiters: Waiter[] = [];
  #ended: ConnectionError | null = null;

  private constructor(socket: Socket, target: Target) {
    this.#socket = socket;
    const where = addressText(target);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end(new ConnectionError(`The server at ${where} closed the connection.`)));
  }

  /**
   * Connects, logs in, and asks for RESP3 where wanted. `onWarning` is told what is not as wanted and can be lived with.
   * Throws a {@link ConnectionError}.
   */
  static async open(target: Target, resp: 2 | 3, onWarning: (text: string) => void = () => undefined) {
    const connection = new Connection(await openSocket(target), target);
    try {
      await connection.#introduce(target, resp, onWarning);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  get isEnded(): boolean {
    return this.#ended !== null;
  }

  /** Sends a command and waits for its reply. */
  request(words: readonly RequestWord[]): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => {
      if (this.#ended === null) this.#waiters.push({ resolve, reject });
      else reject(this.#ended);
    });
    this.send(words);
    return reply;
  }

  /**
   * Sends commands in one write. Each reply is a promise of its own: when the connection ends, those that came stand.
   * An unanswered one rejects with a {@link ConnectionError}, which is nobody's fault until it is looked at.
   */
  requestAll(commands: readonly (readonly RequestWord[])[]): Promise<Reply>[] {
    const encoder = new RequestEncoder();
    for (const words of commands) encoder.add(words);
    const replies = commands.map(() => {
      const reply = new Promise<Reply>((resolve, reject) => {
        if (this.#ended === null) this.#waiters.push({ resolve, reject });
        else reject(this.#ended);
      });
      reply.catch(() => undefined);
      return reply;
    });
    if (this.#ended === null) this.#socket.write(encoder.take());
    return replies;
  }

  /** Sends a command whose replies go to `onUnasked`. */
  send(words: readonly RequestWord[]): void {
    this.#socket.write(encodeRequest(words));
  }

  /** Sends bytes that are RESP already; answers false when the socket is full until `onDrain` is called. */
  write(bytes: Uint8Array, onDrain: () => void): boolean {
    if (this.#socket.write(bytes)) return true;
    this.#socket.once('drain', onDrain);
    return false;
  }

  /** Says that nothing more is sent: ends what the server ends when its client goes. The replies that are owed still come. */
  endInput(): void {
    this.#socket.end();
  }

  close(): void {
    this.onEnd = () => undefined;
    this.#end(new ConnectionError('The connection was closed.'));
    this.#socket.destroy();
  }

  async #introduce(target: Target, resp: 2 | 3, onWarning: (text: string) => void): Promise<void> {
    const { user, password, database } = target;
    if (password !== undefined) {
      const reply = await this.request(user === undefined ? ['AUTH', password] : ['AUTH', user, password]);
      if (reply.kind === 'error') {
        // A password for a server that wants none is no mistake that anything depends on.
        if (!/without any password configured/.test(reply.text)) {
          throw new ConnectionError(`AUTH was refused: ${reply.text}`);
        }
        onWarning(`the server at ${addressText(target)} asks for no password, but one was given.`);
      }
    }
    if (resp === 3) {
      const reply = await this.request(['HELLO', '3']);
      if (reply.kind === 'error') throw new ConnectionError(`HELLO 3 was refused: ${reply.text}`);
    }
    if (database !== 0) {
      const reply = await this.request(['SELECT', database]);
      if (reply.kind === 'error') throw new ConnectionError(`SELECT ${database} was refused: ${reply.text}`);
    }
  }

  #receive(bytes: Uint8Array): void {
    this.#decoder.feed(bytes);
    try {
      for (let reply = this.#decoder.next(); reply !== undefined; reply = this.#decoder.next()) this.#deliver(reply);
    } catch (error) {
      this.#end(new ConnectionError(error instanceof Error ? error.message : String(error)));
      this.#socket.destroy();
    }
  }

  #deliver(reply: Reply): void {
    const waiter = reply.kind === 'push' ? undefined : this.#waiters.shift();
    if (waiter === undefined) this.onUnasked(reply);
    else waiter.resolve(reply);
  }

  #end(error: ConnectionError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    this.onEnd(error);
  }
}
