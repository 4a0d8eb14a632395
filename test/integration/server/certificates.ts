import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether certificates can be made here. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** An authority and what it has signed, in a folder of its own. Made by the program openssl. */
export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), 'fluxcache-tls-'));
  readonly authority: Buffer;

  constructor() {
    this.#openssl(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 60 -subj /CN=authority -keyout ca.key -out ca.pem',
    );
    this.authority = readFileSync(this.path('ca.pem'));
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  /** Makes NAME.pem and NAME.key, valid for so many days from now (before now when negative). */
  issue(name: string, days = 30): this {
    const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
    this.#openssl(`req ${key} -subj /CN=${name} -keyout ${name}.key -out ${name}.csr`);
    writeFileSync(this.path('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const authority = '-CA ca.pem -CAkey ca.key -CAcreateserial -extfile names';
    this.#openssl(`x509 -req -in ${name}.csr ${authority} -days ${days} -out ${name}.pem`);
    return this;
  }

  /** Puts what was issued to NAME where a server looks: SERVER.pem and SERVER.key. */
  install(name: string, server = 'server'): void {
    for (const kind of ['key', 'pem']) copyFileSync(this.path(`${name}.${kind}`), this.path(`${server}.${kind}`));
  }

  read(file: string): Buffer {
    return readFileSync(this.path(file));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(command: string): void {
    execFileSync('openssl', command.split(' '), { cwd: this.folder, stdio: 'pipe' });
  }
}
