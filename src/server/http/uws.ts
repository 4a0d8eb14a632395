import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * The native HTTP engine, uWebSockets.js: which build of it runs here, and the part of its interface that FluxCache
 * uses and that all its builds since 20.30 have.
 */

export type Text = string | Uint8Array | ArrayBuffer;

/** One answer. May be used until it is ended, or until `onAborted` was called. */
export interface UwsResponse {
  writeStatus(status: Text): UwsResponse;
  writeHeader(name: Text, value: Text): UwsResponse;
  end(body?: Text, closeConnection?: boolean): UwsResponse;
  endWithoutBody(reportedLength?: number, closeConnection?: boolean): UwsResponse;
  /** Sends a piece of a body of unknown length, keeping what the socket does not take. False: it did not take all. */
  write(chunk: Text): boolean;
  /** Writes as much as the socket takes. [all of `chunk` was taken, the answer is complete]. */
  tryEnd(chunk: Text, totalBytes: number): [boolean, boolean];
  getWriteOffset(): number;
  /** `offset`: bytes of the body taken so far. Returns whether the writing it did succeeded. */
  onWritable(handler: (offset: number) => boolean): UwsResponse;
  onAborted(handler: () => void): UwsResponse;
  /** `chunk` is taken away after the call. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse;
  cork(write: () => void): UwsResponse;
  close(): UwsResponse;
  getRemoteAddressAsText(): ArrayBuffer;
  /** The address that a header of the PROXY protocol named; empty without one. */
  getProxiedRemoteAddressAsText(): ArrayBuffer;
}

/** One request. May be used only until the handler that got it returns. */
export interface UwsRequest {
  /** The header of that lower-case name; empty when absent. */
  getHeader(name: string): string;
  getParameter(index: number): string | undefined;
  /** The path, still percent-encoded. */
  getUrl(): string;
  /** In lower case. */
  getMethod(): string;
  getCaseSensitiveMethod(): string;
  /** What follows the question mark; some builds say undefined for nothing. */
  getQuery(): string | undefined;
}

export type UwsHandler = (response: UwsResponse, request: UwsRequest) => void;
export type UwsListenSocket = object;

export interface UwsApp {
  get(pattern: string, handler: UwsHandler): UwsApp;
  head(pattern: string, handler: UwsHandler): UwsApp;
  post(pattern: string, handler: UwsHandler): UwsApp;
  put(pattern: string, handler: UwsHandler): UwsApp;
  del(pattern: string, handler: UwsHandler): UwsApp;
  any(pattern: string, handler: UwsHandler): UwsApp;
  listen(host: string, port: number, options: number, done: (socket: UwsListenSocket | false) => void): UwsApp;
  listen_unix(done: (socket: UwsListenSocket | false) => void, path: string): UwsApp;
  /** Closes every socket of the app at once. */
  close(): UwsApp;
  /** Newer builds only: told of each connection opened (1) and closed (-1). */
  filter?(handler: (response: UwsResponse, change: number) => void): UwsApp;
}

/** Files of TLS, as PEM. */
export interface UwsTlsOptions {
  readonly cert_file_name: string;
  readonly key_file_name: string;
}

export interface Uws {
  App(): UwsApp;
  /** Throws when the files are not as they must be. */
  SSLApp(options: UwsTlsOptions): UwsApp;
  us_listen_socket_close(socket: UwsListenSocket): void;
  us_socket_local_port(socket: UwsListenSocket): number;
  /** Listen option: do not share the port with other processes. */
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
}

export interface LoadedUws {
  readonly uws: Uws;
  /** For the log: the package and file that loaded. */
  readonly source: string;
}

/** Where a build may be: `file` is relative to the package's folder. */
interface Candidate {
  readonly packageName: string;
  readonly file: string;
}

/**
 * The native files by package. They are loaded by name, past the packages' own entry points: that of `uws-compat` puts
 * a slow JavaScript imitation in place of a binary that does not load, and says so only on the console.
 */
function candidates(platform: string, arch: string, abi: string): readonly Candidate[] {
  const binary = `uws_${platform}_${arch}_${abi}.node`;
  return [
    { packageName: 'uWebSockets.js', file: binary },
    { packageName: 'uws-compat', file: `binaries/${binary}` },
  ];
}

/** Loads the first build that runs here. `headerBytesMax` is told to builds that have such a setting. */
export function loadUws(headerBytesMax: number, load: (path: string) => unknown = requireFromHere): LoadedUws {
  // Read by newer builds when they are loaded; older ones hold 4,096 bytes of headers across reads, and no more.
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(headerBytesMax);
  const failures: string[] = [];
  const { platform, arch, versions } = process;
  for (const { packageName, file } of candidates(platform, arch, versions.modules)) {
    const path = `${packageName}/${file}`;
    try {
      const loaded = load(path);
      if (isUws(loaded)) return { uws: loaded, source: path };
      failures.push(`${path}: loaded, but is not the native engine`);
    } catch (error) {
      failures.push(`${path}: ${firstLine(error)}`);
    }
  }
  throw new UwsMissingError(failures);
}

/** No build of uWebSockets.js runs on this machine. */
class UwsMissingError extends Error {
  override readonly name = 'UwsMissingError';

  constructor(failures: readonly string[]) {
    const { platform, arch, version } = process;
    super(
      `No build of uWebSockets.js loads on ${platform} ${arch} with Node.js ${version}:\n` +
        failures.map((failure) => `  - ${failure}\n`).join('') +
        'FluxCache needs one of: Node.js 20, 22 or 24 with glibc 2.38 or later (or macOS, Windows), or Node.js 20 with an ' +
        'older glibc and the optional dependency uws-compat installed (npm ci without --omit=optional).',
    );
  }
}

function isUws(loaded: unknown): loaded is Uws {
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    'App' in loaded &&
    typeof loaded.App === 'function' &&
    // The imitation is made of JavaScript functions, the engine of native ones.
    /\[native code\]/.test(Function.prototype.toString.call(loaded.App)) &&
    'us_listen_socket_close' in loaded &&
    'us_socket_local_port' in loaded
  );
}

const require = createRequire(import.meta.url);

/** Loads a file of a package by its place on disk, since a package's `exports` may leave the file out. */
function requireFromHere(path: string): unknown {
  const folders = require.resolve.paths(path) ?? [];
  const file = folders.map((folder) => join(folder, path)).find((candidate) => existsSync(candidate));
  return require(file ?? path);
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? '';
}
