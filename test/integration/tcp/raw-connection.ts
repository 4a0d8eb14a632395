import { createConnection, type NetConnectOpts, type Socket } from 'node:net';

const PATIENCE_MS = 15_000;

/** A socket on which a test sends any bytes it likes, and looks at all that comes back, as latin1. */
export class RawConnection {
  readonly socket: Socket;
  isClosed = false;
  readonly #pieces: Buffer[] = [];
  #onNews = (): void => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    const ended = (): void => {
      this.isClosed = true;
      this.#onNews();
    };
    socket.on('data', (bytes: Buffer) => {
      this.#pieces.push(bytes);
      this.#onNews();
    });
    socket.on('error', () => undefined);
    socket.on('end', ended);
    socket.on('close', ended);
  }

  static async open(target: NetConnectOpts): Promise<RawConnection> {
    const socket = createConnection({ noDelay: true, ...target });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawConnection(socket);
  }

  /** Connects to a port of this machine. */
  static to(port: number): Promise<RawConnection> {
    return RawConnection.open({ port, host: '127.0.0.1' });
  }

  /** Text is sent as latin1. */
  send(bytes: string | Uint8Array): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString('latin1');
  }

  /** Resolves with all that came, once that is as wanted. One wait at a time. */
  until(isThere: (text: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`still waiting; so far: ${this.text().slice(0, 500)}`)),
        PATIENCE_MS,
      );
      this.#onNews = () => {
        const text = this.text();
        if (!isThere(text)) return;
        clearTimeout(timer);
        this.#onNews = () => undefined;
        resolve(text);
      };
      this.#onNews();
    });
  }

  /** Resolves when the other end has closed, with all that came. */
  closed(): Promise<string> {
    return this.until(() => this.isClosed);
  }

  /** Sends, and resolves with what came since, once that is as long as `answer`: for answers that are known. */
  async exchange(bytes: string | Uint8Array, answer: string): Promise<string> {
    const before = this.text().length;
    this.send(bytes);
    return (await this.until((text) => this.isClosed || text.length >= before + answer.length)).slice(before);
  }

  /** Ends the connection as a client does that is killed: what is under way both ways is lost. */
  reset(): void {
    // A socket that is shutting down cannot be reset: Node marks it as closing all the same, waits for that at the
    // process's end, and never ends.
    if (this.socket.writableEnded) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }
}
