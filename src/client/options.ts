import type { Backoff } from './backoff.ts';
import type { ByteStream } from './byte-stream.ts';
import { type Codec, plainCodec } from './codec.ts';
import type { Engine } from './engine.ts';
import { FluxCacheError } from './errors.ts';
import { namesOf, onlyKnown } from './known-options.ts';
import {
  type NearCacheLimits,
  type NearCacheOptions,
  nearCacheDefaults,
  nearCacheNames,
} from './near-cache/near-options.ts';
import { addressText, type NodeAddress } from './node-address.ts';

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

/** Which nodes of a cluster are asked by calls that only read. */
export type ReadFrom = 'primary' | 'replica' | 'any';

export interface ClientOptions {
  /**
   * `fluxcache://user:password@host:port`, `fluxcaches://` for TLS; several nodes of a cluster as `host:port,host:port`.
   * Other options win over what the URL says.
   */
  readonly url?: string;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 7379. */
  readonly port?: number;
  /** Nodes of one cluster as `HOST` or `HOST:PORT`, in place of host and port. One that is there is enough to find the others. */
  readonly endpoints?: readonly string[];
  /**
   * Whether to ask each key's own node. `auto`: when the server says that it is one of a cluster, and always with several
   * endpoints. `false`: everything goes to one node, which passes on what is not its own. Default: `auto`.
   */
  readonly cluster?: 'auto' | boolean;
  /**
   * Of a cluster, who is asked by calls that only read: the node that takes the key's writes; one that has a copy, whose
   * answer may be a little old (the server's `replicaStaleness`); or the least busy of all these. Default: `primary`.
   */
  readonly readFrom?: ReadFrom;
  /** Default: `default`, when there is a password. */
  readonly user?: string;
  readonly password?: string;
  /** The name that CLIENT LIST shows. */
  readonly clientName?: string;
  /** `true` for TLS with the well-known authorities. */
  readonly tls?: boolean | TlsOptions;
  /** Connections to each node, opened as they are needed. Only with one (the default) do calls take effect in the order they are made. */
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
  /**
   * Keeps what is read, as long as the server tells of its changes, so that reading it again needs no server: `true`, or with
   * limits. Default: false.
   */
  readonly nearCache?: boolean | NearCacheOptions;
  /** How `getOrSet` and `wrap` store values; `get` and `set` give and take what is stored. Default: as it is given. */
  readonly codec?: Codec;
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
  /** Whether to be told (`moved`) of calls that are another node's, which are passed on otherwise. */
  readonly wantsRedirects: boolean;
  /** Makes the stream in place of a socket to host and port. */
  readonly open?: () => ByteStream;
  /** Whether this connection only reads, and takes what copies hold, old as that may be. */
  readonly isReadOnly: boolean;
}

export interface ResolvedOptions {
  /** The first of `seeds`, and what holds for connections to all nodes. */
  readonly endpoint: Endpoint;
  /** Nodes to begin with, at least one. */
  readonly seeds: readonly NodeAddress[];
  readonly cluster: 'auto' | boolean;
  readonly readFrom: ReadFrom;
  readonly poolSize: number;
  readonly commandTimeoutMs: number;
  readonly retry: Required<RetryOptions>;
  readonly reconnect: Backoff;
  readonly queue: Required<QueueOptions>;
  /** Null: there is none. */
  readonly nearCache: NearCacheLimits | null;
  readonly codec: Codec;
}

const MIB = 2 ** 20;
const DEFAULT_PORT = 7379;

