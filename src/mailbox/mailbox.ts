import type { DoorbellHandle } from './doorbell.ts';
import { createJournal, type JournalHandle } from './journal.ts';
import { createRing, type RingHandle } from './ring.ts';

/** A pair of rings between one front end and one actor, as handed to both threads. */
export interface MailboxHandle {
  readonly commands: RingHandle;
  readonly replies: RingHandle;
  readonly journal: JournalHandle;
  /** Wakes the actor: one for all mailboxes it serves. */
  readonly actorBell: DoorbellHandle;
  /** Wakes the front end: one for all mailboxes it has. */
  readonly frontBell: DoorbellHandle;
}

export interface MailboxOptions {
  readonly actorBell: DoorbellHandle;
  readonly frontBell: DoorbellHandle;
  /** Bytes of each ring, powers of two. */
  readonly commandRingBytes?: number;
  readonly replyRingBytes?: number;
  /** Largest command or reply: the largest value, its key, and what a command wraps around them. */
  readonly messageBytesMax?: number;
}

/** Small enough to stay in a processor's own cache, large enough for a full turn of an event loop. */
const RING_BYTES_DEFAULT = 256 * 1024;
/** The default limits of value and key (8 MiB, 64 KiB), and as much again as a key for everything else. */
export const MESSAGE_BYTES_MAX_DEFAULT = 8 * 1024 * 1024 + 2 * 64 * 1024;

export function createMailbox(options: MailboxOptions): MailboxHandle {
  const messageBytesMax = options.messageBytesMax ?? MESSAGE_BYTES_MAX_DEFAULT;
  return {
    commands: createRing(options.commandRingBytes ?? RING_BYTES_DEFAULT, messageBytesMax),
    replies: createRing(options.replyRingBytes ?? RING_BYTES_DEFAULT, messageBytesMax),
    journal: createJournal(),
    actorBell: options.actorBell,
    frontBell: options.frontBell,
  };
}
