// Ends with 0 when the node in this container answers at PATH (/livez: it runs; /readyz: it takes requests).
//   node Docker/healthcheck.mjs [PATH]
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';

const { env } = process;
const listens = env.FLUXCACHE_BIND ?? '';
const host = ['', '0.0.0.0', '::'].includes(listens) ? '127.0.0.1' : listens;
const port = env.FLUXCACHE_HTTP_PORT ?? 8081;
const path = process.argv[2] ?? '/livez';
const request = env.FLUXCACHE_TLS_CERT ? overHttps : overHttp;

// The certificate names the node as others call it, which is not what it is called here. 401 is an answer, too.
request({ host, port, path, timeout: 2000, rejectUnauthorized: false })
  .on('response', ({ statusCode }) => process.exit(statusCode < 500 ? 0 : 1))
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1))
  .end();
