import { isLoopback } from '../../base/addresses.ts';

/** Distinct Host headers remembered as right; a client sends one or two. */
const REMEMBERED_MAX = 64;

/**
 * Whether a request may come from where a browser says it comes from. Programs that are no browsers send none of these
 * headers or can send what they like; the checks protect people whose browser is made to talk to a node near them.
 *
 * - Host: a page may rebind its own name to 127.0.0.1 (DNS rebinding) and then read what the node answers. Its requests
 *   still name it as Host, so only known names are answered. An address in place of a name cannot be rebound.
 * - Origin and Sec-Fetch-Site: any page may send simple requests anywhere without reading the answer. Those that change
 *   something are taken from pages of the node itself and of allowed origins only.
 */
export class AccessOrigin {
  readonly #names: ReadonlySet<string>;
  /** Of `*.example.com`: `.example.com`. */
  readonly #suffixes: readonly string[];
  readonly #anyHost: boolean;
  readonly #origins: ReadonlySet<string>;
  readonly #remembered = new Set<string>();
  #last = '';

  /** `bind` is the address or name listened on; the lists are as the options of these names take them. */
  constructor(bind: string, allowedHosts: readonly string[], allowedOrigins: readonly string[]) {
    const hosts = [bind, ...allowedHosts].map((host) => host.toLowerCase());
    this.#names = new Set(hosts.filter((host) => !host.startsWith('*')));
    this.#suffixes = hosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(1));
    this.#anyHost = hosts.includes('*');
    this.#origins = new Set(allowedOrigins.map((origin) => origin.toLowerCase()));
  }

  /** True when the node answers for this Host header (as sent; '' when there is none). */
  answersFor(host: string): boolean {
    // Nearly always the same header again.
    if (host === this.#last) return true;
    if (!this.#remembered.has(host)) {
      if (!this.#isKnown(host)) return false;
      if (this.#remembered.size === REMEMBERED_MAX) this.#remembered.clear();
      this.#remembered.add(host);
    }
    this.#last = host;
    return true;
  }

  /** True when a request that changes something may come with these headers, each '' when it was not sent. */
  mayChange(host: string, origin: string, secFetchSite: string): boolean {
    if (origin === '' && secFetchSite === '') return true;
    if (this.#origins.has('*') || this.#origins.has(origin.toLowerCase())) return true;
    if (origin === '') return secFetchSite === 'same-origin' || secFetchSite === 'none';
    const colon = origin.indexOf('://');
    return colon > 0 && host !== '' && origin.slice(colon + '://'.length).toLowerCase() === host.toLowerCase();
  }

  #isKnown(host: string): boolean {
    if (host === '' || this.#anyHost) return true;
    const name = /^(\[[^\]]*\]|[^:]*)(:\d*)?$/.exec(host)?.[1]?.toLowerCase().replace(/\.$/, '');
    if (name === undefined || name === '') return false;
    if (this.#names.has(name) || isLoopback(name) || isAddress(name)) return true;
    return this.#suffixes.some((suffix) => name.endsWith(suffix) && name.length > suffix.length);
  }
}

function isAddress(name: string): boolean {
  return /^\[[\da-f:.]+\]$/.test(name) || /^((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!$)|$)){4}$/.test(name);
}
