import { isIPv4, isIPv6 } from 'node:net';

const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const versionAndProxy = 0x21;
const tcpOverIpv4 = 0x11;
const tcpOverIpv6 = 0x21;

/**
 * The header of the PROXY protocol, version 2, that names who is at the other end of a connection. Behind the signature:
 * version and command, family, length; then source and destination address, source and destination port, of which the
 * destination is left at zero. Source: the PROXY protocol of HAProxy, section 2.2.
 */
export function proxyHeader(address: string, port: number): Uint8Array {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const bytes = isIPv4(mapped) ? ipv4Bytes(mapped) : ipv6Bytes(mapped);
  const header = new Uint8Array(16 + bytes.length * 2 + 4);
  header.set(signature);
  header[12] = versionAndProxy;
  header[13] = bytes.length === 4 ? tcpOverIpv4 : tcpOverIpv6;
  header[15] = bytes.length * 2 + 4;
  header.set(bytes, 16);
  const portAt = 16 + bytes.length * 2;
  header[portAt] = port >> 8;
  header[portAt + 1] = port & 0xff;
  return header;
}

function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split('.'), Number);
}

/** The sixteen bytes; all zero for what is no address. */
function ipv6Bytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const plain = address.split('%', 1)[0] ?? '';
  if (!isIPv6(plain)) return bytes;
  const [head = '', tail] = plain.split('::');
  const words = (text: string): number[] => (text === '' ? [] : text.split(':').flatMap(wordsOf));
  const first = words(head);
  const last = tail === undefined ? [] : words(tail);
  const all = [...first, ...new Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0), ...last];
  for (const [index, word] of all.entries()) {
    bytes[index * 2] = word >> 8;
    bytes[index * 2 + 1] = word & 0xff;
  }
  return bytes;
}

/** The words of one part between colons, of which an IPv4 address at the end is two. */
function wordsOf(part: string): number[] {
  if (!part.includes('.')) return [Number.parseInt(part, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}
