import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type TlsOptions } from 'node:tls';
import type { Config } from '../../config/options.ts';

/** Where the parts of TLS are, and its rules. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  /** '': clients are asked for no certificate. */
  readonly caFile: string;
  /** With `caFile`: a client without a certificate is refused. */
  readonly isClientCertRequired: boolean;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** What the files hold, found to fit together. */
export interface TlsMaterial {
  /** For `node:tls`: certificate, key, authorities and rules. */
  readonly options: TlsOptions;
  /** Whom the certificate names, and until when it is valid: for the log. */
  readonly subject: string;
  readonly validTo: string;
  /** What is worth a warning, a sentence each. */
  readonly warnings: readonly string[];
}

export type TlsReading =
  | { readonly kind: 'material'; readonly material: TlsMaterial }
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

const DAY_MS = 86_400_000;
/** A certificate that ends sooner than this is warned of. */
const ENDS_SOON_MS = 7 * DAY_MS;
const PEM_CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** What the server's options say of TLS; null when connections are plain. */
export function tlsSettings(config: Config): TlsSettings | null {
  if (config.tlsCert === '') return null;
  return {
    certFile: config.tlsCert,
    keyFile: config.tlsKey,
    caFile: config.tlsCa,
    isClientCertRequired: config.tlsClients === 'required',
    minVersion: config.tlsMinVersion,
  };
}

/** Reads the files and checks that they fit together, so that a wrong one is named before a handshake fails. */
export function readTlsFiles(settings: TlsSettings, nowMs: number): TlsReading {
  const problems: string[] = [];
  const cert = readPem(settings.certFile, problems);
  const key = readPem(settings.keyFile, problems);
  const ca = settings.caFile === '' ? undefined : readPem(settings.caFile, problems);
  const [leaf, ...chain] = cert === undefined ? [] : certificatesOf(cert, settings.certFile, problems);
  const privateKey = key === undefined ? undefined : keyOf(key, settings.keyFile, problems);
  const authorities = ca === undefined ? [] : certificatesOf(ca, settings.caFile, problems);
  if (leaf !== undefined && privateKey !== undefined && !leaf.checkPrivateKey(privateKey)) {
    problems.push(`${settings.keyFile}: is not the key of the certificate in ${settings.certFile}.`);
  }
  if (problems.length > 0 || leaf === undefined) return { kind: 'problems', problems };
  const options: TlsOptions = {
    cert,
    key,
    minVersion: settings.minVersion,
    ...(ca === undefined ? undefined : { ca, requestCert: true, rejectUnauthorized: settings.isClientCertRequired }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    return { kind: 'problems', problems: [`${settings.certFile}: ${textOf(error)}.`] };
  }
  const warnings = [
    ...[leaf, ...chain].flatMap((certificate) => datesOf(certificate, settings.certFile, nowMs)),
    ...authorities.flatMap((certificate) => datesOf(certificate, settings.caFile, nowMs)),
  ];
  const { subject, validTo } = leaf;
  return { kind: 'material', material: { options, subject: subject.replaceAll('\n', ', '), validTo, warnings } };
}

function readPem(path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    const reason = code === 'ENOENT' ? 'there is no such file' : textOf(error);
    problems.push(`${path}: cannot be read: ${reason}.`);
    return undefined;
  }
}

function certificatesOf(pem: string, path: string, problems: string[]): X509Certificate[] {
  const blocks = pem.match(PEM_CERTIFICATES) ?? [];
  if (blocks.length === 0) problems.push(`${path}: holds no certificate as PEM (-----BEGIN CERTIFICATE-----).`);
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      problems.push(`${path}: certificate ${index + 1} is broken.`);
    }
  }
  return certificates;
}

function keyOf(pem: string, path: string, problems: string[]): KeyObject | undefined {
  if (/ENCRYPTED/.test(pem)) {
    problems.push(`${path}: is protected by a passphrase. A server needs a key without one.`);
    return undefined;
  }
  try {
    return createPrivateKey(pem);
  } catch {
    problems.push(`${path}: holds no private key as PEM.`);
    return undefined;
  }
}

function datesOf(certificate: X509Certificate, path: string, nowMs: number): string[] {
  const subject = certificate.subject.replaceAll('\n', ', ');
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  if (nowMs < from) return [`${path}: the certificate of ${subject} is not valid before ${certificate.validFrom}.`];
  if (nowMs > to) return [`${path}: the certificate of ${subject} expired on ${certificate.validTo}.`];
  if (to - nowMs < ENDS_SOON_MS) return [`${path}: the certificate of ${subject} ends on ${certificate.validTo}.`];
  return [];
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
