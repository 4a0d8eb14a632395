import { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `auto`: text when the destination is a terminal. */
  readonly format: 'auto' | 'json' | 'text';
  readonly nodeName: string;
}

/** `process.stderr` or its like. */
export interface LogDestination {
  readonly fd: number;
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Paths of fields that are never written, whoever logs them. */
const SECRETS = ['password', '*.password', 'authorization', '*.authorization', 'token', '*.token'];

/** The process's log, one record a line. It is written synchronously, so that the last words of a process are there. */
export function openLog({ level, format, nodeName }: LogOptions, destination: LogDestination): Logger {
  const isText = format === 'text' || (format === 'auto' && destination.isTTY === true);
  const options = {
    level,
    base: { node: nodeName },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRETS, censor: '(hidden)' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (isText) return pino(options, textLines(destination));
  return pino(options, pino.destination({ fd: destination.fd, sync: true }));
}

/** Turns records into lines for people: time, level, message, fields, and the stack of an error below. */
function textLines(destination: Pick<LogDestination, 'write'>): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      destination.write(`${lineOf(String(chunk))}\n`);
      done();
    },
  });
}

function lineOf(record: string): string {
  const { time, level, msg, err, node: _, ...fields } = JSON.parse(record) as Record<string, unknown>;
  const clock = String(time).slice(11, 23);
  const words = [clock, String(level).toUpperCase().padEnd(5), oneLine(msg)];
  for (const [name, value] of Object.entries(fields)) {
    words.push(`${name}=${typeof value === 'string' ? oneLine(value) : JSON.stringify(value)}`);
  }
  if (!isError(err)) return words.join(' ');
  return `${words.join(' ')}\n${(err.stack ?? err.message).split('\n').map(oneLine).join('\n')}`;
}

function isError(value: unknown): value is { message: string; stack?: string } {
  return typeof value === 'object' && value !== null && 'message' in value;
}

/** Text that can neither pass for a record of its own nor move the cursor of a terminal, whoever sent it. */
function oneLine(value: unknown): string {
  return String(value ?? '').replaceAll(/\p{Cc}/gu, '\ufffd');
}
