import test from 'ava';
import { createDoorbell, Doorbell } from '../../../src/mailbox/doorbell.ts';
import { DoorbellFront, Drained } from '../../../src/mailbox/doorbell-front.ts';
import { FrontMailbox } from '../../../src/mailbox/front-mailbox.ts';
import { createMailbox } from '../../../src/mailbox/mailbox.ts';
import { testScale } from '../../scale.ts';
import { startThread } from '../../thread.ts';

const echoThread = new URL('./echo-thread.ts', import.meta.url);

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('replies come back in order with the bytes of their commands', async (t) => {
  const handle = createMailbox({ actorBell: createDoorbell(), frontBell: createDoorbell(), commandRingBytes: 4096 });
  const front = new FrontMailbox(handle);
  const worker = startThread(echoThread, { handle });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const total = 20_000;
  let sent = 0;
  let received = 0;
  const sizeOf = (i: number) => (i === total - 1 ? 0 : 1 + ((i * 7919) % (i % 100 === 0 ? 9000 : 200)));
  while (received < total) {
    while (sent < total) {
      const size = sizeOf(sent);
      const at = front.reserve(size);
      if (at < 0) break;
      front.bytes.fill(sent & 255, at, at + size);
      front.commit(size, sent);
      sent += 1;
    }
    front.flush();
    while (front.nextReply()) {
      const { tag, bytes, offset, length } = front.replies;
      if (tag !== received || length !== sizeOf(received)) t.fail(`reply ${received}: tag ${tag}, ${length} bytes`);
      for (let i = 0; i < length; i += 1)
        if (bytes[offset + i] !== (received & 255)) t.fail(`byte ${i} of ${received}`);
      received += 1;
    }
    front.releaseReplies();
    await turn();
  }
  t.is(front.outstanding, 0);
  t.is(await ended, 0);
});

// Without turns of looking the front end sleeps after every command; with them, now and then.
for (const spinTurnsMax of [0, 2]) {
  test(`both sides fall asleep between commands, after ${spinTurnsMax} turns, and neither misses a wake-up`, async (t) => {
    const handle = createMailbox({ actorBell: createDoorbell(), frontBell: createDoorbell() });
    const front = new FrontMailbox(handle);
    const worker = startThread(echoThread, { handle });
    const total = 20_000 * testScale;
    let received = 0;
    const send = (bytes: number): void => {
      const at = front.reserve(bytes);
      front.bytes.fill(received & 255, at, at + bytes);
      front.commit(bytes, received);
      waiting.schedule();
    };
    let done = (): void => {};
    const waiting = new DoorbellFront(
      new Doorbell(handle.frontBell),
      {
        flush: () => front.flush(),
        hasWork: () => front.hasWork(),
        drain: () => {
          const before = received;
          while (front.nextReply()) received += 1;
          front.releaseReplies();
          if (received === total) {
            waiting.stop();
            done();
          } else if (front.outstanding === 0) {
            // The command that ends the actor is empty; the others come one, two or three at a time.
            const burst = Math.min(1 + (received % 3), total - received);
            for (let last = received + burst - 1, i = received; i <= last; i += 1) send(i === total - 1 ? 0 : 5);
          }
          return received > before ? Drained.some : Drained.nothing;
        },
      },
      spinTurnsMax,
    );
    // A wake-up that is lost leaves both asleep for good: the test then ends by its time limit.
    await new Promise<void>((resolve) => {
      done = resolve;
      waiting.schedule();
    });
    t.is(received, total);
    t.is(front.outstanding, 0);
    await worker.terminate();
  });
}
