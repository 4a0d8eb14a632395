import type { Logger } from '../../base/ports.ts';
import type { TraceContext } from '../../protocol/http/trace-context.ts';

/** A log that is written to without end serves nobody: of the slow commands of one second no more are logged. */
const RECORDS_PER_SECOND_MAX = 50;

export interface SlowCall {
  readonly command: string;
  readonly durationMs: number;
  readonly protocol: string;
  /** Of the client; empty: unknown. */
  readonly address: string;
  /** As the client named itself; empty: it did not. */
  readonly clientName: string;
  readonly trace: TraceContext | null;
}

/**
 * Logs slow commands, with the trace that each is a part of in the fields that OpenTelemetry names for logs in formats of
 * their own: `trace_id`, `span_id` (of the client's span: a node makes none) and `trace_flags`. Keys and values are never
 * logged. When there are too many, some are left out, and the next record says how many.
 */
export class SlowReport {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  #secondBeganMs = Number.NEGATIVE_INFINITY;
  #records = 0;
  #leftOut = 0;

  /** `nowMs`: of a clock that never goes back. */
  constructor(log: Logger, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  tell({ command, durationMs, protocol, address, clientName, trace }: SlowCall): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#secondBeganMs >= 1000) {
      this.#secondBeganMs = nowMs;
      this.#records = 0;
    }
    if (this.#records === RECORDS_PER_SECOND_MAX) {
      this.#leftOut++;
      return;
    }
    this.#records++;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    this.#log.warn(
      {
        command,
        durationMs: Math.round(durationMs * 1000) / 1000,
        protocol,
        ...(address === '' ? {} : { address }),
        ...(clientName === '' ? {} : { clientName }),
        ...(leftOut === 0 ? {} : { leftOut }),
        ...(trace === null ? {} : { trace_id: trace.traceId, span_id: trace.spanId, trace_flags: trace.flags }),
      },
      'a command was slow',
    );
  }
}
