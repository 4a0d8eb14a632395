import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface StackOptions {
  readonly project: string;
  /** With docker-compose.secure.yml: TLS, and a token with every request. */
  readonly isSecure: boolean;
  /** Images are built on the machine's own network. */
  readonly usesHostNetwork: boolean;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Request {
  readonly method?: string;
  readonly json?: unknown;
  /** In place of the one that belongs to the stack; '' for none. */
  readonly token?: string;
}

export function run(program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: root, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else {
        // Of the arguments, tokens are not to be told.
        const told = args.map((arg) => (/^[0-9a-f]{64}$/.test(arg) ? '(token)' : arg)).join(' ');
        reject(new Error(`${program} ${told}: ended with ${error.code}\n${(stdout + stderr).slice(-2000)}`));
      }
    });
  });
}

/** What the compose files bring up, and how it is spoken to from outside. */
export class ComposeStack {
  readonly #options: StackOptions;
  readonly #files: readonly string[];

  constructor(options: StackOptions) {
    this.#options = options;
    this.#files = [
      'Docker/docker-compose.yml',
      ...(options.isSecure ? ['Docker/docker-compose.secure.yml'] : []),
      ...(options.usesHostNetwork ? ['test/docker/host-network.yml'] : []),
    ];
  }

  compose(...args: string[]): Promise<string> {
    return run('docker-compose', ...this.#files.flatMap((file) => ['-f', file]), '-p', this.#options.project, ...args);
  }

  async container(service: string): Promise<string> {
    const [id] = (await this.compose('ps', '-q', service)).split('\n');
    if (id === undefined || id === '') throw new Error(`there is no container of ${service}`);
    return id;
  }

  /** One fact of a container, by a template of `docker inspect`. */
  async inspect(service: string, template: string): Promise<string> {
    return (await run('docker', 'inspect', '-f', template, await this.container(service))).trim();
  }

  /** The program `fluxcache` in a container, as an administrator. */
  fluxcache(service: string, ...args: string[]): Promise<string> {
    const tls = ['--tls', '--cacert', '/run/secrets/fluxcache/ca.pem', '-h', service];
    const access = this.#options.isSecure ? [...tls, '--user', 'operator', '-a', this.secret('operator.token')] : [];
    return this.compose('exec', '-T', service, 'fluxcache', ...access, ...args);
  }

  /** What make-secrets.sh has written. */
  secret(file: string): string {
    return readFileSync(`${root}/Docker/secrets/${file}`, 'utf8').trim();
  }

  /** Asks a node, over TLS where the stack speaks that. */
  ask(port: number, path: string, { method = 'GET', json, token }: Request = {}): Promise<Answer> {
    const { isSecure } = this.#options;
    const credentials = token ?? (isSecure ? this.secret('operator.token') : '');
    const headers: Record<string, string> = json === undefined ? {} : { 'content-type': 'application/json' };
    if (credentials !== '') headers['authorization'] = `Bearer ${credentials}`;
    const address = { host: '127.0.0.1', port, path, method, headers, agent: false, timeout: 5000 } as const;
    return new Promise((resolve, reject) => {
      const request = isSecure ? overHttps({ ...address, ca: this.secret('ca.pem') }) : overHttp(address);
      request
        .on('response', (response) => {
          let text = '';
          response
            .setEncoding('utf8')
            .on('data', (chunk: string) => {
              text += chunk;
            })
            .on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        })
        .on('timeout', () => request.destroy(new Error(`${path} on ${port}: no answer`)))
        .on('error', reject)
        .end(json === undefined ? undefined : JSON.stringify(json));
    });
  }
}

let since = performance.now();

/** Says what is done, and how long it took. */
export function done(what: string): void {
  const now = performance.now();
  process.stdout.write(`${what} (${((now - since) / 1000).toFixed(1)} s)\n`);
  since = now;
}

export async function until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + withinMs;
  let last: unknown = 'it does not hold';
  while (performance.now() < endMs) {
    try {
      if (await holds()) {
        done(what);
        return;
      }
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${withinMs / 1000} s: ${what}`, { cause: last });
}
