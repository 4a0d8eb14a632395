import test from 'ava';
import { createDoorbell, Doorbell } from '../../../src/mailbox/doorbell.ts';
import { type BellWork, DoorbellFront, Drained } from '../../../src/mailbox/doorbell-front.ts';
import { ASLEEP, AWAKE } from '../../../src/mailbox/layout.ts';
import { interleave } from '../../atomic-accesses.ts';

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

/** Work that counts what is put in and what is taken, and awaits more at all times. */
class CountedWork implements BellWork {
  /** An atomic word, as the head of a ring is: an instant at which the other thread may come in. */
  readonly #waiting = new Int32Array(new SharedArrayBuffer(4));
  taken = 0;
  drains = 0;
  flushes = 0;
  onDrain = (): void => {};

  flush(): void {
    this.flushes += 1;
  }

  get waiting(): number {
    return Atomics.load(this.#waiting, 0);
  }

  set waiting(count: number) {
    this.#waiting[0] = count;
  }

  hasWork(): boolean {
    return this.waiting > 0;
  }

  drain(): Drained {
    const taken = this.waiting;
    this.drains += 1;
    this.taken += taken;
    this.waiting = 0;
    this.onDrain();
    return taken > 0 ? Drained.some : Drained.nothing;
  }
}

/** An event loop in which nothing happens but what is told: the turns and the waits that `work` asks for. */
class SteppedLoop {
  readonly turns: (() => void)[] = [];
  /** One for each wait that was begun: what the bell would do. */
  readonly waits: (() => void)[] = [];

  run(work: () => void): void {
    const { setImmediate } = globalThis;
    const { waitAsync } = Atomics;
    const begin = (word: Int32Array, index: number, expected: number): unknown => {
      if (Atomics.load(word, index) !== expected) return { async: false, value: 'not-equal' };
      // As a promise is used: by its `then`, once.
      const value = {
        // biome-ignore lint/suspicious/noThenProperty: stands for a promise that a test resolves by hand
        then: (rung: () => void): void => void this.waits.push(rung),
      };
      return { async: true, value };
    };
    Object.assign(globalThis, { setImmediate: (turn: () => void) => void this.turns.push(turn) });
    Object.assign(Atomics, { waitAsync: begin });
    try {
      work();
    } finally {
      Object.assign(globalThis, { setImmediate });
      Object.assign(Atomics, { waitAsync });
    }
  }

