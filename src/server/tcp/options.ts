import type { Config } from '../../config/options.ts';
import type { LiveLimits } from '../control/live-limits.ts';

/** What the TCP front may use up. Bytes, milliseconds, counts. */
export interface TcpFrontOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly connectionsMax: number;
  /** A connection that sends nothing for so long, with nothing under way, is closed; 0: never. */
  readonly idleTimeoutMs: number;
  /** A command that has begun to arrive must be there as a whole after this. */
  readonly requestTimeoutMs: number;
  /** Answers that one connection does not take, beyond which it is closed. */
  readonly connectionOutputBytesMax: number;
  /** Commands of one connection under way at once; more are not read before these are answered. */
  readonly pipelineMax: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly commandBytesMax: number;
  readonly argumentsMax: number;
  /** Time that a graceful shutdown may take before the rest is cut off. */
  readonly drainTimeoutMs: number;
}

/** As Redis: a command has at most so many arguments. */
const ARGUMENTS_MAX = 1024 * 1024;

/** What the server's options say of the TCP front. `storeKeyBytesMax` as for `httpFrontOptions`. */
export function tcpFrontOptions(config: Config, limits: LiveLimits, storeKeyBytesMax: number): TcpFrontOptions {
  return {
    host: config.bind,
    port: config.tcpPort,
    get connectionsMax() {
      return limits.connectionsMax;
    },
    get idleTimeoutMs() {
      return limits.idleTimeoutMs;
    },
    requestTimeoutMs: config.requestTimeout,
    get connectionOutputBytesMax() {
      return limits.connectionOutputBytesMax;
    },
    pipelineMax: config.maxPipeline,
    keyBytesMax: Math.min(config.maxKey, storeKeyBytesMax),
    valueBytesMax: config.maxValue,
    commandBytesMax: config.maxBody,
    argumentsMax: ARGUMENTS_MAX,
    get drainTimeoutMs() {
      return limits.drainTimeoutMs;
    },
  };
}
