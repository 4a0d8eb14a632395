import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { spawnThread } from '../src/base/spawn-thread.ts';
import { createDoorbell, Doorbell } from '../src/mailbox/doorbell.ts';
import { DoorbellFront, Drained } from '../src/mailbox/doorbell-front.ts';
import { FrontMailbox } from '../src/mailbox/front-mailbox.ts';
import { createMailbox } from '../src/mailbox/mailbox.ts';
import { createRing } from '../src/mailbox/ring.ts';
import { defineBench, numberListOption, numberOption } from './bench.ts';
import type { MailboxThreadOrder } from './mailbox-thread.ts';
import { interleave, type Report, ratio, summarize } from './report.ts';

const RING_BYTES = 256 * 1024;

/** What one stretch of round trips came to. */
interface Stretch {
  perSecond: number;
  processorUs: number;
  p50Us: number;
  p99Us: number;
}

/** Keeps `outstanding` messages on their way to an echoing thread and back. */
interface EchoPeer {
  run(bytes: number, outstanding: number, ms: number, report: Report): Promise<Stretch>;
  stop(): Promise<void>;
}

export const bench = defineBench({
  options: {
    rounds: { doc: 'measurements of each subject, in turns', default: '5' },
    seconds: { doc: 'length of a stretch of round trips', default: '0.5' },
    messages: { doc: 'messages of a one-way stream', default: '1000000' },
    bytes: { doc: 'message sizes, between commas', default: '32,1024' },
    outstanding: { doc: 'messages on their way at a time, between commas', default: '1,50,500' },
    quick: { doc: 'one short round, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const seconds = options.quick ? 0.1 : numberOption('seconds', options.seconds, 0.05);
    const messages = options.quick ? 50_000 : numberOption('messages', options.messages, 1000);
    const sizes = numberListOption('bytes', options.bytes, 4);
    const depths = numberListOption('outstanding', options.outstanding, 1);

    const oneWay = report.table('One way, thread to thread, both blocking in Atomics.wait', [
      { name: 'bytes' },
      { name: 'M messages/s' },
    ]);
    for (const bytes of sizes) {
      report.progress(`one way, ${bytes} bytes`);
      const samples = await interleave(rounds, { stream: () => stream(messages, bytes, report) });
      oneWay.row(String(bytes), summarize(samples.stream));
    }

    const trips = report.table('Round trips from the event loop to an echoing thread', [
      { name: 'bytes · outstanding' },
      { name: 'mailbox k/s', digits: 1 },
      { name: 'port k/s', digits: 1 },
      { name: 'against port' },
      { name: 'mailbox processor µs' },
      { name: 'port processor µs' },
      { name: 'mailbox p50 µs', digits: 0 },
      { name: 'mailbox p99 µs', digits: 0 },
      { name: 'port p50 µs', digits: 0 },
    ]);
    const mailbox = await mailboxPeer();
    const port = await portPeer();
    for (const bytes of sizes) {
      for (const outstanding of depths) {
        report.progress(`round trips, ${bytes} bytes, ${outstanding} outstanding`);
        const stretches: Record<'mailbox' | 'port', Stretch[]> = { mailbox: [], port: [] };
        const measure = (name: 'mailbox' | 'port', peer: EchoPeer) => async (): Promise<number> => {
          await peer.run(bytes, outstanding, 50, report);
          const stretch = await peer.run(bytes, outstanding, seconds * 1000, report);
          stretches[name].push(stretch);
          return stretch.perSecond;
        };
        const samples = await interleave(rounds, {
          mailbox: measure('mailbox', mailbox),
          port: measure('port', port),
        });
        const of = (name: 'mailbox' | 'port', field: keyof Stretch) => summarize(stretches[name].map((s) => s[field]));
        trips.row(
          `${bytes} · ${outstanding}`,
          summarize(samples.mailbox.map((perSecond) => perSecond / 1000)),
          summarize(samples.port.map((perSecond) => perSecond / 1000)),
          ratio(samples.mailbox, samples.port),
          of('mailbox', 'processorUs'),
          of('port', 'processorUs'),
          of('mailbox', 'p50Us'),
          of('mailbox', 'p99Us'),
          of('port', 'p50Us'),
        );
      }
    }
    await mailbox.stop();
    await port.stop();
    report.note('one way: room for the bytes is taken and given back, but only the first four are written and read');
    report.note('processor µs: of the whole process, both threads, for one message there and back');
    report.note('port: postMessage of a Uint8Array of the same size, both ways');
  },
});

function start(order: MailboxThreadOrder): Worker {
  return spawnThread(new URL('./mailbox-thread.ts', import.meta.url), { workerData: order });
}

/** Millions of messages a second from one thread to another. */
async function stream(count: number, bytes: number, report: Report): Promise<number> {
  const ring = createRing(RING_BYTES);
  const bells = [createDoorbell(), createDoorbell()];
  const [ms] = await Promise.all(
    (['stream out', 'stream in'] as const).map(async (role) => {
      const worker = start({ role, ring, bells, count, bytes });
      const [answer] = (await once(worker, 'message')) as [number];
      await worker.terminate();
      return answer;
    }),
  );
  if (!report.check(ms !== undefined && ms > 0, 'a streamed message was not the next')) return Number.NaN;
  return count / (ms as number) / 1000;
}

/** Runs one stretch: counts replies and their latencies, and sends a new message for every reply. */
class Exchange {
  readonly done: Promise<Stretch>;
  readonly #sentMs: Float64Array;
  readonly #latenciesMs: number[] = [];
  readonly #startMs = performance.now();
  readonly #processor = process.cpuUsage();
  readonly #ms: number;
  readonly #outstandingMax: number;
  #finish: (stretch: Stretch) => void = () => {};
  #sent = 0;
  #received = 0;

  constructor(outstanding: number, ms: number) {
    this.#outstandingMax = outstanding;
    this.#sentMs = new Float64Array(outstanding);
    this.#ms = ms;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** How many messages to send now: some at the start, however late that is, as their replies end the stretch. */
  due(): number {
    if (this.#sent > 0 && performance.now() - this.#startMs >= this.#ms) return 0;
    return this.#outstandingMax - (this.#sent - this.#received);
  }

  /** Notes that a message leaves; answers its number. */
  onSend(): number {
    this.#sentMs[this.#sent % this.#outstandingMax] = performance.now();
    this.#sent += 1;
    return this.#sent - 1;
  }

  /** Notes the reply to message `number`; false when another was due. */
  onReply(number: number): boolean {
    const right = number === this.#received;
    // Every seventh: enough for percentiles, and no part of the cost.
    if (number % 7 === 0) {
      this.#latenciesMs.push(performance.now() - (this.#sentMs[number % this.#outstandingMax] as number));
    }
    this.#received += 1;
    return right;
  }

  /** Ends the stretch once its time is over and every reply has come. */
  endIfDone(): boolean {
    if (this.#received < this.#sent || performance.now() - this.#startMs < this.#ms) return false;
    const { user, system } = process.cpuUsage(this.#processor);
    const sorted = this.#latenciesMs.sort((a, b) => a - b);
    const percentile = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN) * 1000;
    this.#finish({
      perSecond: (this.#received / (performance.now() - this.#startMs)) * 1000,
      processorUs: (user + system) / this.#received,
      p50Us: percentile(0.5),
      p99Us: percentile(0.99),
    });
    return true;
  }
}

async function mailboxPeer(): Promise<EchoPeer> {
  const handle = createMailbox({ actorBell: createDoorbell(), frontBell: createDoorbell() });
  const worker = start({ role: 'mailbox echo', handle });
  await once(worker, 'online');
  const front = new FrontMailbox(handle);
  let onReplies = (): Drained => Drained.idle;
  const waiting = new DoorbellFront(new Doorbell(handle.frontBell), {
    flush: () => front.flush(),
    hasWork: () => front.hasWork(),
    drain: () => onReplies(),
  });
  return {
    async run(bytes, outstanding, ms, report) {
      const exchange = new Exchange(outstanding, ms);
      const send = (): void => {
        for (let due = exchange.due(); due > 0; due -= 1) {
          const at = front.reserve(bytes);
          if (!report.check(at >= 0, 'the mailbox refused a message')) return;
          front.commit(bytes, exchange.onSend());
          waiting.schedule();
        }
      };
      onReplies = () => {
        const before = front.outstanding;
        while (front.nextReply()) {
          const { tag, length } = front.replies;
          if (!exchange.onReply(tag) || length !== bytes) report.check(false, `reply ${tag} was not the next`);
        }
        front.releaseReplies();
        const taken = front.outstanding < before;
        send();
        if (exchange.endIfDone()) onReplies = () => Drained.idle;
        if (front.outstanding === 0) return Drained.idle;
        return taken ? Drained.some : Drained.nothing;
      };
      send();
      return exchange.done;
    },
    async stop() {
      waiting.stop();
      await worker.terminate();
    },
  };
}

async function portPeer(): Promise<EchoPeer> {
  const worker = start({ role: 'port echo' });
  await once(worker, 'online');
  return {
    async run(bytes, outstanding, ms, report) {
      const exchange = new Exchange(outstanding, ms);
      const send = (): void => {
        for (let due = exchange.due(); due > 0; due -= 1) {
          const message = new Uint8Array(bytes);
          new DataView(message.buffer).setInt32(0, exchange.onSend());
          worker.postMessage(message);
        }
      };
      const onMessage = (message: Uint8Array): void => {
        const number = new DataView(message.buffer).getInt32(0);
        if (!exchange.onReply(number)) report.check(false, `port message ${number} was not the next`);
        send();
        if (exchange.endIfDone()) worker.off('message', onMessage);
      };
      worker.on('message', onMessage);
      send();
      return exchange.done;
    },
    async stop() {
      await worker.terminate();
    },
  };
}
