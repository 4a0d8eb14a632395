import { count, flag, seconds, word } from './option-kinds.ts';

const connecting = 'Connection';
const sending = 'Commands';
const showing = 'Output';
const modes = 'Instead of a command';

/** Where to connect to and as whom: of the program and of `bench`. */
export const connectionOptions = {
  host: word({
    flags: ['-h', '--host'],
    group: connecting,
    doc: 'Host to connect to. Default: 127.0.0.1.',
    placeholder: 'HOST',
    allowed: 'a host name or an IP address (the help is --help)',
  }),
  port: count({
    flags: ['-p', '--port'],
    group: connecting,
    doc: 'Port of RESP. Default: 7379.',
    default: 7379,
    min: 1,
    max: 65_535,
    placeholder: 'PORT',
  }),
  url: word({
    flags: ['-u', '--url'],
    group: connecting,
    doc: 'All of this in one: fluxcache://USER:PASSWORD@HOST:PORT, or fluxcaches:// for TLS; redis:// and rediss:// mean the same. Options win over its parts. Also FLUXCACHE_URL.',
    placeholder: 'URL',
    allowed: 'a URL such as fluxcache://127.0.0.1:7379',
  }),
  password: word({
    flags: ['-a', '--pass'],
    group: connecting,
    doc: 'Password. Better in REDISCLI_AUTH or FLUXCACHE_PASSWORD, as other users of the machine can see options.',
    placeholder: 'PASSWORD',
    secret: true,
  }),
  user: word({
    flags: ['--user'],
    group: connecting,
    doc: "User's name; the password is needed with it. Default: the server's user 'default'.",
    placeholder: 'NAME',
  }),
  askPassword: flag({ flags: ['--askpass'], group: connecting, doc: 'Ask for the password on the terminal.' }),
  tls: flag({ flags: ['--tls'], group: connecting, doc: 'Speak TLS.' }),
  caFile: word({
    flags: ['--cacert'],
    group: connecting,
    doc: 'Certificates (PEM) to trust instead of the well-known ones.',
    placeholder: 'FILE',
    allowed: 'the path of a file',
  }),
  certFile: word({
    flags: ['--cert'],
    group: connecting,
    doc: 'Certificate (PEM) to show to the server; needs --key.',
    placeholder: 'FILE',
    allowed: 'the path of a file',
  }),
  keyFile: word({
    flags: ['--key'],
    group: connecting,
    doc: 'Private key (PEM) of --cert.',
    placeholder: 'FILE',
    allowed: 'the path of a file',
  }),
  serverName: word({
    flags: ['--sni'],
    group: connecting,
    doc: 'Name to ask the server for by TLS. Default: the host.',
    placeholder: 'NAME',
    allowed: 'a host name',
  }),
  insecure: flag({ flags: ['--insecure'], group: connecting, doc: "Do not check the server's certificate." }),
} as const;

