import test from 'ava';
import { createDoorbell, Doorbell } from '../../../src/mailbox/doorbell.ts';
import { DoorbellFront } from '../../../src/mailbox/doorbell-front.ts';

test('a bell rung between announcement and wait ends the wait at once', (t) => {
  const bell = new Doorbell(createDoorbell());
  bell.announce();
  bell.ring();
  t.true(bell.wait(60_000));
});

test('a bell that nobody rings lets the thread sleep for the time given', (t) => {
  const bell = new Doorbell(createDoorbell());
  bell.announce();
  t.false(bell.wait(1));
});

test('a bell rung while the thread was awake does not end a later wait', (t) => {
  const bell = new Doorbell(createDoorbell());
  bell.ring();
  bell.announce();
  t.false(bell.wait(1));
});

/** Work that counts what is put in and what is taken. */
class CountedWork {
  waiting = 0;
  taken = 0;
  drains = 0;
  readonly #onDrain: () => void;

  constructor(onDrain: () => void) {
    this.#onDrain = onDrain;
  }

  hasWork(): boolean {
    return this.waiting > 0;
  }

  drain(): void {
    this.drains += 1;
    this.taken += this.waiting;
    this.waiting = 0;
    this.#onDrain();
  }
}

test('an event loop takes what was there before it began to wait, and what it is rung for', async (t) => {
  const handle = createDoorbell();
  let drained = (): void => {};
  const work = new CountedWork(() => drained());
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      drained = resolve;
    });
  work.waiting = 3;
  const waiting = new DoorbellFront(handle, work);
  waiting.start();
  t.is(work.taken, 3);
  for (let i = 0; i < 100; i += 1) {
    const turn = next();
    work.waiting = 1;
    new Doorbell(handle).ring();
    await turn;
  }
  t.is(work.taken, 103);
  waiting.stop();
});

test('an event loop that finds work in its second look takes it without a ring', async (t) => {
  let looks = 0;
  const taken = await new Promise<number>((resolve) => {
    const work = new CountedWork(() => {
      if (work.taken > 0) resolve(work.taken);
    });
    const waiting = new DoorbellFront(createDoorbell(), {
      hasWork: () => {
        looks += 1;
        // As if it came between the drain and the announcement.
        if (looks === 1) work.waiting = 1;
        return work.hasWork();
      },
      drain: () => work.drain(),
    });
    waiting.start();
  });
  t.is(taken, 1);
});

test('an event loop that was stopped takes nothing more', async (t) => {
  const handle = createDoorbell();
  const work = new CountedWork(() => {});
  const waiting = new DoorbellFront(handle, work);
  waiting.start();
  waiting.stop();
  work.waiting = 1;
  new Doorbell(handle).ring();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  t.is(work.drains, 1);
});
