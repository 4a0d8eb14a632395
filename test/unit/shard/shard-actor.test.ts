import test from 'ava';
import { AssertionError } from '../../../src/base/assert.ts';
import { monotonicMs } from '../../../src/base/monotonic.ts';
import { ArgsBuffer } from '../../../src/command/args-buffer.ts';
import { type CommandDeclaration, firstKey, type WriteCommand } from '../../../src/command/command.ts';
import { families } from '../../../src/command/families.ts';
import type { ReplyReader } from '../../../src/command/reply.ts';
import { CommandTable } from '../../../src/command/table.ts';
import { ActorMailbox } from '../../../src/mailbox/actor-mailbox.ts';
import { createDoorbell, Doorbell, type DoorbellHandle } from '../../../src/mailbox/doorbell.ts';
import { ASLEEP } from '../../../src/mailbox/layout.ts';
import { createMailbox } from '../../../src/mailbox/mailbox.ts';
import { Barrier } from '../../../src/shard/barrier.ts';
import { ShardActor } from '../../../src/shard/shard-actor.ts';
import { Admission, ShardClient } from '../../../src/shard/shard-client.ts';
import { ShardControl } from '../../../src/shard/shard-control.ts';
import type { ShardStore } from '../../../src/shard/shard-store.ts';
import { TurnClock } from '../../../src/shard/turn-clock.ts';
import { atomicAccesses, interleave } from '../../atomic-accesses.ts';
import { ModelStore } from '../../model-store.ts';

class ActorStore extends ModelStore implements ShardStore {
  countsLookups = false;
  dueMs = -1;
  expireCalls: number[] = [];
  chores = 0;

  expireDue(nowMs: number, limit: number): number {
    this.expireCalls.push(nowMs);
    this.dueMs = -1;
    return limit;
  }

  nextExpiryMs(): number {
    return this.dueMs;
  }

  maintain(): boolean {
    if (this.chores === 0) return false;
    this.chores--;
    return true;
  }
}

function faultRow(name: string, run: WriteCommand['run']): CommandDeclaration {
  return {
    kind: 'write',
    gather: 'single',
    name,
    arity: 2,
    flags: ['write'],
    keys: firstKey,
    group: 'internal',
    since: '0.1.0',
    summary: 'Fails in a way of its own.',
    complexity: 'O(1)',
    syntax: 'key',
    run,
  };
}

const table = new CommandTable([
  ...families,
  faultRow('fault.throw', (_store, _args, reply) => {
    reply.integer(1);
    throw new Error('out of luck');
  }),
  faultRow('fault.assert', () => {
    throw new AssertionError('out of order');
  }),
  faultRow('fault.group', (store) => {
    store.beginGroup(1, 1);
    throw new Error('out of luck, half way');
  }),
  faultRow('fault.large', (_store, _args, reply) => {
    reply.bulkOf(0, 100_000);
  }),
]);

/** A shard in this thread: the test says when its actor has a turn. */
function shard() {
  const bell = createDoorbell();
  const frontBell = createDoorbell();
  const mailbox = createMailbox({
    actorBell: bell,
    frontBell,
    commandRingBytes: 4096,
    replyRingBytes: 4096,
    messageBytesMax: 50_000,
  });
  const store = new ActorStore();
  const control = ShardControl.create();
  const defects: string[] = [];
  const newActor = (actorBell = new Doorbell(bell)): ShardActor =>
    new ShardActor({
      guard: null,
      companion: null,
      store,
      clock: new TurnClock({ nowMs: () => store.timeMs }),
      table,
      mailboxes: [new ActorMailbox(mailbox)],
      bell: actorBell,
      control: new ShardControl(control),
      random: { nextUint32: () => 7 },
      barrier: new Barrier(Barrier.create(1)),
      shard: 0,
      onDefect: (command, error) => defects.push(`${command.name}: ${error}`),
    });
  const client = new ShardClient(7, mailbox, { queuedCountMax: 10, queuedBytesMax: 1_000_000 });
  const replies: string[] = [];
  const buffer = new ArgsBuffer();
  const send = (name: string, ...texts: string[]): Admission => {
    buffer.begin();
    for (const text of texts) buffer.text(text);
    const admission = client.prepare(table.named(name).id, buffer.args);
    if (admission !== Admission.taken) return admission;
    client.commit({ onReply: (reply) => replies.push(`${name} ${texts[0]}: ${show(reply)}`) }, null);
    client.flush();
    return admission;
  };
  return { newActor, bell, client, replies, send, store, defects, control: new ShardControl(control) };
}

