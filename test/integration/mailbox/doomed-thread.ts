import { workerData } from 'node:worker_threads';
import { ActorMailbox } from '../../../src/mailbox/actor-mailbox.ts';
import { Doorbell } from '../../../src/mailbox/doorbell.ts';
import type { MailboxHandle } from '../../../src/mailbox/mailbox.ts';

export interface DoomedOrder {
  handle: MailboxHandle;
  /** Word n counts how often command n was executed. */
  executions: SharedArrayBuffer;
  /** The one byte that answers an interrupted command. */
  interruptedByte: number;
}

/** An actor that echoes commands, and that the test ends at any instant. */
const { handle, executions, interruptedByte } = workerData as DoomedOrder;
const counts = new Int32Array(executions);
const mailbox = new ActorMailbox(handle);
const bell = new Doorbell(handle.actorBell);
const interruptedReply = new Uint8Array([interruptedByte]);

for (;;) {
  while (mailbox.next()) {
    const { bytes, offset, length, tag } = mailbox.commands;
    if (mailbox.interrupted) {
      mailbox.reply(interruptedReply, 0, 1);
    } else {
      counts[tag] = (counts[tag] as number) + 1;
      mailbox.reply(bytes, offset, offset + length);
    }
  }
  mailbox.flush();
  bell.announce();
  if (mailbox.hasWork()) bell.withdraw();
  else bell.wait(60_000);
}
