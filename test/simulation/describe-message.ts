import { decodeMembership } from '../../src/cluster/consensus/raft-fields.ts';
import { decodeCommand } from '../../src/cluster/controller/command-codec.ts';
import { describeCommand } from './describe-command.ts';
import { decodeEffect } from './partition-store.ts';
import { messageOf } from './wire.ts';

/** A message with what it carries, on one line. */
export function describeMessage(message: object): string {
  return JSON.stringify(message, function (this: Record<string, unknown>, name, value: unknown) {
    if (!(value instanceof Uint8Array)) return value;
    if (name === 'payload' && this['kind'] === 'command') return describeCommand(decodeCommand(value));
    if (name === 'payload' && this['kind'] === 'membership') return decodeMembership(value);
    if (name === 'effect') return decodeEffect(value);
    return `${value.length} bytes`;
  });
}

export function describeFrame(frame: Uint8Array): string {
  const message = messageOf(frame);
  return message === null ? `${frame.length} damaged bytes` : describeMessage(message);
}
