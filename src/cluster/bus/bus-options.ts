import type { Logger, Random } from '../../base/ports.ts';
import { plainRandom } from '../../base/ports.ts';

/** TLS of the bus, mutual: each end shows a certificate that one of `ca` has signed. All as PEM. */
export interface BusTls {
  readonly ca: string | Buffer;
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** Times in milliseconds, sizes in bytes. */
export interface BusLimits {
  /** From the first byte of a connection to the proof of its other end; and for a connection to come about. */
  readonly handshakeMs: number;
  /** Accepted connections that have not proved anything yet; one more costs the oldest of them its place. */
  readonly handshakesMax: number;
  /** Nothing was sent for so long: a frame without a message says that this end is there. */
  readonly quietMs: number;
  /** Nothing was received for so long: the other end is gone. */
  readonly silenceMs: number;
  /** A frame is closed once it has so many bytes; a message is never cut. */
  readonly frameBytes: number;
  /** What may wait for one connection: beyond it, messages are thrown away. */
  readonly queuedBytesMax: number;
  /** What of that the socket is given at once: the rest waits until it has sent that. */
  readonly socketBytesMax: number;
  /** Before the second attempt to reach an address, and at most; of each a random part is waited. */
  readonly redialMsFirst: number;
  readonly redialMsMax: number;
  /** Between two looks at the seeds while some node is connected. */
  readonly seedMsMax: number;
}

const busLimits: BusLimits = {
  handshakeMs: 2000,
  handshakesMax: 64,
  quietMs: 200,
  silenceMs: 3000,
  frameBytes: 256 << 10,
  queuedBytesMax: 64 << 20,
  socketBytesMax: 4 << 20,
  redialMsFirst: 50,
  redialMsMax: 2000,
  seedMsMax: 10_000,
};

/**
 * A node that is there is heard of at least so often, milliseconds: it looks at its connections twice in `quietMs`, and
 * sends something on each that was quiet for so long.
 */
export const SIGN_OF_LIFE_MS = busLimits.quietMs * 1.5;

export interface BusOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** What all nodes of the cluster know and nobody else. */
  readonly secret: string;
  /** `HOST[:PORT]` or `srv:NAME`. */
  readonly seeds: readonly string[];
  /** Of seeds, and of peers, that name none. */
  readonly defaultPort: number;
  /** Of the largest message there can be. */
  readonly messageBytesMax: number;
  readonly tls: BusTls | null;
  readonly log: Logger;
  readonly random: Random;
  readonly limits: BusLimits;
}

/** The options with what most leave as it is. */
export function busOptions(
  given: Omit<BusOptions, 'limits' | 'random' | 'tls'> & {
    readonly tls?: BusTls | null;
    readonly random?: Random;
    readonly limits?: Partial<BusLimits>;
  },
): BusOptions {
  const { tls = null, random = plainRandom } = given;
  return { ...given, tls, random, limits: { ...busLimits, ...given.limits } };
}
