import { createServer } from 'node:net';

/** The limit of RESP on node:net: finds the commands in what arrives, and answers each with a constant. */

const found = Buffer.from(`$64\r\n${'x'.repeat(64)}\r\n`);
const ok = Buffer.from('+OK\r\n');
const output = Buffer.allocUnsafeSlow(1 << 20);

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    let to = 0;
    for (;;) {
      const end = commandEnd(bytes, at);
      if (end < 0) break;
      // `*3\r\n$3\r\nSET`: the number of arguments tells the two apart.
      const reply = bytes[at + 1] === 0x33 ? ok : found;
      to += reply.copy(output, to);
      at = end;
    }
    rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at);
    if (to > 0) socket.write(Buffer.from(output.subarray(0, to)));
  });
});

/** Where the command at `start` has ended; -1 when it is not whole. */
function commandEnd(bytes: Buffer, start: number): number {
  let at = start + 1;
  let count = 0;
  for (; at < bytes.length && bytes[at] !== 0x0d; at++) count = count * 10 + (bytes[at] as number) - 0x30;
  at += 2;
  for (; count > 0; count--) {
    let length = 0;
    for (at++; at < bytes.length && bytes[at] !== 0x0d; at++) length = length * 10 + (bytes[at] as number) - 0x30;
    at += 2 + length + 2;
  }
  return at <= bytes.length ? at : -1;
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.stdout.write(`${address.port}\n`);
});
