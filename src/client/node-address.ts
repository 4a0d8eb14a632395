import type { ReplyError } from './errors.ts';

/** Where a node is reached: an IPv6 address is without brackets. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** How an address is written, by which two are compared. */
export function addressText({ host, port }: NodeAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535;
}

/**
 * Where an error says that a key's slot is, as Redis Cluster words it behind `MOVED`: `3999 127.0.0.1:7379`. No host
 * stands for that of the node which was asked. Null when it says nothing of the kind.
 */
export function movedTo({ code, message }: ReplyError): { slot: number; host: string; port: number } | null {
  if (code !== 'moved') return null;
  const words = /^(?:MOVED )?(\d{1,5}) (.*):(\d{1,5})$/.exec(message);
  if (words === null) return null;
  const [, slot, host = '', port] = words;
  const told = { slot: Number(slot), host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  return isPort(told.port) ? told : null;
}
