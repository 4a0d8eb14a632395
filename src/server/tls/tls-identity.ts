import type { TlsOptions } from 'node:tls';
import type { Logger } from '../../base/ports.ts';
import { systemClock } from '../../base/ports.ts';
import { readTlsFiles, type TlsMaterial, type TlsReading, type TlsSettings } from './tls-files.ts';

/** The certificate that this node shows now. Listeners are told of the next one, for connections that come then. */
export class TlsIdentity {
  readonly settings: TlsSettings;
  readonly #listeners = new Set<(options: TlsOptions) => void>();
  readonly #log: Logger;
  #material: TlsMaterial;

  /** `material`: as read from the files of `settings`. */
  constructor(settings: TlsSettings, material: TlsMaterial, log: Logger) {
    this.settings = settings;
    this.#material = material;
    this.#log = log;
    this.#tell('the certificate is read');
  }

  /** For `node:tls`. */
  get options(): TlsOptions {
    return this.#material.options;
  }

  /** Has `listener` called with the options of each certificate that takes the place of another. */
  onChange(listener: (options: TlsOptions) => void): void {
    this.#listeners.add(listener);
  }

  /** Reads the files anew. When something is wrong with them the log says so, and the certificate in use stays: false. */
  reload(): boolean {
    const reading = readTlsFiles(this.settings, systemClock.nowMs());
    if (reading.kind === 'problems') {
      const { problems } = reading;
      this.#log.error({ problems }, 'the certificate was not replaced; the one in use stays');
      return false;
    }
    this.#material = reading.material;
    for (const listener of this.#listeners) listener(reading.material.options);
    this.#tell('the certificate was read anew');
    return true;
  }

  #tell(message: string): void {
    const { subject, validTo, warnings } = this.#material;
    this.#log.info({ subject, validTo }, message);
    for (const warning of warnings) this.#log.warn({}, warning);
  }
}

/** The identity that the files hold; throws, with all that is wrong with them. */
export function openTlsIdentity(settings: TlsSettings, log: Logger): TlsIdentity {
  const reading: TlsReading = readTlsFiles(settings, systemClock.nowMs());
  if (reading.kind === 'problems') throw new Error(reading.problems.join(' '));
  return new TlsIdentity(settings, reading.material, log);
}
