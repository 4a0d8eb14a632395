import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../base/ports.ts';
import type { TlsIdentity } from '../tls/tls-identity.ts';
import { TlsRelay } from '../tls/tls-relay.ts';
import type { Uws, UwsApp, UwsListenSocket } from './uws.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly connectionsMax: number;
  readonly requestTimeoutMs: number;
}

/** How connections come to the front's apps. */
export interface Listener {
  readonly port: number;
  /** Fulfilled when connections are accepted. */
  listen(): Promise<void>;
  /** Accepts no more; what is open goes on. */
  stop(): void;
  /** Closes everything at once. */
  close(): void;
}

/** Puts the front's paths into an app. */
export type Route = (app: UwsApp) => void;

/** Of the engine's listen options: the port may be opened again by this process. */
const SHARED_PORT = 0;
/** The engine hands over waiting connections once a turn; a turn this short has left none waiting. */
const QUIET_TURN_MS = 0.3;
const QUIET_TURNS_MAX = 2000;

/** The way that fits the node's options of TLS; null: none. */
export function listenerOf(
  uws: Uws,
  options: ListenerOptions,
  tls: TlsIdentity | null,
  route: Route,
  log: Logger,
): Listener {
  if (tls === null) return new PlainListener(uws, options, route);
  return isEngineEnough(tls)
    ? new TlsListener(uws, options, tls, route, log)
    : new RelayListener(uws, options, tls, route, log);
}

/** Whether the engine's own TLS keeps the rules: it cannot refuse clients without a certificate, nor TLS 1.2. */
export function isEngineEnough({ settings }: TlsIdentity): boolean {
  return settings.caFile === '' && settings.minVersion === 'TLSv1.2';
}

class PlainListener implements Listener {
  port = 0;
  readonly #uws: Uws;
  readonly #options: ListenerOptions;
  readonly #app: UwsApp;
  #socket: UwsListenSocket | null = null;

  constructor(uws: Uws, options: ListenerOptions, route: Route) {
    this.#uws = uws;
    this.#options = options;
    this.#app = uws.App();
    route(this.#app);
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options;
    this.#socket = await listenAt(this.#app, host, port, this.#uws.LIBUS_LISTEN_EXCLUSIVE_PORT);
    this.port = this.#uws.us_socket_local_port(this.#socket);
  }

  stop(): void {
    if (this.#socket !== null) this.#uws.us_listen_socket_close(this.#socket);
    this.#socket = null;
  }

  close(): void {
    this.stop();
    this.#app.close();
  }
}

/**
 * The engine's own TLS. An app keeps the certificate it was made with: a new one is another app on the same port, which
 * takes the place of the old in accepting, while the old goes on with the connections it has.
 */
class TlsListener implements Listener {
  port = 0;
  readonly #uws: Uws;
  readonly #options: ListenerOptions;
  readonly #tls: TlsIdentity;
  readonly #route: Route;
  readonly #log: Logger;
  readonly #apps: UwsApp[] = [];
  #socket: UwsListenSocket | null = null;
  #isStopped = false;
  #isClosed = false;
  /** Changes of the certificate one after the other. */
  #changing: Promise<void> = Promise.resolve();

  constructor(uws: Uws, options: ListenerOptions, tls: TlsIdentity, route: Route, log: Logger) {
    this.#uws = uws;
    this.#options = options;
    this.#tls = tls;
    this.#route = route;
    this.#log = log;
  }

  async listen(): Promise<void> {
    const { host } = this.#options;
    // The port is opened in a way that lets it be opened again, so that it is seen to be free first.
    this.port = await freePort(host, this.#options.port);
    this.#socket = await this.#open();
    this.#tls.onChange(() => {
      this.#changing = this.#changing.then(() => this.#change());
    });
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#socket !== null) this.#uws.us_listen_socket_close(this.#socket);
    this.#socket = null;
  }

  close(): void {
    this.stop();
    this.#isClosed = true;
    for (const app of this.#apps.splice(0)) app.close();
  }

  async #open(): Promise<UwsListenSocket> {
    const { certFile, keyFile } = this.#tls.settings;
    const app = this.#uws.SSLApp({ cert_file_name: certFile, key_file_name: keyFile });
    this.#route(app);
    this.#apps.push(app);
    return listenAt(app, this.#options.host, this.port, SHARED_PORT);
  }

  async #change(): Promise<void> {
    if (this.#isStopped) return;
    try {
      const socket = await this.#open();
      // Connections that wait to be accepted are reset when their socket is closed: so it is when none waits.
      await quietTurn();
      // Closing an app closes what it listens on, which must not be closed again.
      if (this.#isClosed) return;
      const replaced = this.#socket;
      this.#socket = socket;
      if (replaced !== null) this.#uws.us_listen_socket_close(replaced);
      if (this.#isStopped) this.stop();
    } catch (err) {
      this.#log.error({ err }, 'the HTTP port keeps the certificate it has');
    }
  }
}

/** TLS taken off by Node.js, which can do what the engine cannot, in front of an app on a socket of this process. */
class RelayListener implements Listener {
  readonly #uws: Uws;
  readonly #app: UwsApp;
  readonly #relay: TlsRelay;
  readonly #folder: string;
  readonly #target: string;
  #socket: UwsListenSocket | null = null;

  constructor(uws: Uws, options: ListenerOptions, tls: TlsIdentity, route: Route, log: Logger) {
    this.#uws = uws;
    this.#app = uws.App();
    route(this.#app);
    // Only this user may enter it: others must not come past the relay.
    this.#folder = mkdtempSync(join(tmpdir(), 'fluxcache-'));
    this.#target = join(this.#folder, 'http.sock');
    const { host, port, connectionsMax, requestTimeoutMs: handshakeTimeoutMs } = options;
    this.#relay = new TlsRelay(tls, { host, port, target: this.#target, connectionsMax, handshakeTimeoutMs }, log);
  }

  get port(): number {
    return this.#relay.port;
  }

  async listen(): Promise<void> {
    try {
      this.#socket = await new Promise((resolve, reject) => {
        this.#app.listen_unix((socket) => {
          if (socket === false) reject(new Error(`The socket ${this.#target} cannot be opened.`));
          else resolve(socket);
        }, this.#target);
      });
      await this.#relay.listen();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  stop(): void {
    this.#relay.stop();
    // Connections that the relay has accepted may still be on their way, so the app goes on listening.
  }

  close(): void {
    this.#relay.close();
    if (this.#socket !== null) this.#uws.us_listen_socket_close(this.#socket);
    this.#socket = null;
    this.#app.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function listenAt(app: UwsApp, host: string, port: number, options: number): Promise<UwsListenSocket> {
  return new Promise((resolve, reject) => {
    app.listen(host, port, options, (socket) => {
      if (socket !== false) {
        resolve(socket);
        return;
      }
      const detail = `${host}:${port} is in use, or not an address of this machine`;
      reject(new Error(`The HTTP port cannot be opened: ${detail}.`));
    });
  });
}

/** The port, or a free one for 0; throws when it is in use. */
async function freePort(host: string, port: number): Promise<number> {
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Waits for a turn of the event loop in which there was little to do. */
async function quietTurn(): Promise<void> {
  for (let turn = 0; turn < QUIET_TURNS_MAX; turn++) {
    const beganMs = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
    if (turn > 0 && performance.now() - beganMs < QUIET_TURN_MS) return;
  }
}
