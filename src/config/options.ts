import type { z } from 'zod';
import { choice, integer, list, size, text, time, toggle } from './kinds.ts';

const MB = 2 ** 20;
const GB = 2 ** 30;
const DAY_MS = 86_400_000;
/** A path; '' for none. */
const FILE = /^[^\0]*$/;

/** Arenas are one SharedArrayBuffer each, which Node.js 20 can view all but a last bit of 4 GiB of. */
export const SHARD_BYTES_MAX = 4 * GB - MB;
export const SHARD_BYTES_MIN = 4 * MB;

/**
 * Every option of the server, one row each. The key is the name in a configuration file; `httpPort` makes the flag
 * `--http-port` and the variable `FLUXCACHE_HTTP_PORT`. Flags, variables, file, `--help` and the reference follow.
 */
export const options = {
  bind: text({
    group: 'network',
    doc: 'Address to listen on. One that other machines can reach needs credentials, or insecure.',
    default: '127.0.0.1',
    pattern: /^[\w.:-]{1,253}$/,
    allowed: 'a host name or an IP address',
    placeholder: 'ADDRESS',
  }),
  httpPort: integer({
    group: 'network',
    doc: 'Port for HTTP; 0 takes a free one, which the log names.',
    default: 8081,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
  }),
  tcpPort: integer({
    group: 'network',
    doc: 'Port for RESP (Redis clients) and MessagePack-RPC; 0 takes a free one, which the log names.',
    default: 7379,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
  }),

  tlsCert: text({
    group: 'tls',
    doc: 'Certificate of this node, with those between it and its authority, as PEM. Given with tlsKey, both ports speak TLS and nothing else. SIGHUP reads it anew.',
    default: '',
    pattern: FILE,
    allowed: 'the path of a file',
    placeholder: 'FILE',
  }),
  tlsKey: text({
    group: 'tls',
    doc: 'Private key of tlsCert, as PEM, without a passphrase.',
    default: '',
    pattern: FILE,
    allowed: 'the path of a file',
    placeholder: 'FILE',
  }),
  tlsCa: text({
    group: 'tls',
    doc: 'Authorities, as PEM, by whose certificates clients show who they are; none: clients are asked for no certificate.',
    default: '',
    pattern: FILE,
    allowed: 'the path of a file',
    placeholder: 'FILE',
  }),
  tlsClients: choice({
    group: 'tls',
    doc: 'With tlsCa: whether a client without a certificate is refused. One with a wrong certificate always is.',
    default: 'required',
    of: ['required', 'optional'],
  }),
  tlsMinVersion: choice({
    group: 'tls',
    doc: 'Oldest version of TLS that is spoken.',
    default: 'TLSv1.2',
    of: ['TLSv1.2', 'TLSv1.3'],
  }),

  maxMemory: size({
    group: 'memory',
    doc: 'Memory for entries, their index and all that belongs to them, over all shards.',
    default: 512 * MB,
    min: 16 * MB,
    max: 64 * SHARD_BYTES_MAX,
  }),
  eviction: choice({
    group: 'memory',
    doc: 'What leaves when memory is full: what is least used (flux), what expires soonest (volatile-ttl), or nothing, writes being refused (noeviction).',
    default: 'flux',
    of: ['flux', 'noeviction', 'volatile-ttl'],
  }),
  shards: integer({
    group: 'memory',
    doc: 'Shards, each a thread with its own part of the memory.',
    default: (machine) => Math.max(1, Math.min(64, machine.cores - 1)),
    defaultDoc: 'processors less one, at least 1',
    min: 1,
    max: 64,
  }),

  maxKey: size({
    group: 'limits',
    doc: 'Longest key.',
    default: 64 * 1024,
    min: 1,
    max: 64 * 1024,
  }),
  maxValue: size({
    group: 'limits',
    doc: 'Largest value.',
    default: 8 * MB,
    min: 1,
    max: 512 * MB,
  }),
  maxBody: size({
    group: 'limits',
    doc: 'Largest body of a request.',
    default: 16 * MB,
    min: 1024,
    max: GB,
  }),
  maxUrl: size({
    group: 'limits',
    doc: 'Longest path and query of a request; a key in it can take three times its length.',
    default: 8 * 1024,
    min: 1024,
    max: MB,
  }),
  maxHeaders: size({
    group: 'limits',
    doc: 'Longest request line and headers together, where the build of the HTTP engine lets this be set.',
    default: 16 * 1024,
    min: 4096,
    max: 2 * MB,
  }),
  maxConnections: integer({
    group: 'limits',
    doc: 'Connections open at once; further ones are closed.',
    default: 10_000,
    min: 1,
    max: 1_000_000,
  }),
  maxRequests: integer({
    group: 'limits',
    doc: 'Requests that wait for a shard at once, over all connections; further ones are refused as overloaded.',
    default: 100_000,
    min: 1,
    max: 10_000_000,
  }),
  maxPipeline: integer({
    group: 'limits',
    doc: 'Commands of one TCP connection under way at once; further ones are read when these are answered.',
    default: 10_000,
    min: 1,
    max: 1_000_000,
  }),
  maxClientOutput: size({
    group: 'limits',
    doc: 'Bytes of answers and messages that one connection over TCP, or one stream of messages over HTTP, has not taken; it is closed beyond. A reply over several keys that would be larger is an error.',
    default: 64 * MB,
    min: 64 * 1024,
    max: 4 * GB,
  }),
  maxBatch: integer({
    group: 'limits',
    doc: 'Operations in one batch.',
    default: 1000,
    min: 1,
    max: 1_000_000,
  }),
  maxBodies: size({
    group: 'limits',
    doc: 'Bytes of request bodies that are still arriving, over all connections.',
    default: 256 * MB,
    min: 64 * 1024,
    max: 64 * GB,
  }),
  maxOutput: size({
    group: 'limits',
    doc: 'Bytes of answers that slow readers have not taken yet, over all connections.',
    default: 256 * MB,
    min: 64 * 1024,
    max: 64 * GB,
  }),

  eventHistory: size({
    group: 'limits',
    doc: 'Memory for past events of /v1/events, for clients that come back. A client that falls behind by more is cut off.',
    default: 4 * MB,
    min: 64 * 1024,
    max: GB,
  }),
  maxEventStreams: integer({
    group: 'limits',
    doc: 'HTTP clients that may have events or messages streamed to them at once.',
    default: 1000,
    min: 0,
    max: 1_000_000,
  }),

  maxSubscriptions: integer({
    group: 'limits',
    doc: 'Channels and patterns that one connection may be subscribed to.',
    default: 100_000,
    min: 1,
    max: 10_000_000,
  }),
  maxSubscriptionMemory: size({
    group: 'limits',
    doc: 'Memory for the subscriptions of all connections.',
    default: 256 * MB,
    min: 64 * 1024,
    max: 64 * GB,
  }),
  maxTrackedKeys: integer({
    group: 'limits',
    doc: 'Keys of which the node remembers who caches them (CLIENT TRACKING); beyond, some are invalidated early.',
    default: 1_000_000,
    min: 1,
    max: 16_000_000,
  }),
  maxTrackingMemory: size({
    group: 'limits',
    doc: 'Memory for remembering who caches which keys; beyond, some are invalidated early.',
    default: 256 * MB,
    min: 64 * 1024,
    max: 64 * GB,
  }),

  requestTimeout: time({
    group: 'timeouts',
    doc: 'For a request to arrive as a whole.',
    default: 10_000,
    min: 100,
    max: DAY_MS,
  }),
  replyTimeout: time({
    group: 'timeouts',
    doc: 'For an answer to be taken as a whole.',
    default: 30_000,
    min: 100,
    max: DAY_MS,
  }),
  idleTimeout: time({
    group: 'timeouts',
    doc: 'A TCP connection that sends nothing for so long is closed; 0 is never.',
    default: 0,
    min: 0,
    max: 365 * DAY_MS,
  }),
  eventHistoryTime: time({
    group: 'timeouts',
    doc: 'How long events are still collected when the last client of /v1/events has gone.',
    default: 300_000,
    min: 0,
    max: DAY_MS,
  }),
  eventHeartbeat: time({
    group: 'timeouts',
    doc: 'A stream of events with nothing to tell has a comment so often, for proxies to keep it.',
    default: 15_000,
    min: 100,
    max: 3_600_000,
  }),
  drainTimeout: time({
    group: 'timeouts',
    doc: 'For requests under way to finish when the server is told to stop.',
    default: 10_000,
    min: 0,
    max: 3_600_000,
  }),
  watchdog: time({
    group: 'timeouts',
    doc: 'For a shard to run one command; one that takes longer hangs and is restarted on its memory.',
    default: 5000,
    min: 100,
    max: 3_600_000,
  }),

  ringSize: size({
    group: 'mailboxes',
    doc: 'Size of each ring between the main thread and a shard.',
    default: 256 * 1024,
    min: 64 * 1024,
    max: 64 * MB,
    powerOfTwo: true,
  }),
  maxQueue: size({
    group: 'mailboxes',
    doc: 'Bytes of commands that wait in front of a full ring; further ones are refused as overloaded.',
    default: 64 * MB,
    min: 0,
    max: 4 * GB,
  }),

  password: text({
    group: 'access',
    doc: "Password of the user 'default', who may do everything. Better in a variable or file than in a flag, which other users of the machine can see.",
    default: '',
    secret: true,
    pattern: /^[^\p{Cc}]{0,1024}$/u,
    allowed: 'up to 1024 characters, none of them a control character',
    placeholder: 'TEXT',
  }),
  usersFile: text({
    group: 'access',
    doc: 'YAML or JSON file of users, their secrets (as hashes) and rights.',
    default: '',
    pattern: FILE,
    allowed: 'the path of a file',
    placeholder: 'FILE',
  }),
  insecure: toggle({
    group: 'access',
    doc: 'Serve other machines without asking for credentials.',
    default: false,
  }),
  allowedHosts: list({
    group: 'access',
    doc: "Names in a request's Host header to answer to, beside loopback names and the address listened on; *.example.com means every name below it, * any.",
    default: [],
    pattern: /^(\*|(\*\.)?[\w-]+(\.[\w-]+)*|[\da-f:.]+|\[[\da-f:.]+\])$/i,
    allowed: 'host names or IP addresses without a port, separated by commas',
    placeholder: 'HOST,…',
  }),
  allowedOrigins: list({
    group: 'access',
    doc: 'Origins whose web pages may send requests that change something; * means any.',
    default: [],
    pattern: /^(\*|https?:\/\/[^/\s,]+)$/i,
    allowed: 'origins such as https://app.example.com, separated by commas',
    placeholder: 'ORIGIN,…',
  }),
  probeCredentials: toggle({
    group: 'access',
    doc: 'Ask for credentials at /livez, /readyz, /healthz, /health and /metrics, too.',
    default: false,
  }),

  notifyKeyspaceEvents: text({
    group: 'node',
    doc: "Which changes of keys are published on channels, in Redis's letters: KEA for all, none for nothing.",
    default: '',
    pattern: /^[AKEg$lshzxetdmn]*$/,
    allowed: 'letters of AKEg$lshzxetdmn',
    placeholder: 'LETTERS',
  }),
  slowLogThreshold: time({
    group: 'node',
    doc: 'Commands that take longer are kept for SLOWLOG; of the fast ones only one in sixteen is measured. 0 keeps all that are measured.',
    default: 10,
    min: 0,
    max: 3_600_000,
  }),
  slowLogLength: integer({
    group: 'node',
    doc: 'Commands that are kept for SLOWLOG; 0 keeps none.',
    default: 128,
    min: 0,
    max: 100_000,
  }),
  latencyThreshold: time({
    group: 'node',
    doc: 'Delays of the main thread that are kept for LATENCY; 0 does not watch them.',
    default: 0,
    min: 0,
    max: 3_600_000,
  }),
  nodeName: text({
    group: 'node',
    doc: 'Name of this node in its views and metrics.',
    default: (machine) => machine.hostName,
    defaultDoc: "the machine's name",
    pattern: /^[\w.-]{1,128}$/,
    allowed: 'letters, digits, dots, hyphens and underscores, at most 128',
    placeholder: 'NAME',
  }),
  logLevel: choice({
    group: 'node',
    doc: 'Least important messages that are logged.',
    default: 'info',
    of: ['debug', 'info', 'warn', 'error', 'silent'],
  }),
  logFormat: choice({
    group: 'node',
    doc: 'One JSON object a line, or text for people; auto is text on a terminal.',
    default: 'auto',
    of: ['auto', 'json', 'text'],
  }),
} as const;

export type OptionName = keyof typeof options;

/** The effective value of every option: sizes in bytes, times in milliseconds. */
export type Config = { readonly [Name in OptionName]: z.output<(typeof options)[Name]['schema']> };

export const optionNames = Object.keys(options) as OptionName[];

/** `httpPort` → `--http-port`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `httpPort` → `FLUXCACHE_HTTP_PORT`. */
export function variableOf(name: string): string {
  return `FLUXCACHE_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
