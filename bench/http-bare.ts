/**
 * The limit that HTTP is measured against, in a process of its own: `bench/http-bare.ts GET-ANSWER SET-ANSWER` prints its
 * port. The same engine with handlers that store nothing and answer what FluxCache would: GET a constant, POST reads and
 * JSON-parses its body first.
 */
import { loadUws } from '../src/server/http/uws.ts';

const [, , found = '', stored = ''] = process.argv;
const { uws } = loadUws(16_384);
const app = uws.App();
app.get('/get', (response) => {
  response.writeHeader('Content-Type', 'application/json').end(found);
});
app.post('/set', (response) => {
  response.onAborted(() => {});
  response.onData((chunk, isLast) => {
    if (!isLast) return;
    const body = JSON.parse(Buffer.from(chunk).toString()) as { key: unknown };
    if (typeof body.key !== 'string') throw new Error('the body is not as it must be');
    response.writeHeader('Content-Type', 'application/json').end(stored);
  });
});
app.listen('127.0.0.1', 0, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
  if (socket !== false) process.stdout.write(`${uws.us_socket_local_port(socket)}\n`);
});
