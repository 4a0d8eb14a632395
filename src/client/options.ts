import type { Backoff } from './backoff.ts';
import { FluxCacheError } from './errors.ts';
import { namesOf, onlyKnown } from './known-options.ts';

/** What of TLS a client needs to say; all as Node's `tls.connect` has it. */
export interface TlsOptions {
  /** Certificates in PEM that are trusted in place of the well-known ones. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** This client's certificate and private key in PEM, for servers that ask for one. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  readonly passphrase?: string;
  /** The name the server's certificate must be for. Default: the host. */
  readonly servername?: string;
  /** Whether a certificate that cannot be verified ends the connection. Default: true. */
  readonly rejectUnauthorized?: boolean;
}

export interface RetryOptions extends Partial<Backoff> {
  /** Attempts of one call, the first included. Default: 4. */
  readonly attemptsMax?: number;
  /**
   * Whether writes that may have been sent are sent again when doing so leaves the same as once (`set`, `delete`, `expire`),
   * not counting what others wrote in between. Default: false.
   */
  readonly idempotentWrites?: boolean;
}

export interface QueueOptions {
  /** Calls that may wait for a connection or for room on it. Default: 100 000. */
  readonly callsMax?: number;
  /** Bytes of the requests that wait. Default: 64 MiB. */
  readonly bytesMax?: number;
}

export interface ClientOptions {
  /** `fluxcache://user:password@host:port`, `fluxcaches://` for TLS. Other options win over what the URL says. */
  readonly url?: string;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 7379. */
  readonly port?: number;
  /** Default: `default`, when there is a password. */
  readonly user?: string;
  readonly password?: string;
  /** The name that CLIENT LIST shows. */
  readonly clientName?: string;
  /** `true` for TLS with the well-known authorities. */
  readonly tls?: boolean | TlsOptions;
  /** Connections, opened as they are needed. Only with one (the default) do calls take effect in the order they are made. */
  readonly poolSize?: number;
  /** Time for a connection to be made and logged in. Default: 5000. */
  readonly connectTimeoutMs?: number;
  /** Time a call has in all, waiting and retries included; 0: any. Default: 5000. */
  readonly commandTimeoutMs?: number;
  /** Requests of one connection that wait for their answers; the server may allow fewer. Default: 4096. */
  readonly inFlightMax?: number;
  /** Size of the largest answer that is read. Default: 64 MiB. */
  readonly responseBytesMax?: number;
  /** Of calls. Default delays: 20 to 1000 ms. */
  readonly retry?: RetryOptions;
  /** Of lost connections. Default delays: 50 to 2000 ms. */
  readonly reconnect?: Partial<Backoff>;
  readonly queue?: QueueOptions;
}

/** Where and how one connection is made. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly clientName: string | undefined;
  readonly tls: TlsOptions | null;
  readonly connectTimeoutMs: number;
  readonly inFlightMax: number;
  readonly responseBytesMax: number;
  /** A connection that answers nothing for so long while a call times out is given up; 0: never. */
  readonly silenceMsMax: number;
}

export interface ResolvedOptions {
  readonly endpoint: Endpoint;
  readonly poolSize: number;
  readonly commandTimeoutMs: number;
  readonly retry: Required<RetryOptions>;
  readonly reconnect: Backoff;
  readonly queue: Required<QueueOptions>;
}

const MIB = 2 ** 20;

const clientNames = namesOf<ClientOptions>({
  url: true,
  host: true,
  port: true,
  user: true,
  password: true,
  clientName: true,
  tls: true,
  poolSize: true,
  connectTimeoutMs: true,
  commandTimeoutMs: true,
  inFlightMax: true,
  responseBytesMax: true,
  retry: true,
  reconnect: true,
  queue: true,
});
const retryNames = namesOf<RetryOptions>({
  attemptsMax: true,
  idempotentWrites: true,
  delayMsFirst: true,
  delayMsMax: true,
});
const reconnectNames = namesOf<Backoff>({ delayMsFirst: true, delayMsMax: true });
const queueNames = namesOf<QueueOptions>({ callsMax: true, bytesMax: true });

