import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import test from 'ava';
import { createDoorbell, Doorbell } from '../../../src/mailbox/doorbell.ts';
import { DoorbellFront, Drained } from '../../../src/mailbox/doorbell-front.ts';
import { FrontMailbox } from '../../../src/mailbox/front-mailbox.ts';
import { createMailbox } from '../../../src/mailbox/mailbox.ts';
import { testScale } from '../../scale.ts';
import { startThread } from '../../thread.ts';
import type { DoomedOrder } from './doomed-thread.ts';

const thread = new URL('./doomed-thread.ts', import.meta.url);
const INTERRUPTED = 0xdd;
const DEATHS = 8 * testScale;
/** An actor is ended some replies after its first one, at another place each time. */
const REPLIES_A_LIFE = 10_000;

function sizeOf(tag: number): number {
  return tag % 512 === 0 ? (tag * 31) % 60_000 : 2 + ((tag * 7919) % 120);
}

test('actors ended in the middle of their work: nothing lost, repeated or out of order but the command at hand', async (t) => {
  const commandsMax = DEATHS * REPLIES_A_LIFE * 8;
  const handle = createMailbox({
    actorBell: createDoorbell(),
    frontBell: createDoorbell(),
    commandRingBytes: 64 * 1024,
    replyRingBytes: 16 * 1024,
  });
  const order: DoomedOrder = {
    handle,
    executions: new SharedArrayBuffer(4 * commandsMax),
    interruptedByte: INTERRUPTED,
  };
  const executions = new Int32Array(order.executions);
  const front = new FrontMailbox(handle, { queuedCountMax: 64, queuedBytesMax: 200_000 });
  let sent = 0;
  let answered = 0;
  let interrupted = 0;
  let sending = true;
  let fault: string | null = null;
  const waiters: { answers: number; resolve: () => void }[] = [];

  const send = (): void => {
    while (sending && sent < commandsMax) {
      const bytes = sizeOf(sent);
      const at = front.reserve(bytes);
      if (at < 0) break;
      front.bytes.fill(sent & 127, at, at + bytes);
      front.commit(bytes, sent);
      sent += 1;
    }
  };
  const check = (): string | null => {
    const { tag, bytes, offset, length } = front.replies;
    if (tag !== answered) return `reply ${tag} came where ${answered} was due`;
    if (length === 1 && bytes[offset] === INTERRUPTED) {
      interrupted += 1;
      return (executions[tag] as number) > 1 ? `command ${tag} was executed again` : null;
    }
    if (length !== sizeOf(tag)) return `reply ${tag} has ${length} bytes, not ${sizeOf(tag)}`;
    for (let i = 0; i < length; i += 1) if (bytes[offset + i] !== (tag & 127)) return `reply ${tag} differs at ${i}`;
    return executions[tag] === 1 ? null : `command ${tag} was executed ${executions[tag]} times`;
  };
  const waiting = new DoorbellFront(new Doorbell(handle.frontBell), {
    flush: () => front.flush(),
    hasWork: () => front.hasWork(),
    drain: () => {
      const before = answered;
      while (fault === null && front.nextReply()) {
        fault = check();
        answered += 1;
      }
      front.releaseReplies();
      const sentBefore = sent;
      send();
      if (sent > sentBefore) waiting.schedule();
      while (waiters[0] !== undefined && (answered >= waiters[0].answers || fault !== null)) waiters.shift()?.resolve();
      return answered > before ? Drained.some : Drained.nothing;
    },
  });
  const answers = (count: number): Promise<void> => new Promise((resolve) => waiters.push({ answers: count, resolve }));

  waiting.schedule();
  for (let life = 0; life < DEATHS && fault === null; life += 1) {
    const worker: Worker = startThread(thread, order);
    const ended = once(worker, 'exit');
    await answers(answered + 1 + ((life * 7919) % REPLIES_A_LIFE));
    await worker.terminate();
    await ended;
  }
  const last = startThread(thread, order);
  sending = false;
  await answers(sent);
  await last.terminate();
  waiting.stop();
  t.is(fault, null);
  t.is(answered, sent);
  t.is(front.outstanding, 0);
  t.true(interrupted <= DEATHS);
  t.log(`${DEATHS} deaths, ${sent} commands, ${interrupted} interrupted`);
});
