import { createSecretKey, randomBytes } from 'node:crypto';
import test from 'ava';
import { RefusalLog } from '../../../../src/cluster/bus/refusal-log.ts';
import { noPublisher } from '../../../../src/command/publisher.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { PeerHandshake } from '../../../../src/server/cluster/peer-handshake.ts';
import { peerLimits } from '../../../../src/server/cluster/peer-limits.ts';
import { openPeerSessions } from '../../../../src/server/cluster/peer-session.ts';
import type { SessionConnection } from '../../../../src/server/session/session.ts';
import { type Logged, listLogger, ScriptedCommands } from '../../../peer-nodes.ts';

const clusterId = 'c1'.repeat(20);

/** What a session says to somebody at that address whose secret is right. */
function greet(secret: string, remoteAddress: string) {
  const log: Logged[] = [];
  const key = createSecretKey(secret, 'utf8');
  let isClosed = false;
  const connection: SessionConnection = {
    id: 1,
    remoteAddress,
    address: `${remoteAddress}:1`,
    localAddress: '127.0.0.1:2',
    connectedAtMs: 0,
    lastInputMs: 0,
    receivedBytes: 0,
    sentBytes: 0,
    bytes: new Uint8Array(1000),
    reserve: () => 0,
    giveBack: () => undefined,
    unsentBytes: 0,
    isCongested: false,
    pauseInput: () => undefined,
    resumeInput: () => undefined,
    end: () => undefined,
    destroy: () => {
      isClosed = true;
    },
  };
  const session = openPeerSessions({
    table: commandTable,
    commands: new ScriptedCommands(),
    partitionsOf: () => [],
    channels: noPublisher,
    answer: () => null,
    self: 'server',
    clusterId: () => clusterId,
    secret: key,
    limits: peerLimits,
    keyBytesMax: 1000,
    log: listLogger(log),
    refusals: new RefusalLog(listLogger(log)),
  })(connection);
  const dialer = new PeerHandshake({
    role: 'dialer',
    secret: key,
    nonce: randomBytes(32),
    introduce: () => ({ node: 'client', to: 'server', clusterId, frameBytesMax: 1000 }),
    judge: () => null,
  });
  if (dialer.output !== null) session.receive(dialer.output);
  session.close();
  return { isClosed, log: log.map(({ message }) => message) };
}

test('without a secret only nodes of this machine are spoken to', (t) => {
  t.deepEqual(greet('', '127.0.0.1'), { isClosed: false, log: [] });
  t.deepEqual(greet('', '::ffff:127.0.0.1'), { isClosed: false, log: [] });
  const { isClosed, log } = greet('', '192.0.2.7');
  t.true(isClosed);
  t.regex(log.join(), /without a clusterSecret/);
  t.deepEqual(greet('secret', '192.0.2.7'), { isClosed: false, log: [] });
});