/**
 * Fills in the defaults.
 * @throws FluxCacheError `invalid-argument`, naming the option
 */
export function resolveOptions(given: string | ClientOptions): ResolvedOptions {
  const said: ClientOptions = typeof given === 'string' ? { url: given } : given;
  const options: ClientOptions = said.url === undefined ? said : { ...fromUrl(said.url), ...withoutUndefined(said) };
  const { retry = {}, reconnect = {}, queue = {}, tls } = options;
  onlyKnown(said, clientNames);
  onlyKnown(retry, retryNames, 'retry.');
  onlyKnown(reconnect, reconnectNames, 'reconnect.');
  onlyKnown(queue, queueNames, 'queue.');
  const commandTimeoutMs = whole('commandTimeoutMs', options.commandTimeoutMs, 5000, 0);
  return {
    endpoint: {
      host: options.host ?? '127.0.0.1',
      port: whole('port', options.port, 7379, 1, 65_535),
      user: options.user,
      password: options.password,
      clientName: options.clientName,
      tls: tls === true ? {} : tls === undefined || tls === false ? null : tls,
      connectTimeoutMs: whole('connectTimeoutMs', options.connectTimeoutMs, 5000, 1),
      inFlightMax: whole('inFlightMax', options.inFlightMax, 4096, 1),
      responseBytesMax: whole('responseBytesMax', options.responseBytesMax, 64 * MIB, 1024),
      silenceMsMax: commandTimeoutMs,
    },
    poolSize: whole('poolSize', options.poolSize, 1, 1, 1024),
    commandTimeoutMs,
    retry: {
      attemptsMax: whole('retry.attemptsMax', retry.attemptsMax, 4, 1),
      idempotentWrites: retry.idempotentWrites ?? false,
      delayMsFirst: whole('retry.delayMsFirst', retry.delayMsFirst, 20, 0),
      delayMsMax: whole('retry.delayMsMax', retry.delayMsMax, 1000, 0),
    },
    reconnect: {
      delayMsFirst: whole('reconnect.delayMsFirst', reconnect.delayMsFirst, 50, 0),
      delayMsMax: whole('reconnect.delayMsMax', reconnect.delayMsMax, 2000, 0),
    },
    queue: {
      callsMax: whole('queue.callsMax', queue.callsMax, 100_000, 0),
      bytesMax: whole('queue.bytesMax', queue.bytesMax, 64 * MIB, 0),
    },
  };
}

function fromUrl(text: string): ClientOptions {
  // The URL may hold a password, so that no message repeats it.
  if (!URL.canParse(text)) throw invalid('url', 'is no URL');
  const url = new URL(text);
  const isTls = url.protocol === 'fluxcaches:';
  if (!isTls && url.protocol !== 'fluxcache:') throw invalid('url', 'must begin with fluxcache:// or fluxcaches://');
  if (url.hostname === '') throw invalid('url', 'names no host');
  if (url.search !== '' || url.hash !== '' || !/^\/?$/.test(url.pathname)) {
    throw invalid('url', 'must end with the host and port: there is one database, and options are given beside it');
  }
  return withoutUndefined({
    // An IPv6 address stands in brackets in a URL, and without them elsewhere.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? undefined : Number(url.port),
    user: url.username === '' ? undefined : decoded(url.username),
    password: url.password === '' ? undefined : decoded(url.password),
    tls: isTls ? true : undefined,
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('url', 'holds a percent sign that begins no escape');
  }
}

function withoutUndefined(
  options: { readonly [Name in keyof ClientOptions]: ClientOptions[Name] | undefined },
): ClientOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function whole(name: string, given: number | undefined, fallback: number, min: number, max = 2 ** 31 - 1): number {
  const value = given ?? fallback;
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(name, `must be an integer from ${min} to ${max}, not ${value}`);
}

function invalid(name: string, what: string): FluxCacheError {
  return new FluxCacheError('invalid-argument', `Option ${name} ${what}.`);
}
