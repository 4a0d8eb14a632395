import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

const READ_BYTES = 64 * 1024;

/** Where all links read to: what is read is used up, or copied, before the next read. */
const readBuffer = new Uint8Array(READ_BYTES);

/**
 * Begins to connect to another node's port; `tls` null: it is plain. `onData` is given bytes that are its for the length
 * of the call.
 */
export function dialPeer(
  host: string,
  port: number,
  tls: ConnectionOptions | null,
  onConnected: (socket: Socket) => void,
  onData: (socket: Socket, bytes: Uint8Array) => void,
): Socket {
  const settings = { host, port, noDelay: true, keepAlive: true };
  if (tls === null) {
    const callback = (count: number): boolean => {
      onData(socket, readBuffer.subarray(0, count));
      return true;
    };
    const socket = connect({ ...settings, onread: { buffer: readBuffer, callback } });
    socket.once('connect', () => onConnected(socket));
    return socket;
  }
  const socket = connectTls({ ...tls, ...settings });
  socket.on('data', (bytes) => onData(socket, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)));
  socket.once('secureConnect', () => onConnected(socket));
  return socket;
}

/** The parts of `host:port`; the host of an IPv6 address may stand in brackets. */
export function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) };
}
