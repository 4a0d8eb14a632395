import { type Refusal, refuse } from '../../protocol/http/refusal.ts';
import type { HttpShared } from './shared.ts';

/**
 * Headers of a stream, beside its Content-Type: nobody on the way keeps it, or waits for its end. That the connection
 * ends with it is said here, because the engine, told to close at the end of a body in pieces, writes so into the body.
 */
export const streamHeaders = ['Cache-Control', 'no-store', 'X-Accel-Buffering', 'no', 'Connection', 'close'];

/** Why there cannot be another stream; null when there can. */
export function streamRefusal({ streams, options }: HttpShared): Refusal | null {
  if (streams < options.eventStreamsMax) return null;
  return refuse('too-many-requests', `${streams} streams are open, which is as many as maxEventStreams lets there be.`);
}
