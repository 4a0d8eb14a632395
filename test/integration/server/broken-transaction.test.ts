import test from 'ava';
import { startThread } from '../../thread.ts';

test('an assertion that fails while a queued command waits ends the thread, and nothing is answered', async (t) => {
  const thread = startThread(new URL('./broken-transaction-thread.ts', import.meta.url), {});
  const answers: unknown[] = [];
  thread.on('message', (kind) => void answers.push(kind));
  const error = await new Promise<unknown>((resolve) => {
    thread.once('error', resolve);
    thread.once('exit', () => resolve(null));
  });
  t.is((error as Error | null)?.name, 'AssertionError');
  t.deepEqual(answers, []);
});
