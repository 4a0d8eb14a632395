import { createServer } from 'node:net';

/** The limit of MessagePack-RPC on node:net: finds the requests in what arrives, and answers each with a constant. */

const value = Buffer.concat([Buffer.from([0xd9, 64]), Buffer.alloc(64, 'x')]);
const ok = Buffer.from([0xa2, 0x4f, 0x4b]);
const output = Buffer.allocUnsafeSlow(1 << 20);

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    let to = 0;
    for (;;) {
      const end = requestEnd(bytes, at);
      if (end < 0) break;
      output[to] = 0x94;
      output[to + 1] = 1;
      output[to + 2] = bytes[at + 2] as number;
      output[to + 3] = 0xc0;
      // `\x94\x00 id \xa3 set`: the first letter tells the two apart.
      const result = bytes[at + 4] === 0x73 ? ok : value;
      to += 4;
      for (let index = 0; index < result.length; index++) output[to + index] = result[index] as number;
      to += result.length;
      at = end;
    }
    rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at);
    if (to > 0) socket.write(Buffer.from(output.subarray(0, to)));
  });
});

/** Where `[0, id below 128, method, [short strs]]` has ended; -1 when it is not whole. */
function requestEnd(bytes: Buffer, start: number): number {
  let at = start + 3;
  if (at >= bytes.length) return -1;
  at += 1 + ((bytes[at] as number) & 0x1f);
  if (at >= bytes.length) return -1;
  let count = (bytes[at++] as number) & 0x0f;
  for (; count > 0; count--) {
    if (at + 1 >= bytes.length) return -1;
    const marker = bytes[at] as number;
    at += marker === 0xd9 ? 2 + (bytes[at + 1] as number) : 1 + (marker & 0x1f);
  }
  return at <= bytes.length ? at : -1;
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.stdout.write(`${address.port}\n`);
});
