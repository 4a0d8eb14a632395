import test from 'ava';
import { createDoorbell, Doorbell } from '../../../src/mailbox/doorbell.ts';
import { ASLEEP } from '../../../src/mailbox/layout.ts';
import { createRing, RingConsumer, RingProducer } from '../../../src/mailbox/ring.ts';
import { interleave } from '../../atomic-accesses.ts';

/** Runs a case for every instant the other thread may come in, the instant after all accesses included. */
function atEveryInstant(run: (n: number) => { within: boolean; lost: boolean }): number[] {
  const lostAt: number[] = [];
  for (let n = 1; ; n += 1) {
    const { within, lost } = run(n);
    if (lost) lostAt.push(n);
    if (!within) return lostAt;
  }
}

test('a message published at any instant while its consumer goes to sleep is seen or wakes it', (t) => {
  const lostAt = atEveryInstant((n) => {
    const ring = createRing(256);
    const producer = new RingProducer(ring);
    const consumer = new RingConsumer(ring);
    const bell = new Doorbell(createDoorbell());
    let seen = false;
    let published = false;
    const publish = (): void => {
      published = true;
      producer.tryReserve(1);
      producer.commit(1, 0);
      if (producer.publish()) bell.ring();
    };
    const within = interleave(
      () => {
        seen = consumer.next();
        bell.announce();
        seen = consumer.hasMore() || seen;
      },
      n,
      publish,
    );
    if (!published) publish();
    return { within, lost: !seen && bell.word[0] === ASLEEP };
  });
  t.deepEqual(lostAt, []);
});

test('a consumer going to sleep at any instant while a message is published sees it or is woken', (t) => {
  const lostAt = atEveryInstant((n) => {
    const ring = createRing(256);
    const producer = new RingProducer(ring);
    const consumer = new RingConsumer(ring);
    const bell = new Doorbell(createDoorbell());
    let looked = false;
    let seen = false;
    const sleep = (): void => {
      looked = true;
      bell.announce();
      seen = consumer.hasMore();
    };
    producer.tryReserve(1);
    producer.commit(1, 0);
    const within = interleave(
      () => {
        if (producer.publish()) bell.ring();
      },
      n,
      sleep,
    );
    if (!looked) sleep();
    return { within, lost: !seen && bell.word[0] === ASLEEP };
  });
  t.deepEqual(lostAt, []);
});

/** A ring of 256 bytes that is full, its only consumer having read all of it. */
function fullRing() {
  const ring = createRing(256);
  const producer = new RingProducer(ring);
  const consumer = new RingConsumer(ring);
  while (producer.tryReserve(0) >= 0) producer.commit(0, 0);
  producer.publish();
  while (consumer.next());
  return { producer, consumer };
}

test('room given back at any instant while the producer begins to wait for it is seen or reported', (t) => {
  const lostAt = atEveryInstant((n) => {
    const { producer, consumer } = fullRing();
    let hasRoom = false;
    let reported = false;
    let released = false;
    const release = (): void => {
      released = true;
      reported = consumer.release();
    };
    const within = interleave(
      () => {
        hasRoom = producer.awaitRoom(0);
      },
      n,
      release,
    );
    if (!released) release();
    return { within, lost: !hasRoom && !reported };
  });
  t.deepEqual(lostAt, []);
});

test('a producer that begins to wait at any instant while room is given back sees it or is reported', (t) => {
  const lostAt = atEveryInstant((n) => {
    const { producer, consumer } = fullRing();
    let hasRoom = false;
    let reported = false;
    let waited = false;
    const wait = (): void => {
      waited = true;
      hasRoom = producer.awaitRoom(0);
    };
    const within = interleave(
      () => {
        reported = consumer.release();
      },
      n,
      wait,
    );
    if (!waited) wait();
    return { within, lost: !hasRoom && !reported };
  });
  t.deepEqual(lostAt, []);
});
