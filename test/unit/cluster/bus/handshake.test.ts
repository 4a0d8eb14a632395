import test from 'ava';
import { Handshake, type HandshakeHost, type HandshakeStep } from '../../../../src/cluster/bus/handshake.ts';
import {
  encodeGreeting,
  encodeRefusal,
  GREETING_BYTES,
  RefusalCode,
} from '../../../../src/cluster/bus/handshake-codec.ts';
import { type Role, secretKeyOf } from '../../../../src/cluster/bus/session-keys.ts';
import { FRAME_HEADER_BYTES } from '../../../../src/cluster/transport/frame.ts';

const NOBODY: HandshakeStep = { next: 'wait' };

/** One end, with what it sent. */
class End {
  readonly sent: Uint8Array[] = [];
  readonly handshake: Handshake;
  nonces: Uint8Array[] = [];
  objection: RefusalCode | null = null;

  constructor(role: Role, secret = 'secret', node: string = role) {
    const host: HandshakeHost = {
      introduce: () => ({ hello: { node, boot: 1, address: `${node}:1`, clusterId: '' }, seen: `host of the other` }),
      isOwnNonce: (nonce) => this.nonces.some((own) => Buffer.compare(own, nonce) === 0),
      objection: () => this.objection,
    };
    this.handshake = new Handshake(role, secretKeyOf(secret), host, (bytes) => void this.sent.push(bytes));
    this.handshake.start();
  }

  /** The payload of the frame that was sent last. */
  get payload(): Uint8Array {
    return (this.sent.at(-1) as Uint8Array).subarray(FRAME_HEADER_BYTES);
  }
}

/** Lets both ends talk until the dialer has said who it is. */
function greeted(dialer: End, acceptor: End): void {
  acceptor.handshake.greeted(dialer.sent[0] as Uint8Array);
  dialer.handshake.greeted(acceptor.sent[0] as Uint8Array);
}

test('the dialer speaks first, and the acceptor says who it is only to who has proved to know the secret', (t) => {
  const dialer = new End('dialer');
  const acceptor = new End('acceptor');
  t.deepEqual([dialer.sent.length, acceptor.sent.length], [1, 0]);
  t.deepEqual(acceptor.handshake.greeted(dialer.sent[0] as Uint8Array), NOBODY);
  t.is((acceptor.sent[0] as Uint8Array).length, GREETING_BYTES);
  t.deepEqual(dialer.handshake.greeted(acceptor.sent[0] as Uint8Array), NOBODY);
  t.deepEqual([dialer.sent.length, acceptor.sent.length], [2, 1]);
  const atAcceptor = acceptor.handshake.told(dialer.payload);
  const atDialer = dialer.handshake.told(acceptor.payload);
  if (atAcceptor.next !== 'open' || atDialer.next !== 'open') return t.fail();
  t.is(atAcceptor.introduction.hello.node, 'dialer');
  t.is(atDialer.introduction.hello.node, 'acceptor');
  t.is(atDialer.introduction.seen, 'host of the other');

  const frame = Buffer.alloc(40, 7);
  atDialer.sealer.seal(frame, frame.length);
  t.false(atDialer.opener.opens(frame.subarray(FRAME_HEADER_BYTES)), 'what an end sent does not open at that end');
  t.true(atAcceptor.opener.opens(frame.subarray(FRAME_HEADER_BYTES)));
});

test('who knows another secret is told so by the acceptor, which says nothing else', (t) => {
  const dialer = new End('dialer', 'one secret');
  const acceptor = new End('acceptor', 'another one');
  greeted(dialer, acceptor);
  t.like(acceptor.handshake.told(dialer.payload), { next: 'end', code: RefusalCode.secret });
  t.deepEqual(acceptor.payload, encodeRefusal(RefusalCode.secret));
  t.like(dialer.handshake.told(acceptor.payload), { next: 'end', code: RefusalCode.secret });
});

test('what was shown in one connection is worth nothing in another', (t) => {
  const [dialer, acceptor] = [new End('dialer'), new End('acceptor')];
  greeted(dialer, acceptor);
  const later = new End('acceptor');
  later.handshake.greeted(dialer.sent[0] as Uint8Array);
  t.like(later.handshake.told(dialer.payload), { next: 'end', code: RefusalCode.secret });
});

test('what one end has shown is not what the other has to show', (t) => {
  const dialer = new End('dialer');
  // The greeting comes back as it went, and then the proof.
  dialer.handshake.greeted(dialer.sent[0] as Uint8Array);
  t.like(dialer.handshake.told(dialer.payload), { next: 'end', code: RefusalCode.secret });
});

test('an introduction that was changed on its way is not believed', (t) => {
  for (let back = 1; back < 12; back++) {
    const [dialer, acceptor] = [new End('dialer'), new End('acceptor')];
    greeted(dialer, acceptor);
    const payload = Uint8Array.from(dialer.payload);
    payload[payload.length - back] = (payload[payload.length - back] as number) ^ 1;
    t.like(acceptor.handshake.told(payload), { next: 'end', code: RefusalCode.secret });
  }
});

test('an end that dialled itself finds that out', (t) => {
  const [dialer, acceptor] = [new End('dialer', '', 'same'), new End('acceptor', '', 'same')];
  acceptor.nonces = [dialer.handshake.nonce];
  greeted(dialer, acceptor);
  t.like(acceptor.handshake.told(dialer.payload), { next: 'end', code: RefusalCode.self });
  t.like(dialer.handshake.told(acceptor.payload), { next: 'end', code: RefusalCode.self });
});

test('each end may object to the other', (t) => {
  for (const code of [RefusalCode.cluster, RefusalCode.name, RefusalCode.stale]) {
    const [dialer, acceptor] = [new End('dialer'), new End('acceptor')];
    acceptor.objection = code;
    greeted(dialer, acceptor);
    t.like(acceptor.handshake.told(dialer.payload), { next: 'end', code });
    t.like(dialer.handshake.told(acceptor.payload), { next: 'end', code });
  }
  const [dialer, acceptor] = [new End('dialer'), new End('acceptor')];
  dialer.objection = RefusalCode.double;
  greeted(dialer, acceptor);
  t.is(acceptor.handshake.told(dialer.payload).next, 'open');
  t.like(dialer.handshake.told(acceptor.payload), { next: 'end', code: RefusalCode.double });
});

test('another version is told ours and left', (t) => {
  const acceptor = new End('acceptor');
  const step = acceptor.handshake.greeted(encodeGreeting(new Uint8Array(32), 9));
  t.like(step, { next: 'end', code: null, reason: 'speaks version 9 of the bus, this node version 1' });
  t.is(acceptor.sent.length, 1);
});
