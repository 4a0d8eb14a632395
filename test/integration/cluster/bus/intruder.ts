import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import type { BusHello } from '../../../../src/cluster/bus/bus.ts';
import { Handshake, type HandshakeStep } from '../../../../src/cluster/bus/handshake.ts';
import { GREETING_BYTES } from '../../../../src/cluster/bus/handshake-codec.ts';
import { secretKeyOf } from '../../../../src/cluster/bus/session-keys.ts';
import { FrameDecoder } from '../../../../src/cluster/transport/frame.ts';

const CLOSED: HandshakeStep = { next: 'end', reason: 'closed', code: null, node: null };

/** Somebody who dials a bus by hand, byte by byte if need be. */
export class Intruder {
  readonly socket: Socket;
  bytes = Buffer.alloc(0);
  isClosed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, bytes]);
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** Says what a node would say, and returns how that ends. */
  async shakeHands(secret: string, hello: BusHello): Promise<HandshakeStep> {
    const party = { introduce: () => ({ hello, seen: '' }), isOwnNonce: () => false, objection: () => null };
    const handshake = new Handshake('dialer', secretKeyOf(secret), party, (bytes) => void this.socket.write(bytes));
    handshake.start();
    while (this.bytes.length < GREETING_BYTES && !this.isClosed) await this.#more();
    if (this.bytes.length < GREETING_BYTES) return CLOSED;
    handshake.greeted(this.bytes.subarray(0, GREETING_BYTES));
    const decoder = new FrameDecoder(10_000);
    let at = GREETING_BYTES;
    let step: HandshakeStep = { next: 'wait' };
    for (;;) {
      decoder.push(this.bytes.subarray(at), (payload) => {
        if (step.next === 'wait') step = handshake.told(payload);
      });
      at = this.bytes.length;
      if (step.next !== 'wait') return step;
      if (this.isClosed) return CLOSED;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
  }
}

export async function intrude(t: ExecutionContext, port: number): Promise<Intruder> {
  const intruder = new Intruder(port);
  t.teardown(() => intruder.socket.destroy());
  await once(intruder.socket, 'connect');
  return intruder;
}
