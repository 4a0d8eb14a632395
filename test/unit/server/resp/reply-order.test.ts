import test from 'ava';
import fc from 'fast-check';
import { ReplyReader, ReplyWriter } from '../../../../src/command/reply.ts';
import { ReplyOrder, type ReplySlot } from '../../../../src/server/resp/reply-order.ts';

function integer(value: number): ReplyWriter {
  const writer = new ReplyWriter();
  writer.integer(value);
  return writer;
}

/** Passes on what comes, and notes it. */
class Log {
  readonly passed: number[] = [];
  readonly order = new ReplyOrder({ onOrderedReply: (slot, reply) => this.#note(slot, reply) });
  onPassed: (() => void) | null = null;

  begin(): ReplySlot {
    return this.order.begin(null, 0, Number.NaN);
  }

  answer(slot: ReplySlot, value: number): void {
    const writer = integer(value);
    openReader(writer, (reader) => slot.onReply(reader));
    // Whoever answers uses its memory again at once.
    writer.clear();
    writer.integer(-1);
  }

  #note(_slot: ReplySlot, reply: ReplyReader): void {
    this.passed.push(reply.number);
    this.onPassed?.();
  }
}

function openReader(writer: ReplyWriter, use: (reader: ReplyReader) => void): void {
  reader.openWritten(writer);
  use(reader);
}

const reader = new ReplyReader();

test('replies are passed on in the order of their commands, whatever order they come in', (t) => {
  const orders = fc.integer({ min: 1, max: 40 }).chain((count) =>
    fc.shuffledSubarray(
      Array.from({ length: count }, (_, n) => n),
      { minLength: count, maxLength: count },
    ),
  );
  fc.assert(
    fc.property(orders, (coming) => {
      const log = new Log();
      const slots = coming.map(() => log.begin());
      for (const n of coming) {
        log.answer(slots[n] as ReplySlot, n);
        t.is(log.order.count, coming.length - log.passed.length);
      }
      t.deepEqual(
        log.passed,
        coming.map((_, n) => n),
      );
    }),
  );
});

test('a reply of several parts that comes early is kept whole', (t) => {
  const parts: number[] = [];
  const order = new ReplyOrder({
    onOrderedReply: (_slot, reply) => {
      parts.push(reply.number);
      while (!reply.done) {
        reply.next();
        parts.push(reply.number);
      }
    },
  });
  const first = order.begin(null, 0, Number.NaN);
  const second = order.begin(null, 0, Number.NaN);
  const writer = integer(2);
  writer.integer(3);
  openReader(writer, (opened) => second.onReply(opened));
  openReader(integer(1), (opened) => first.onReply(opened));
  t.deepEqual(parts, [1, 2, 3]);
});

test('a command begun while a reply is passed on has its turn behind those that wait', (t) => {
  const log = new Log();
  const [first, second] = [log.begin(), log.begin()];
  log.answer(second, 2);
  log.onPassed = () => {
    log.onPassed = null;
    log.answer(log.begin(), 3);
  };
  log.answer(first, 1);
  t.deepEqual(log.passed, [1, 2, 3]);
});

test('once closed, replies that still come are dropped', (t) => {
  const log = new Log();
  const slot = log.begin();
  log.order.close();
  log.answer(slot, 1);
  t.deepEqual(log.passed, []);
});
