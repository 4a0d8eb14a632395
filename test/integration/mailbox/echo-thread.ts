import { parentPort, workerData } from 'node:worker_threads';
import { ActorMailbox } from '../../../src/mailbox/actor-mailbox.ts';
import { Doorbell } from '../../../src/mailbox/doorbell.ts';
import type { MailboxHandle } from '../../../src/mailbox/mailbox.ts';

/** An actor that answers every command with its own bytes, until it meets an empty one. */
const { handle } = workerData as { handle: MailboxHandle };
const mailbox = new ActorMailbox(handle);
const bell = new Doorbell(handle.actorBell);
parentPort?.postMessage('started');

for (let serving = true; serving; ) {
  while (mailbox.next()) {
    const { bytes, offset, length } = mailbox.commands;
    mailbox.reply(bytes, offset, offset + length);
    if (length === 0) serving = false;
  }
  mailbox.flush();
  bell.announce();
  if (mailbox.hasWork() || !serving) bell.withdraw();
  else bell.wait(60_000);
}