const clientNames = namesOf<ClientOptions>({
  url: true,
  host: true,
  port: true,
  endpoints: true,
  cluster: true,
  readFrom: true,
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
  nearCache: true,
  codec: true,
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
  const fromUrl = said.url === undefined ? {} : readUrl(said.url);
  const options: ClientOptions = { ...fromUrl, ...withoutUndefined(said) };
  const { retry = {}, reconnect = {}, queue = {}, nearCache = false, tls } = options;
  onlyKnown(said, clientNames);
  onlyKnown(retry, retryNames, 'retry.');
  onlyKnown(reconnect, reconnectNames, 'reconnect.');
  onlyKnown(queue, queueNames, 'queue.');
  if (nearCache !== false && (options.readFrom ?? 'primary') !== 'primary') {
    throw invalid('nearCache', 'goes with readFrom: primary only, since copies do not tell of changes');
  }
  const commandTimeoutMs = whole('commandTimeoutMs', options.commandTimeoutMs, 5000, 0);
  const seeds = seedsOf(said, options);
  const [first] = seeds;
  return {
    endpoint: {
      host: first.host,
      port: first.port,
      user: options.user,
      password: options.password,
      clientName: options.clientName,
      tls: tls === true ? {} : tls === undefined || tls === false ? null : tls,
      connectTimeoutMs: whole('connectTimeoutMs', options.connectTimeoutMs, 5000, 1),
      inFlightMax: whole('inFlightMax', options.inFlightMax, 4096, 1),
      responseBytesMax: whole('responseBytesMax', options.responseBytesMax, 64 * MIB, 1024),
      silenceMsMax: commandTimeoutMs,
      wantsRedirects: false,
      isReadOnly: false,
    },
    seeds,
    cluster: clusterOf(options.cluster, seeds),
    readFrom: oneOf('readFrom', options.readFrom ?? 'primary', ['primary', 'replica', 'any']),
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
    codec: options.codec ?? plainCodec,
    nearCache: nearCache === false ? null : nearLimitsOf(nearCache === true ? {} : nearCache),
  };
}

/** The same of a client whose server is an engine in this process. */
export function embeddedIn(engine: Engine, options: ResolvedOptions): ResolvedOptions {
  return { ...options, cluster: false, endpoint: { ...options.endpoint, host: 'embedded', open: () => engine.open() } };
}

function nearLimitsOf(given: NearCacheOptions): NearCacheLimits {
  onlyKnown(given, nearCacheNames, 'nearCache.');
  const { entriesMax, bytesMax, ttlMax, silenceMax } = nearCacheDefaults;
  return {
    entriesMax: whole('nearCache.entriesMax', given.entriesMax, entriesMax, 1, 2 ** 24),
    bytesMax: whole('nearCache.bytesMax', given.bytesMax, bytesMax, 1024, 2 ** 40),
    ttlMax: whole('nearCache.ttlMax', given.ttlMax, ttlMax, 1),
    silenceMax: whole('nearCache.silenceMax', given.silenceMax, silenceMax, 10),
  };
}

type Seeds = readonly [NodeAddress, ...NodeAddress[]];

/** Host and port, or the endpoints that stand in their place. */
function seedsOf(said: ClientOptions, options: ClientOptions): Seeds {
  // A host that is given wins over those of a URL, but not over endpoints that are given, too.
  const endpoints = said.endpoints ?? (said.host === undefined ? options.endpoints : undefined);
  if (endpoints === undefined) {
    return [{ host: options.host ?? '127.0.0.1', port: whole('port', options.port, DEFAULT_PORT, 1, 65_535) }];
  }
  if (said.host !== undefined) throw invalid('endpoints', 'and option host contradict each other');
  const port = whole('port', said.port, DEFAULT_PORT, 1, 65_535);
  const addresses = endpoints.map((text) => readAddress(text, port));
  const [first, ...others] = new Map(addresses.map((address) => [addressText(address), address])).values();
  if (first === undefined) throw invalid('endpoints', 'must name at least one node');
  return [first, ...others];
}

function clusterOf(given: ClientOptions['cluster'], seeds: Seeds): 'auto' | boolean {
  const cluster = oneOf('cluster', given ?? 'auto', ['auto', true, false]);
  if (seeds.length === 1) return cluster;
  if (cluster === false) throw invalid('cluster', 'must not be false with several endpoints');
  return true;
}

function readAddress(text: string, defaultPort: number): NodeAddress {
  const words = /^(?:\[([\da-f:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/i.exec(text);
  const port = words?.[3] === undefined ? defaultPort : Number(words[3]);
  if (words === null || port < 1 || port > 65_535) {
    throw invalid('endpoints', 'takes nodes as HOST or HOST:PORT, an IPv6 address in brackets');
  }
  return { host: words[1] ?? words[2] ?? '', port };
}

/** `scheme://user:password@host:port,host:port`, of which everything but the scheme and a host may be missing. */
function readUrl(text: string): ClientOptions {
  // The URL may hold a password, so that no message repeats it.
  const [, before = '', hosts = '', after = ''] = /^([a-z]+:\/\/(?:[^/?#]*@)?)([^/?#@]*)(.*)$/is.exec(text) ?? [];
  const [first = '', ...others] = hosts.split(',');
  const whole = `${before}${first}${after}`;
  if (!URL.canParse(whole)) throw invalid('url', 'is no URL');
  const url = new URL(whole);
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
    endpoints: others.length === 0 ? undefined : [url.host, ...others],
    user: url.username === '' ? undefined : decoded(url.username),
    password: url.password === '' ? undefined : decoded(url.password),
    tls: isTls ? true : undefined,
  });
}

function oneOf<const T>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw invalid(name, `must be one of ${allowed.join(', ')}, not ${String(value)}`);
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