/** Every option of the program but those of `bench`. */
export const options = {
  ...connectionOptions,
  database: count({
    flags: ['-n'],
    group: connecting,
    doc: 'Database; FluxCache has one, 0.',
    default: 0,
    min: 0,
    max: 2 ** 31 - 1,
    placeholder: 'DB',
  }),
  resp2: flag({ flags: ['-2'], group: connecting, doc: 'Speak RESP2. The default, but for --json.' }),
  resp3: flag({ flags: ['-3'], group: connecting, doc: 'Speak RESP3.' }),

  followRedirects: flag({
    flags: ['-c'],
    group: sending,
    doc: 'Follow a cluster to the node that has a key (MOVED, ASK). FluxCache passes commands on without it.',
  }),
  repeat: count({
    flags: ['-r'],
    group: sending,
    doc: 'Run the command N times; -1 is for ever.',
    default: 1,
    min: -1,
    max: Number.MAX_SAFE_INTEGER,
  }),
  interval: seconds({
    flags: ['-i'],
    group: sending,
    doc: 'Time between the runs of -r, between lines of --stat, between rounds of --latency-history, and between pages of a scan.',
    default: undefined,
    minMs: 0,
  }),
  lastFromInput: flag({ flags: ['-x'], group: sending, doc: 'Take the last argument from standard input.' }),
  tagFromInput: word({
    flags: ['-X'],
    group: sending,
    doc: 'Take the argument that is TAG from standard input.',
    placeholder: 'TAG',
  }),
  quotedInput: flag({
    flags: ['--quoted-input'],
    group: sending,
    doc: 'Read the arguments as quoted text: \'"\\x00"\' is one byte.',
  }),
  exitOnError: flag({
    flags: ['-e'],
    group: sending,
    doc: 'With commands on standard input: end at the first error. The exit status tells of errors in any case.',
  }),

  raw: flag({ flags: ['--raw'], group: showing, doc: 'Values as they are. The default but on a terminal.' }),
  noRaw: flag({ flags: ['--no-raw'], group: showing, doc: 'Formatted for people. The default on a terminal.' }),
  json: flag({
    flags: ['--json'],
    group: showing,
    doc: 'JSON, a line each reply; speaks RESP3. Bytes that are not UTF-8 are shown as \\xff.',
  }),
  quotedJson: flag({
    flags: ['--quoted-json'],
    group: showing,
    doc: 'As --json, with every byte that is not printable ASCII shown as \\xff, and \\ as \\\\.',
  }),
  csv: flag({ flags: ['--csv'], group: showing, doc: 'Comma-separated values.' }),
  delimiter: word({
    flags: ['-d'],
    group: showing,
    doc: 'Text between the elements of a raw reply. Default: a line end.',
    placeholder: 'TEXT',
  }),
  replyDelimiter: word({
    flags: ['-D'],
    group: showing,
    doc: 'Text behind each raw reply. Default: a line end.',
    placeholder: 'TEXT',
  }),

  pipe: flag({
    flags: ['--pipe'],
    group: modes,
    doc: 'Send RESP from standard input as it is (mass insertion), and count replies and errors.',
  }),
  pipeTimeout: seconds({
    flags: ['--pipe-timeout'],
    group: modes,
    doc: 'With --pipe: give up when nothing was answered for so long after all was sent; 0 is never. Default: 30.',
    default: 30_000,
    minMs: 0,
  }),
  scan: flag({ flags: ['--scan'], group: modes, doc: 'Print all keys, a line each.' }),
  pattern: word({
    flags: ['--pattern'],
    group: modes,
    doc: 'With --scan, --bigkeys and --memkeys: only keys of this glob pattern.',
    placeholder: 'GLOB',
  }),
  keyType: word({
    flags: ['--type'],
    group: modes,
    doc: 'With --scan: only keys of this type (string, ReJSON-RL).',
    placeholder: 'TYPE',
  }),
  pageSize: count({
    flags: ['--count'],
    group: modes,
    doc: 'With --scan, --bigkeys and --memkeys: keys to look at by one command. Default: 10 for --scan, as SCAN has it, else 100.',
    default: 0,
    min: 1,
    max: 1_000_000,
  }),
  stat: flag({ flags: ['--stat'], group: modes, doc: 'Print keys, memory, clients and requests, a line each second.' }),
  latency: flag({
    flags: ['--latency'],
    group: modes,
    doc: 'Measure PING: least, greatest and average time. Not on a terminal: for a second (-i), then one line.',
  }),
  latencyHistory: flag({
    flags: ['--latency-history'],
    group: modes,
    doc: 'As --latency, with a new line every 15 seconds (-i).',
  }),
  bigKeys: flag({
    flags: ['--bigkeys'],
    group: modes,
    doc: 'Look through all keys for those with the largest values.',
  }),
  memoryKeys: flag({
    flags: ['--memkeys'],
    group: modes,
    doc: 'Look through all keys for those that take most memory.',
  }),
  memorySamples: count({
    flags: ['--memkeys-samples'],
    group: modes,
    doc: 'With --memkeys: SAMPLES of MEMORY USAGE. Default: the one of the server.',
    default: 0,
    min: 0,
    max: 2 ** 31 - 1,
  }),
  hotKeys: flag({ flags: ['--hotkeys'], group: modes, doc: 'Not offered: see --bigkeys and --memkeys.' }),
} as const;
