// Ends with 0 when the node in this container answers at PATH (/livez: it runs; /readyz: it takes requests).
//   node Docker/healthcheck.mjs [PATH]
// Where probes ask for credentials, HEALTHCHECK_TOKEN_FILE names a file with a token; without one, to be refused is an
// answer, too, which says that the node runs and no more.
import { readFileSync } from 'node:fs';
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';

const { env } = process;
const listens = env.FLUXCACHE_BIND ?? '';
const host = ['', '0.0.0.0', '::'].includes(listens) ? '127.0.0.1' : listens;
const port = env.FLUXCACHE_HTTP_PORT ?? 8081;
const path = process.argv[2] ?? '/livez';
const request = env.FLUXCACHE_TLS_CERT ? overHttps : overHttp;
const tokenFile = env.HEALTHCHECK_TOKEN_FILE;
const headers = tokenFile ? { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` } : {};
// Clients may have to show a certificate: the node's own is one.
const certificate =
  env.FLUXCACHE_TLS_CA && env.FLUXCACHE_TLS_CERT && env.FLUXCACHE_TLS_KEY
    ? { cert: readFileSync(env.FLUXCACHE_TLS_CERT), key: readFileSync(env.FLUXCACHE_TLS_KEY) }
    : {};

// The certificate names the node as others call it, which is not what it is called here.
request({ host, port, path, headers, timeout: 5000, rejectUnauthorized: false, ...certificate })
  .on('response', ({ statusCode }) => {
    process.exit(statusCode < (tokenFile ? 400 : 500) ? 0 : 1);
  })
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1))
  .end();
