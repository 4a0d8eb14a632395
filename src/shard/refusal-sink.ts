import type { ReplySink } from '../command/reply.ts';
import type { RefusalReason } from './guarded-reply.ts';
import type { FlightLog } from './shard-client.ts';

/** Who is given the commands that a target did not run: to send them elsewhere, or to answer them. */
export interface RefusalSink {
  /**
   * Nothing was run. The command is `bytes[start..end)`, as `encodeCommand` writes it, during the call only; `flags` are
   * those it was prepared with. `sink` is owed its reply, and `log` has not been told: the command is in flight still.
   */
  refused(
    target: number,
    reason: RefusalReason,
    bytes: Uint8Array,
    start: number,
    end: number,
    flags: number,
    sink: ReplySink,
    log: FlightLog | null,
  ): void;
}
