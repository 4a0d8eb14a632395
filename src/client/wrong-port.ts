/**
 * What speaks at the other end, by the first bytes it sends, when that is not MessagePack-RPC: the end of a sentence that
 * begins with the connection. Null when the bytes tell nothing.
 */
export function strangerOf(bytes: Uint8Array): string | null {
  const [first, second] = bytes;
  // Content types 20 to 23 of a TLS record, and its major version (RFC 8446, section 5.1).
  if (first !== undefined && first >= 0x14 && first <= 0x17 && second === 0x03) {
    return 'was answered in TLS, which the option tls, or a URL of fluxcaches://, asks for';
  }
  const text = String.fromCharCode(...bytes.subarray(0, 5));
  if (text === 'HTTP/')
    return 'was answered in HTTP: this is not the port of MessagePack-RPC, which is 7379 by default';
  if (/^[-+]/.test(text)) return 'was answered in RESP: the server there does not speak MessagePack-RPC';
  return null;
}