/** A bell whose owner does not sleep: where it would, the test is told for how long. */
class SleeplessBell extends Doorbell {
  readonly #onSleep: (timeoutMs: number) => void;

  constructor(handle: DoorbellHandle, onSleep: (timeoutMs: number) => void) {
    super(handle);
    this.#onSleep = onSleep;
  }

  override wait(timeoutMs: number): boolean {
    // A wait is the last atomic access before the sleep: it sees what another thread does right before it.
    atomicAccesses.before();
    const sleeps = this.word[0] === ASLEEP;
    if (sleeps) {
      atomicAccesses.before = () => {};
      this.#onSleep(timeoutMs);
    }
    this.withdraw();
    return !sleeps;
  }
}

function show(reply: ReplyReader): string {
  if (reply.kind === 9) return `error ${reply.errorCode}`;
  if (reply.kind === 3) return String(reply.number);
  return reply.kind === 0 ? 'null' : reply.text;
}

test('an actor answers commands in their order, each once', (t) => {
  const { newActor, client, replies, send } = shard();
  const actor = newActor();
  send('set', 'a', '1');
  send('incrby', 'a', '41');
  send('get', 'a');
  t.true(actor.turn());
  t.false(client.receive(100));
  t.deepEqual(replies, ['set a: OK', 'incrby a: 42', 'get a: 42']);
  t.is(client.outstanding, 0);
  t.false(actor.turn());
});

test('a command that throws is answered, reported, and does not end the actor', (t) => {
  const { newActor, client, replies, send, defects } = shard();
  const actor = newActor();
  send('fault.throw', 'a');
  send('set', 'a', '1');
  actor.turn();
  client.receive(100);
  t.deepEqual(replies, ['fault.throw a: error internal', 'set a: OK']);
  t.deepEqual(defects, ['fault.throw: Error: out of luck']);
});

test('a command that throws with a group of writes open ends the actor, so that its successor undoes the group', (t) => {
  const { newActor, send, defects } = shard();
  send('fault.group', 'a');
  t.throws(() => newActor().turn(), { name: 'AssertionError', message: /within a group/ });
  t.deepEqual(defects, []);
});

test('a failed assertion ends the actor; its successor calls that command indeterminate and runs the rest once', (t) => {
  const { newActor, client, replies, send } = shard();
  const actor = newActor();
  send('set', 'n', '1');
  send('incrby', 'n', '1');
  send('fault.assert', 'n');
  send('incrby', 'n', '1');
  t.throws(() => actor.turn(), { name: 'AssertionError', message: 'out of order' });
  const successor = newActor();
  successor.turn();
  client.receive(100);
  t.deepEqual(replies, ['set n: OK', 'incrby n: 2', 'fault.assert n: error indeterminate', 'incrby n: 3']);
});

test('a reply over the limit of a message is answered with an error', (t) => {
  const { newActor, client, replies, send } = shard();
  send('fault.large', 'a');
  newActor().turn();
  client.receive(100);
  t.deepEqual(replies, ['fault.large a: error request-too-large']);
});

test('commands and replies larger than the ring go through in chunks, over as many turns as it takes', (t) => {
  const { newActor, client, replies, send } = shard();
  const actor = newActor();
  send('set', 'long', 'x'.repeat(30_000));
  send('strlen', 'long');
  send('get', 'long');
  for (let turn = 0; turn < 50 && client.outstanding > 0; turn++) {
    actor.turn();
    client.receive(100);
    client.flush();
  }
  t.deepEqual(replies, ['set long: OK', 'strlen long: 30000', `get long: ${'x'.repeat(30_000)}`]);
});

test('a command is refused when ring and queue are full, or when it is larger than any message', (t) => {
  const { newActor, client, replies, send } = shard();
  let taken = 0;
  while (send('set', `key:${taken}`, 'x'.repeat(100)) === Admission.taken) taken++;
  t.true(taken > 10 && taken < 100, `${taken}`);
  t.is(client.queued, 10);
  t.is(send('set', 'huge', 'x'.repeat(60_000)), Admission.tooLarge);
  const actor = newActor();
  while (client.outstanding > 0) {
    client.flush();
    actor.turn();
    client.receive(100);
  }
  t.is(replies.length, taken);
  t.is(send('set', 'again', '1'), Admission.taken);
});

