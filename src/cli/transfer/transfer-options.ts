import { choice, count, flag, seconds, word } from '../option-kinds.ts';
import { connectionOptions } from '../options.ts';

const choosing = 'Which keys';
const writing = 'How';
const showing = 'Output';
const source = 'Of --from';

const common = {
  format: choice({
    flags: ['--format'],
    group: writing,
    doc: 'A line of JSON each entry, or a MessagePack map. Default: msgpack for files named .msgpack or .mp, else ndjson.',
    of: ['auto', 'ndjson', 'msgpack'],
    default: 'auto',
    unsaid: 'auto',
    placeholder: 'ndjson|msgpack',
  }),
  match: word({
    flags: ['--match'],
    group: choosing,
    doc: 'Only keys of this glob pattern.',
    placeholder: 'GLOB',
    allowed: 'a glob pattern',
  }),
  timeout: seconds({
    flags: ['--timeout'],
    group: writing,
    doc: 'Give up on a server that is away, or cannot do what it is asked for, for so long. Default: 30.',
    default: 30_000,
    minMs: 1,
  }),
  json: flag({ flags: ['--json'], group: showing, doc: 'Print the counts at the end as JSON.' }),
} as const;

/** Options of `fluxcache export` beside those of the connection. */
export const ownExportOptions = {
  ...common,
  type: choice({
    flags: ['--type'],
    group: choosing,
    doc: 'Only values of this type.',
    of: ['all', 'string', 'bytes', 'number', 'json'],
    default: 'all',
    unsaid: 'all',
    placeholder: 'string|bytes|number|json',
  }),
} as const;

/** Options of `fluxcache import` beside those of the connection. */
export const ownImportOptions = {
  ...common,
  type: choice({
    flags: ['--type'],
    group: choosing,
    doc: 'Only values of this type; with --from also hash, list, set, zset or stream.',
    of: ['all', 'string', 'bytes', 'number', 'json', 'hash', 'list', 'set', 'zset', 'stream'],
    default: 'all',
    unsaid: 'all',
    placeholder: 'TYPE',
  }),
  onlyNew: flag({ flags: ['--nx'], group: choosing, doc: 'Leave keys as they are that exist.' }),
  skip: count({
    flags: ['--skip'],
    group: choosing,
    doc: 'Begin behind the first N lines of the file (MessagePack: entries), to go on where an import ended.',
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  }),
  dryRun: flag({ flags: ['--dry-run'], group: writing, doc: 'Read and check everything, and write nothing.' }),
  lenient: flag({
    flags: ['--lenient'],
    group: writing,
    doc: 'Exit with status 0 also when something was left out or refused.',
  }),
  from: word({
    flags: ['--from'],
    group: source,
    doc: 'Import from a running server in place of a file: redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS, or fluxcache:// and fluxcaches://. Of Redis one database, 0 unless the URL says another. The password is better in FLUXCACHE_FROM_PASSWORD.',
    placeholder: 'URL',
    allowed: 'a URL such as redis://127.0.0.1:6379',
  }),
  asJson: flag({
    flags: ['--as-json'],
    group: source,
    doc: 'Make JSON documents of hashes, lists, sets, sorted sets and streams, which are left out otherwise.',
  }),
  fromCaFile: word({
    flags: ['--from-cacert'],
    group: source,
    doc: 'Certificates (PEM) to trust instead of the well-known ones.',
    placeholder: 'FILE',
    allowed: 'the path of a file',
  }),
  fromCertFile: word({
    flags: ['--from-cert'],
    group: source,
    doc: 'Certificate (PEM) to show to that server; needs --from-key.',
    placeholder: 'FILE',
    allowed: 'the path of a file',
  }),
  fromKeyFile: word({
    flags: ['--from-key'],
    group: source,
    doc: 'Private key (PEM) of --from-cert.',
    placeholder: 'FILE',
    allowed: 'the path of a file',
  }),
  fromInsecure: flag({ flags: ['--from-insecure'], group: source, doc: "Do not check that server's certificate." }),
} as const;

export const exportOptions = { ...connectionOptions, ...ownExportOptions } as const;
export const importOptions = { ...connectionOptions, ...ownImportOptions } as const;
