/** What a client of HTTP is told at the port of RESP: an answer that it can show. */
export function refusalOfHttp(httpPort: number): Uint8Array {
  const body = `This port speaks RESP and MessagePack-RPC; HTTP is at port ${httpPort}.\n`;
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  return Buffer.from(head + body, 'latin1');
}
