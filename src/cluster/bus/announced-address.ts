import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { formatAddress } from '../../base/addresses.ts';
import { parseHostPort } from './bus-address.ts';

/** Addresses that mean: all there are. */
const EVERYWHERE = new Set(['', '0.0.0.0', '::', '[::]']);

/**
 * Where others are told to reach what listens at `listenHost` and `port`: as was told (`HOST[:PORT]`, '' for nothing); else
 * at the address listened on; when that means all addresses, at the one other nodes see; and before any has said, at the
 * first of the machine's own.
 */
export function announcedAddress(told: string, listenHost: string, port: number, seenHost: string): string {
  const given = told === '' ? null : parseHostPort(told, port);
  if (given !== null) return formatAddress(given.host, given.port);
  if (!EVERYWHERE.has(listenHost)) return formatAddress(listenHost, port);
  return formatAddress(seenHost === '' ? ownHost() : seenHost, port);
}

/** An address of this machine that others may reach; loopback when there is none. */
function ownHost(): string {
  const outer = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && isIP(address) !== 0 && !/^fe80:/i.test(address))
    .map(({ address }) => address);
  return outer.find((address) => isIP(address) === 4) ?? outer[0] ?? '127.0.0.1';
}
