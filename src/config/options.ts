import type { z } from 'zod';
import { choice, integer, list, size, text, time, toggle } from './kinds.ts';
import { monitoringOptions } from './monitoring-options.ts';

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

  seeds: list({
    group: 'cluster',
    doc: 'Nodes of the cluster to ask first, as HOST:PORT of their bus; a name with several addresses stands for all of them, srv:NAME for what a SRV record names. Given, or with bootstrapExpect, this node is one of a cluster.',
    default: [],
    pattern: /^(srv:[\w.-]{1,253}|([\w.-]{1,253}|\[[\da-f:.]+\])(:\d{1,5})?)$/i,
    allowed: 'HOST:PORT, HOST or srv:NAME, separated by commas',
    placeholder: 'HOST:PORT,…',
  }),
  bootstrapExpect: integer({
    group: 'cluster',
    doc: 'How many nodes found the cluster together; they wait for each other. Every founder has the same number. 0: this node only joins a cluster that is there.',
    default: 0,
    min: 0,
    max: 7,
  }),
  busPort: integer({
    group: 'cluster',
    doc: 'Port of the cluster bus, on which nodes speak to each other; 0 takes a free one, which the log names.',
    default: 17_379,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
  }),
  busBind: text({
    group: 'cluster',
    doc: 'Address the bus listens on; none: that of bind.',
    default: '',
    pattern: /^[\w.:-]{0,253}$/,
    allowed: 'a host name or an IP address',
    placeholder: 'ADDRESS',
  }),
  clusterSecret: text({
    group: 'cluster',
    doc: 'Secret that all nodes of the cluster share, by which they know each other. Needed where other machines can reach the bus. Better in a variable or file than in a flag.',
    default: '',
    secret: true,
    pattern: /^[^\p{Cc}]{0,1024}$/u,
    allowed: 'up to 1024 characters, none of them a control character',
    placeholder: 'TEXT',
  }),
  dataDir: text({
    group: 'cluster',
    doc: 'Directory for what a node of a cluster must not forget: who it is, and its part of the configuration. One for each node.',
    default: './fluxcache-data',
    pattern: /^[^\0]+$/,
    allowed: 'the path of a directory',
    placeholder: 'DIRECTORY',
  }),
  announceHost: text({
    group: 'cluster',
    doc: 'Host that clients are told to reach this node at; none: the address listened on, or the one other nodes see.',
    default: '',
    pattern: /^[\w.:-]{0,253}$/,
    allowed: 'a host name or an IP address',
    placeholder: 'HOST',
  }),
  announceTcpPort: integer({
    group: 'cluster',
    doc: 'Port that clients are told beside announceHost; 0: tcpPort.',
    default: 0,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
  }),
  announceHttpPort: integer({
    group: 'cluster',
    doc: 'The same for HTTP; 0: httpPort.',
    default: 0,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
  }),
  announceBus: text({
    group: 'cluster',
    doc: 'HOST:PORT at which other nodes reach the bus of this one; none: found out.',
    default: '',
    pattern: /^(([\w.-]{1,253}|\[[\da-f:.]+\])(:\d{1,5})?)?$/i,
    allowed: 'HOST:PORT or HOST',
    placeholder: 'HOST:PORT',
  }),
  announceLink: text({
    group: 'cluster',
    doc: 'HOST:PORT at which other nodes reach tcpPort, to forward commands; none: found out.',
    default: '',
    pattern: /^(([\w.-]{1,253}|\[[\da-f:.]+\])(:\d{1,5})?)?$/i,
    allowed: 'HOST:PORT or HOST',
    placeholder: 'HOST:PORT',
  }),
  partitions: integer({
    group: 'cluster',
    doc: 'Parts that the keys are cut into, which move between nodes as wholes. Fixed when the cluster is founded; the same on all nodes.',
    default: 64,
    min: 1,
    max: 1024,
  }),
  copies: integer({
    group: 'cluster',
    doc: 'Copies of each partition, the primary included, on as many nodes. Of founders; later: fluxcache cluster settings.',
    default: 2,
    min: 1,
    max: 7,
  }),
  minInSync: integer({
    group: 'cluster',
    doc: 'Copies that must have a write before it is acknowledged; with fewer there, writes are refused.',
    default: 1,
    min: 1,
    max: 7,
  }),
  onLoss: choice({
    group: 'cluster',
    doc: 'What becomes of a partition whose last copy is lost: it waits for an administrator, or begins empty.',
    default: 'offline',
    of: ['offline', 'reset'],
  }),
  lease: time({
    group: 'cluster',
    doc: 'How long a node that is not heard of counts as alive. Fixed when the cluster is founded. Shorter fails over sooner; longer bears longer pauses.',
    default: 700,
    min: 300,
    max: 60_000,
  }),
  zone: text({
    group: 'cluster',
    doc: 'Where this node stands; copies of a partition go to different zones where there are several.',
    default: '',
    pattern: /^[\w.-]{0,64}$/,
    allowed: 'letters, digits, dots, hyphens and underscores, at most 64',
    placeholder: 'NAME',
  }),
  redirects: choice({
    group: 'cluster',
    doc: 'Whether a client that asks the wrong node is told the right one (MOVED) or has its command forwarded: asked redirects connections that show they speak cluster, and forwards for all others.',
    default: 'asked',
    of: ['asked', 'always', 'never'],
  }),
  forwardTimeout: time({
    group: 'cluster',
    doc: 'How long a command may wait for a node that can take it, as while another one becomes primary.',
    default: 3000,
    min: 0,
    max: 60_000,
  }),
  maxForwards: integer({
    group: 'cluster',
    doc: 'Commands that may be under way to one other node; further ones are refused as overloaded.',
    default: 10_000,
    min: 1,
    max: 1_000_000,
  }),
  replicaStaleness: time({
    group: 'cluster',
    doc: 'How old what a replica holds may be when it answers a reader who allows that (READONLY).',
    default: 1000,
    min: 0,
    max: 60_000,
  }),

  ...monitoringOptions,

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
