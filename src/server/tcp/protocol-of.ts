import { PEER_FIRST_BYTE } from '../session/session.ts';

/** What a connection speaks, as its first byte tells. */
export type WireProtocol = 'resp' | 'msgpack-rpc' | 'peer' | 'tls' | 'unknown';

/**
 * A request or notification of MessagePack-RPC is an array of three or four elements, by any of the three markers that
 * MessagePack has for arrays. RESP begins with `*`, and its inline form with a word. A TLS record of a hello is 0x16.
 */
export function protocolOf(firstByte: number): WireProtocol {
  if (firstByte === 0x93 || firstByte === 0x94 || firstByte === 0xdc || firstByte === 0xdd) return 'msgpack-rpc';
  if (firstByte === 0x16) return 'tls';
  if (firstByte === PEER_FIRST_BYTE) return 'peer';
  // Lines may begin with white space, and a quote may open an inline word.
  const isText = firstByte >= 0x20 && firstByte < 0x7f;
  return isText || firstByte === 0x0a || firstByte === 0x0d || firstByte === 0x09 ? 'resp' : 'unknown';
}
