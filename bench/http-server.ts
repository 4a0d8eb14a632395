/**
 * One server of the HTTP benchmark, in a process of its own: `bench/http-server.ts flux|bare`. Prints its port.
 *
 * `bare` is the limit: the same engine, handlers that store nothing and answer what FluxCache would: GET a constant, POST
 * reads and JSON-parses the body first.
 */
import { randomBytes } from 'node:crypto';
import { Counters } from '../src/base/counters.ts';
import { errors } from '../src/base/errors.ts';
import { type Logger, systemClock } from '../src/base/ports.ts';
import { commandTable } from '../src/command/table.ts';
import { Access } from '../src/server/access.ts';
import { AccessOrigin } from '../src/server/access-origin.ts';
import { startHttpFront } from '../src/server/http-front.ts';
import { httpFrontDefaults } from '../src/server/http-options.ts';
import { Shards } from '../src/server/shards.ts';
import { loadUws } from '../src/server/uws.ts';

const host = '127.0.0.1';

function startBare(): void {
  const { uws } = loadUws(16_384);
  const app = uws.App();
  const value = process.argv[3] ?? '';
  const found = `{"key":"foo","value":"${value}","version":1000000,"ttl":null}`;
  app.get('/get', (response) => {
    response.writeHeader('Content-Type', 'application/json').end(found);
  });
  app.post('/set', (response) => {
    response.onAborted(() => {});
    response.onData((chunk, isLast) => {
      if (!isLast) return;
      const body = JSON.parse(Buffer.from(chunk).toString());
      if (typeof body.key !== 'string') throw new Error('the body is not as it must be');
      response.writeHeader('Content-Type', 'application/json').end('{"ok":true,"version":1000000}');
    });
  });
  app.listen(host, 0, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
    if (socket !== false) process.stdout.write(`${uws.us_socket_local_port(socket)}\n`);
  });
}

async function startFlux(): Promise<void> {
  const fail = (fields: object, message: string): void =>
    void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  const log: Logger = { debug: () => {}, info: () => {}, warn: fail, error: fail };
  const shards = new Shards({
    shardCount: 1,
    partitionCount: 64,
    budgetBytes: 256 * 2 ** 20,
    eviction: 'flux',
    hashKey: [randomBytes(4).readUInt32LE(), randomBytes(4).readUInt32LE()],
    node: { clock: systemClock, random: { nextUint32: () => randomBytes(4).readUInt32LE() }, infoSections: [] },
    supervisor: { logger: log },
    // Versions as long as the bare handler's, so that both answer as many bytes.
    versionBase: 1_000_000,
  });
  await shards.started();
  const errorCount = Math.max(...Object.values(errors).map(({ id }) => id)) + 1;
  const front = await startHttpFront(
    { ...httpFrontDefaults, port: 0 },
    {
      commands: shards.dispatcher,
      shardCount: 1,
      access: new Access([], systemClock),
      origin: new AccessOrigin(host, [], []),
      probesNeedCredentials: false,
      counters: Counters.create({ commandCount: commandTable.commands.length, errorCount }),
      clock: systemClock,
      log,
      version: '0',
      metricsText: () => '',
      health: () => ({ ready: true, reasons: [] }),
      nodes: () => ({}),
    },
  );
  process.stdout.write(`${front.port}\n`);
}

if (process.argv[2] === 'bare') startBare();
else await startFlux();
