import { readFileSync } from 'node:fs';
import type { OptionValues } from './option-kinds.ts';
import { connectionOptions } from './options.ts';

/** The files of TLS, read. */
interface TlsFiles {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly serverName: string | undefined;
  readonly insecure: boolean;
}

/** Where to connect to, and as whom. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles | null;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** It is what `--from` names, whose options have names of their own. */
  readonly isSource?: boolean;
}

const schemes: ReadonlyMap<string, { isTls: boolean }> = new Map([
  ['fluxcache:', { isTls: false }],
  ['fluxcaches:', { isTls: true }],
  ['redis:', { isTls: false }],
  ['rediss:', { isTls: true }],
]);
/** Where a redis:// URL without a port leads when it is no server of FluxCache that is meant. */
const REDIS_PORT = 6379;
const connectionPort = connectionOptions.port.default;
const URL_FORM = 'fluxcache://[[USER]:PASSWORD@]HOST[:PORT][/DB] (also fluxcaches, redis, rediss)';

/** How a host and a port are written together: an IPv6 address in brackets. */
export function addressText({ host, port }: Pick<Target, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The same for another server, by `host:port`; null for what is none. */
export function targetAt(target: Target, address: string): Target | null {
  const [, name = '', port = ''] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  const host = name.replace(/^\[(.*)\]$/, '$1');
  return host === '' ? null : { ...target, host, port: Number(port) };
}

type ConnectionValues = OptionValues<typeof connectionOptions> & { readonly database?: number };

/**
 * Puts together what options, a URL and the environment say; options win over the parts of the URL. What is wrong is
 * added to `problems`.
 */
export function targetOf(
  values: ConnectionValues,
  given: ReadonlySet<string>,
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Target {
  const urlFrom = values.url === undefined ? 'FLUXCACHE_URL' : '--url';
  const urlText = values.url ?? (environment['FLUXCACHE_URL'] || undefined);
  const url = urlText === undefined ? {} : readUrl(urlText, urlFrom, problems);
  if (values.askPassword && values.password !== undefined) problems.push('--askpass and -a contradict each other.');
  const password =
    values.password ??
    url.password ??
    (environment['REDISCLI_AUTH'] || undefined) ??
    (environment['FLUXCACHE_PASSWORD'] || undefined);
  if (values.user !== undefined && password === undefined && !values.askPassword) {
    problems.push('--user needs a password: -a, --askpass, REDISCLI_AUTH or FLUXCACHE_PASSWORD.');
  }
  const isTls = values.tls || url.isTls === true;
  return {
    host: values.host ?? url.host ?? '127.0.0.1',
    port: given.has('port') ? values.port : (url.port ?? values.port),
    tls: isTls ? readTlsFiles(values, tlsFileFlags, problems) : refuseTlsFiles(given, problems),
    user: values.user ?? url.user,
    password,
    database: given.has('database') ? (values.database ?? 0) : (url.database ?? 0),
  };
}

interface UrlParts {
  isTls?: boolean;
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  database?: number;
}

function readUrl(text: string, from: string, problems: string[]): UrlParts {
  const wrong = (what: string) => {
    // The text may hold a password: it is not repeated.
    problems.push(`${from}: ${what} Allowed: ${URL_FORM}.`);
    return {};
  };
  if (!URL.canParse(text)) return wrong('this is no URL.');
  const url = new URL(text);
  const scheme = schemes.get(url.protocol);
  if (scheme === undefined) return wrong(`the scheme ${JSON.stringify(url.protocol.slice(0, -1))} is not known.`);
  if (url.hostname === '') return wrong('there is no host in it.');
  const path = url.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(path)) return wrong(`the path ${JSON.stringify(path)} is no database number.`);
  const parts: UrlParts = { isTls: scheme.isTls, host: url.hostname.replace(/^\[|\]$/g, '') };
  try {
    if (url.username !== '') parts.user = decodeURIComponent(url.username);
    if (url.password !== '') parts.password = decodeURIComponent(url.password);
  } catch {
    return wrong('its name or password is not percent-encoded as it must be.');
  }
  if (url.port !== '') parts.port = Number(url.port);
  if (path !== '') parts.database = Number(path);
  // As in redis-cli, a name without a colon is the password.
  if (parts.user !== undefined && parts.password === undefined && !text.includes(`${url.username}:@`)) {
    parts.password = parts.user;
    delete parts.user;
  }
  return parts;
}

const tlsFileFlags = { caFile: '--cacert', certFile: '--cert', keyFile: '--key' } as const;
type TlsFileFlags = Readonly<Record<keyof typeof tlsFileFlags, string>>;
type TlsValues = Pick<ConnectionValues, keyof TlsFileFlags | 'serverName' | 'insecure'>;

function readTlsFiles(values: TlsValues, flags: TlsFileFlags, problems: string[]): TlsFiles {
  if ((values.certFile === undefined) !== (values.keyFile === undefined)) {
    problems.push(`${flags.certFile} and ${flags.keyFile} belong together: one of them is missing.`);
  }
  const read = (name: keyof TlsFileFlags) => {
    const path = values[name];
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      problems.push(`${flags[name]}: ${path} cannot be read: ${error instanceof Error ? error.message : error}.`);
      return undefined;
    }
  };
  return {
    ca: read('caFile'),
    cert: read('certFile'),
    key: read('keyFile'),
    serverName: values.serverName,
    insecure: values.insecure,
  };
}

/** A second server, which an option of its own names by a URL; `flags` are those of its files. */
export function otherTargetOf(
  url: string,
  from: string,
  { password, ...values }: TlsValues & { readonly password: string | undefined },
  flags: TlsFileFlags & { readonly insecure: string },
  problems: string[],
): Target {
  const read = readUrl(url, from, problems);
  if (read.isTls === false) {
    for (const name of ['caFile', 'certFile', 'keyFile', 'insecure'] as const) {
      const value = values[name];
      if (value !== undefined && value !== false)
        problems.push(`${flags[name]} is of TLS only: ${from} needs rediss://.`);
    }
  }
  return {
    host: read.host ?? '127.0.0.1',
    port: read.port ?? (url.startsWith('redis') ? REDIS_PORT : connectionPort),
    tls: read.isTls === true ? readTlsFiles(values, flags, problems) : null,
    user: read.user,
    password: read.password ?? password,
    database: read.database ?? 0,
    isSource: true,
  };
}

function refuseTlsFiles(given: ReadonlySet<string>, problems: string[]): null {
  for (const [name, flag] of [...Object.entries(tlsFileFlags), ['serverName', '--sni'], ['insecure', '--insecure']]) {
    if (name !== undefined && given.has(name))
      problems.push(`${flag} is of TLS only: it needs --tls or a URL with fluxcaches://.`);
  }
  return null;
}