test('what is due expires between batches, and chores are done until none is left', (t) => {
  const { newActor, store } = shard();
  const actor = newActor();
  store.dueMs = store.timeMs + 1;
  t.false(actor.turn());
  t.deepEqual(store.expireCalls, []);
  store.timeMs += 1;
  t.true(actor.turn());
  t.deepEqual(store.expireCalls, [store.timeMs]);
  store.chores = 2;
  t.true(actor.turn());
  t.true(actor.turn());
  t.false(actor.turn());
});

test('an actor asked to stop ends once everything sent to it is answered', (t) => {
  const { newActor, client, replies, send, control } = shard();
  const actor = newActor();
  send('set', 'a', '1');
  control.requestStop();
  actor.run();
  client.receive(100);
  t.deepEqual(replies, ['set a: OK']);
  t.is(control.activity, 0);
});

test('an actor never goes to sleep over a command, at whatever instant that arrives', (t) => {
  let instants = 0;
  for (;;) {
    const { newActor, bell, client, replies, send, control } = shard();
    const unanswered: number[] = [];
    const actor = newActor(
      new SleeplessBell(bell, () => {
        client.receive(100);
        unanswered.push(client.outstanding);
        control.requestStop();
      }),
    );
    const arrived = interleave(
      () => actor.run(),
      instants + 1,
      () => send('set', 'a', '1'),
    );
    t.deepEqual(unanswered, [0], `instant ${instants + 1}`);
    if (!arrived) break;
    instants++;
    t.deepEqual(replies, ['set a: OK']);
  }
  t.true(instants >= 5, `${instants} instants`);
});

test('an actor never goes to sleep over the request to stop, at whatever instant that arrives', (t) => {
  let instants = 0;
  for (;;) {
    const { newActor, bell, control } = shard();
    const sleeps: string[] = [];
    const actor = newActor(
      new SleeplessBell(bell, () => {
        sleeps.push(control.stopRequested ? 'asked to stop' : 'with nothing to do');
        control.requestStop();
      }),
    );
    const asked = interleave(
      () => actor.run(),
      instants + 1,
      () => {
        control.requestStop();
        new Doorbell(bell).ring();
      },
    );
    t.false(sleeps.includes('asked to stop'), `instant ${instants + 1}`);
    if (!asked) break;
    instants++;
  }
  t.true(instants >= 5, `${instants} instants`);
});

test('an actor sleeps until the next entry expires, a second at most', (t) => {
  const { newActor, bell, store, control } = shard();
  const sleepsMs: number[] = [];
  const startMs = store.timeMs;
  const due = [37, 999, 5000, -1];
  const nextDue = (): void => {
    const afterMs = due.shift();
    if (afterMs === undefined) control.requestStop();
    else store.dueMs = afterMs < 0 ? -1 : store.timeMs + afterMs;
  };
  nextDue();
  newActor(
    new SleeplessBell(bell, (timeoutMs) => {
      sleepsMs.push(timeoutMs);
      store.timeMs += timeoutMs;
      nextDue();
    }),
  ).run();
  t.deepEqual(sleepsMs, [37, 999, 1000, 1000]);
  t.is(store.timeMs, startMs + 37 + 999 + 2000);
});

test('an actor is not busy while it sleeps, and is again afterwards', (t) => {
  const { newActor, bell, control } = shard();
  const spin = (ms: number): void => {
    for (const sinceMs = monotonicMs(); monotonicMs() - sinceMs < ms; );
  };
  let asleepMs = Number.NaN;
  const begunMs = monotonicMs();
  newActor(
    new SleeplessBell(bell, () => {
      const busyMs = control.busyMs;
      spin(20);
      asleepMs = control.busyMs - busyMs;
      control.requestStop();
    }),
  ).run();
  t.true(asleepMs < 20, `${asleepMs}`);
  const busyMs = control.busyMs;
  t.true(busyMs <= monotonicMs() - begunMs - 19, `${busyMs}`);
  spin(5);
  t.true(control.busyMs >= busyMs + 4);
});

test('commands of a shard that ended for good are answered as indeterminate', (t) => {
  const { client, replies, send } = shard();
  send('set', 'a', '1');
  send('set', 'b', '1');
  client.abandon();
  t.deepEqual(replies, ['set a: error indeterminate', 'set b: error indeterminate']);
  t.is(client.outstanding, 0);
});
