import { ReplyReader, ReplyWriter } from '../src/command/reply.ts';
import { encodeReply } from '../src/protocol/resp/reply-encoder.ts';
import { Decoded, RequestDecoder } from '../src/protocol/resp/request-decoder.ts';
import { encodeRequest } from '../src/protocol/resp/request-encoder.ts';
import { defineBench, numberOption } from './bench.ts';
import { interleave, summarize } from './report.ts';

/**
 * What it costs to make commands of bytes and bytes of replies, without sockets, sessions or shards: nanoseconds of
 * processor time each, which another process on the machine disturbs less than time by the clock.
 */

const pieceBytes = 64 * 1024;
const largeBytes = 8 * 1024 * 1024;

export const bench = defineBench({
  options: {
    rounds: { doc: 'rounds; each measures every kind of work once', default: '7' },
    operations: { doc: 'commands or replies of each kind in a round', default: '1000000' },
    quick: { doc: 'one round with few commands, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const operations = options.quick ? 10_000 : numberOption('operations', options.operations, 1000);
    let wrong = 0;
    const subjects: Record<string, () => number> = {};
    for (const [name, request] of requests) {
      const count = Math.ceil(pieceBytes / request.length);
      const whole = new Uint8Array(Buffer.concat(Array.from({ length: count }, () => request)));
      const turns = Math.ceil(operations / count);
      subjects[`decode ${name}`] = () => {
        const decoder = newDecoder();
        let decoded = 0;
        const costNs = processorNs(() => {
          for (let turn = 0; turn < turns; turn++) decoded += decodeAll(decoder, whole);
        });
        if (decoded !== count * turns) wrong++;
        return costNs / decoded;
      };
    }
    const large = encodeRequest(['SET', 'key', Buffer.alloc(largeBytes)]);
    subjects['decode SET of 8 MiB in pieces of 64 KiB, a KiB'] = () => {
      const decoder = newDecoder();
      let decoded = 0;
      const costNs = processorNs(() => {
        for (let at = 0; at < large.length; at += pieceBytes) {
          decoded += decodeAll(decoder, large.subarray(at, at + pieceBytes));
        }
      });
      if (decoded !== 1) wrong++;
      return (costNs / large.length) * 1024;
    };
    for (const [name, write, bytesOfOne] of replies) {
      const writer = new ReplyWriter();
      write(writer);
      const reader = new ReplyReader();
      subjects[`encode ${name}`] = () => {
        const output = new RingOutput();
        const costNs = processorNs(() => {
          for (let turn = 0; turn < operations; turn++) {
            reader.openWritten(writer);
            encodeReply(reader, output, 2);
          }
        });
        if (output.total !== bytesOfOne * operations) wrong++;
        return costNs / operations;
      };
    }
    // Once before it counts, so that everything is compiled for all kinds of work.
    await interleave(1, subjects);
    const samples = await interleave(rounds, subjects);
    const table = report.table('RESP, nanoseconds of processor time each', [
      { name: 'work' },
      { name: 'ns', digits: 1 },
    ]);
    for (const [name, of] of Object.entries(samples)) table.row(name, summarize(of));
    report.check(wrong === 0, `${wrong} measurements gave other commands or bytes than they should`);
  },
});

const key = 'key:000000000001';
const requests: readonly (readonly [string, Uint8Array])[] = [
  ['SET of 64 bytes', encodeRequest(['SET', key, 'x'.repeat(64)])],
  ['GET', encodeRequest(['GET', key])],
  ['PING', encodeRequest(['PING'])],
  ['MSET of 10 pairs', encodeRequest(['MSET', ...Array.from({ length: 20 }, () => key)])],
  ['an inline PING', Buffer.from('PING\r\n')],
];

const replies: readonly (readonly [string, (reply: ReplyWriter) => void, number])[] = [
  ['OK', (reply) => reply.ok(), 5],
  ['null', (reply) => reply.null(), 5],
  ['an integer of 5 digits', (reply) => reply.integer(12_345), 8],
  ['a bulk of 16 bytes', (reply) => reply.bulkText('x'.repeat(16)), 23],
  ['a bulk of 64 bytes', (reply) => reply.bulkText('x'.repeat(64)), 71],
];

function newDecoder(): RequestDecoder {
  return new RequestDecoder({ argsMax: 1 << 20, bulkBytesMax: 1 << 26, commandBytesMax: 1 << 27 });
}

function decodeAll(decoder: RequestDecoder, bytes: Uint8Array): number {
  let count = 0;
  decoder.feed(bytes);
  while (decoder.next() === Decoded.command) count++;
  return count;
}

function processorNs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

/** Room for replies that begins anew when it is full, as if the socket had taken all. */
class RingOutput {
  readonly bytes = new Uint8Array(pieceBytes);
  total = 0;
  #length = 0;

  reserve(count: number): number {
    if (this.#length + count > this.bytes.length) this.#length = 0;
    const at = this.#length;
    this.#length += count;
    this.total += count;
    return at;
  }
}
