import { choice, integer, list, text, toggle } from './kinds.ts';

/** A path; '' for none. */
const FILE = /^[^\0]*$/;

/** Where a node listens, and whom it lets in. */
export const networkOptions = {
  bind: text({
    group: 'network',
    doc: 'Address to listen on. One that other machines can reach needs credentials, or insecure.',
    default: '127.0.0.1',
    pattern: /^[\w.:-]{1,253}$/,
    allowed: 'a host name or an IP address',
    placeholder: 'ADDRESS',
  }),
  httpPort: integer({
    group: 'network',
    doc: 'Port for HTTP; 0 takes a free one, which the log names.',
    default: 8081,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
  }),
  tcpPort: integer({
    group: 'network',
    doc: 'Port for RESP (Redis clients) and MessagePack-RPC; 0 takes a free one, which the log names.',
    default: 7379,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
  }),

  tlsCert: text({
    group: 'tls',
    doc: 'Certificate of this node, with those between it and its authority, as PEM. Given with tlsKey, both ports speak TLS and nothing else. SIGHUP reads it anew.',
    default: '',
    pattern: FILE,
    allowed: 'the path of a file',
    placeholder: 'FILE',
  }),
  tlsKey: text({
    group: 'tls',
    doc: 'Private key of tlsCert, as PEM, without a passphrase.',
    default: '',
    pattern: FILE,
    allowed: 'the path of a file',
    placeholder: 'FILE',
  }),
  tlsCa: text({
    group: 'tls',
    doc: 'Authorities, as PEM, by whose certificates clients show who they are; none: clients are asked for no certificate.',
    default: '',
    pattern: FILE,
    allowed: 'the path of a file',
    placeholder: 'FILE',
  }),
  tlsClients: choice({
    group: 'tls',
    doc: 'With tlsCa: whether a client without a certificate is refused. One with a wrong certificate always is.',
    default: 'required',
    of: ['required', 'optional'],
  }),
  tlsMinVersion: choice({
    group: 'tls',
    doc: 'Oldest version of TLS that is spoken.',
    default: 'TLSv1.2',
    of: ['TLSv1.2', 'TLSv1.3'],
  }),

  password: text({
    group: 'access',
    doc: "Password of the user 'default', who may do everything. Better in a variable or file than in a flag, which other users of the machine can see.",
    default: '',
    secret: true,
    pattern: /^[^\p{Cc}]{0,1024}$/u,
    allowed: 'up to 1024 characters, none of them a control character',
    placeholder: 'TEXT',
  }),
  usersFile: text({
    group: 'access',
    doc: 'YAML or JSON file of users, their secrets (as hashes) and rights.',
    default: '',
    pattern: FILE,
    allowed: 'the path of a file',
    placeholder: 'FILE',
  }),
  insecure: toggle({
    group: 'access',
    doc: 'Serve other machines without asking for credentials.',
    default: false,
  }),
  allowedHosts: list({
    group: 'access',
    doc: "Names in a request's Host header to answer to, beside loopback names and the address listened on; *.example.com means every name below it, * any.",
    default: [],
    pattern: /^(\*|(\*\.)?[\w-]+(\.[\w-]+)*|[\da-f:.]+|\[[\da-f:.]+\])$/i,
    allowed: 'host names or IP addresses without a port, separated by commas',
    placeholder: 'HOST,…',
  }),
  allowedOrigins: list({
    group: 'access',
    doc: 'Origins whose web pages may send requests that change something; * means any.',
    default: [],
    pattern: /^(\*|https?:\/\/[^/\s,]+)$/i,
    allowed: 'origins such as https://app.example.com, separated by commas',
    placeholder: 'ORIGIN,…',
  }),
  probeCredentials: toggle({
    group: 'access',
    doc: 'Ask for credentials at /livez, /readyz, /healthz, /health and /metrics, too.',
    default: false,
  }),
} as const;
