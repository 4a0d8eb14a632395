import type { Command } from '../../command/command.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import type { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { type BodyFields, Field } from '../../protocol/http/body-fields.ts';

const integerCommand = commandTable.named('incrby');
const fractionCommand = commandTable.named('incrbyfloat');

/**
 * Adds the increment to arguments that hold the key, 1 when `fields` is null or has none, and returns the command it
 * is for: whole numbers are added exactly, others as doubles.
 */
export function appendIncrement(builder: ArgsBuilder, fields: BodyFields | null): Command {
  if (fields === null || (fields.seen & Field.by) === 0) {
    builder.word('1');
    return integerCommand;
  }
  builder.args.push(fields.byStart, fields.byEnd);
  return isInteger(builder.bytes, fields.byStart, fields.byEnd) ? integerCommand : fractionCommand;
}

/** The number in the reply of an increment, as JSON writes it. */
export function numberOf(reply: ReplyReader): string {
  switch (reply.kind) {
    case ReplyKind.integer:
    case ReplyKind.double:
      return String(reply.number);
    case ReplyKind.bigInteger:
      return String(reply.bigInteger);
    default:
      return reply.text;
  }
}

function isInteger(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x2e || (byte | 0x20) === 0x65) return false;
  }
  return true;
}
