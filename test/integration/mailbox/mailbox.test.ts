import test from 'ava';
import { createDoorbell } from '../../../src/mailbox/doorbell.ts';
import { FrontMailbox } from '../../../src/mailbox/front-mailbox.ts';
import { createMailbox } from '../../../src/mailbox/mailbox.ts';
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