  /** Takes the turns that are due, and those that they ask for, up to `limit`; how many there were. */
  turn(limit = 100): number {
    let count = 0;
    this.run(() => {
      for (let next = this.turns.shift(); next !== undefined; next = count < limit ? this.turns.shift() : undefined) {
        next();
        count += 1;
      }
    });
    return count;
  }
}

test('an event loop takes what was there before it began to wait, and what it is rung for', async (t) => {
  const bell = new Doorbell(createDoorbell());
  const work = new CountedWork();
  const drained = (): Promise<void> =>
    new Promise((resolve) => {
      work.onDrain = () => {
        if (work.taken === expected) resolve();
      };
    });
  let expected = 3;
  work.waiting = 3;
  const front = new DoorbellFront(bell, work);
  front.schedule();
  await drained();
  for (let i = 0; i < 100; i += 1) {
    expected += 1;
    const taken = drained();
    while (Atomics.load(bell.word, 0) === AWAKE) await new Promise((resolve) => setImmediate(resolve));
    work.waiting = 1;
    bell.ring();
    await taken;
  }
  t.is(work.taken, 103);
  front.stop();
});

test('what is committed in one turn leaves in one flush at its end, before anything is taken', (t) => {
  const loop = new SteppedLoop();
  const work = new CountedWork();
  const front = new DoorbellFront(new Doorbell(createDoorbell()), work, 0);
  work.onDrain = () => t.is(work.flushes, 1);
  loop.run(() => {
    for (let i = 0; i < 5; i += 1) front.schedule();
  });
  t.is(work.flushes, 0);
  t.is(loop.turn(), 1);
  t.is(work.drains, 1);
});

test('an event loop looks for the turns it was told to, then announces its sleep', (t) => {
  for (const spinTurnsMax of [0, 1, 2, 5]) {
    const loop = new SteppedLoop();
    const bell = new Doorbell(createDoorbell());
    const work = new CountedWork();
    const front = new DoorbellFront(bell, work, spinTurnsMax);
    loop.run(() => front.schedule());
    t.is(loop.turn(), Math.max(spinTurnsMax, 1));
    t.is(bell.word[0], ASLEEP);
    t.is(loop.waits.length, 1);
  }
});

test('an event loop that awaits nothing does not have itself woken', (t) => {
  const loop = new SteppedLoop();
  const bell = new Doorbell(createDoorbell());
  const front = new DoorbellFront(bell, { flush: () => {}, hasWork: () => true, drain: () => Drained.idle });
  loop.run(() => front.schedule());
  t.is(loop.turn(), 1);
  t.is(bell.word[0], AWAKE);
  t.is(loop.waits.length, 0);
});

test('an event loop that reached the bound of a turn goes on in the next, without a look at its bell', (t) => {
  const loop = new SteppedLoop();
  const bell = new Doorbell(createDoorbell());
  let left = 4;
  const drain = (): Drained => (left-- > 0 ? Drained.more : Drained.idle);
  const front = new DoorbellFront(bell, { flush: () => {}, hasWork: () => false, drain }, 0);
  loop.run(() => front.schedule());
  t.is(loop.turn(), 5);
  t.is(loop.waits.length, 0);
});

test('a wait that outlasts several sleeps is used again, and ends the sleep it is rung in', (t) => {
  const loop = new SteppedLoop();
  const bell = new Doorbell(createDoorbell());
  const work = new CountedWork();
  const front = new DoorbellFront(bell, work, 0);
  // While it is awake nobody has to ring.
  work.onDrain = () => t.is(bell.word[0], AWAKE);
  for (let sleep = 0; sleep < 5; sleep += 1) {
    loop.run(() => front.schedule());
    t.is(loop.turn(), 1);
    t.is(bell.word[0], ASLEEP);
  }
  t.is(loop.waits.length, 1);
  work.waiting = 1;
  bell.ring();
  loop.run(() => loop.waits[0]?.());
  t.is(work.taken, 1);
  // The wait is over: the sleep after it needs another.
  t.is(loop.waits.length, 2);
});

test('an event loop whose work throws goes on with what is left', (t) => {
  const loop = new SteppedLoop();
  const work = new CountedWork();
  const front = new DoorbellFront(new Doorbell(createDoorbell()), work, 0);
  work.waiting = 1;
  work.onDrain = () => {
    work.onDrain = () => {};
    throw new Error('a sink that throws');
  };
  loop.run(() => front.schedule());
  t.throws(() => loop.turn(), { message: 'a sink that throws' });
  work.waiting = 1;
  t.is(loop.turn(), 1);
  t.is(work.taken, 2);
});

test('what arrives at any instant while an event loop goes to sleep is taken or wakes it', (t) => {
  for (const waitPending of [false, true]) {
    const lostAt: number[] = [];
    for (let n = 1, within = true; within; n += 1) {
      const loop = new SteppedLoop();
      const bell = new Doorbell(createDoorbell());
      const work = new CountedWork();
      const front = new DoorbellFront(bell, work, 0);
      let rungs = 0;
      const arrive = (): void => {
        work.waiting = 1;
        const asleep = Atomics.load(bell.word, 0) === ASLEEP;
        bell.ring();
        if (asleep && bell.word[0] === AWAKE) rungs += loop.waits.length;
      };
      loop.run(() => front.schedule());
      if (waitPending) {
        loop.turn();
        loop.run(() => front.schedule());
      }
      within = interleave(() => loop.turn(1), n, arrive);
      if (!within) arrive();
      for (const rung of loop.waits.splice(0, rungs)) loop.run(rung);
      loop.turn();
      if (work.taken !== 1) lostAt.push(n);
    }
    t.deepEqual(lostAt, []);
  }
});

test('an event loop that was stopped takes nothing more, and leaves no wait behind', async (t) => {
  const loop = new SteppedLoop();
  const bell = new Doorbell(createDoorbell());
  const work = new CountedWork();
  const front = new DoorbellFront(bell, work, 0);
  loop.run(() => front.schedule());
  loop.turn();
  const { drains } = work;
  work.waiting = 1;
  loop.run(() => front.schedule());
  front.stop();
  t.is(bell.word[0], AWAKE);
  loop.turn();
  loop.run(() => loop.waits[0]?.());
  t.is(work.drains, drains);
  t.is(loop.waits.length, 1);
});
