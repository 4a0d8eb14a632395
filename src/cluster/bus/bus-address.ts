import { isIPv6 } from 'node:net';
import { formatAddress } from '../../base/addresses.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** What a seed names: a host, or a SRV record of the domain name system. */
export type Seed = (HostPort & { readonly kind: 'host' }) | { readonly kind: 'srv'; readonly name: string };

const FORM = /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/;

/** `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`; null: none of these. */
export function parseHostPort(text: string, defaultPort: number): HostPort | null {
  // An IPv6 address without brackets has no port.
  if (isIPv6(text)) return { host: text, port: defaultPort };
  const match = FORM.exec(text);
  if (match === null) return null;
  const [, bracketed, plain, digits] = match;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (port < 1 || port > 65_535) return null;
  return { host: bracketed ?? plain ?? '', port };
}

export function parseSeed(text: string, defaultPort: number): Seed | null {
  const name = /^srv:(.+)$/i.exec(text)?.[1];
  if (name !== undefined) return { kind: 'srv', name };
  const hostPort = parseHostPort(text, defaultPort);
  return hostPort === null ? null : { kind: 'host', ...hostPort };
}

export function formatHostPort({ host, port }: HostPort): string {
  return formatAddress(host, port);
}
