import test from 'ava';
import { AssertionError } from '../../../src/base/assert.ts';
import { ActorMailbox } from '../../../src/mailbox/actor-mailbox.ts';
import { createDoorbell } from '../../../src/mailbox/doorbell.ts';
import { FrontMailbox } from '../../../src/mailbox/front-mailbox.ts';
import { ASLEEP, AWAKE } from '../../../src/mailbox/layout.ts';
import { createMailbox, type MailboxOptions } from '../../../src/mailbox/mailbox.ts';
import { Refusal } from '../../../src/mailbox/outbox.ts';

function mailbox(options: Partial<MailboxOptions> = {}) {
  const handle = createMailbox({
    actorBell: createDoorbell(),
    frontBell: createDoorbell(),
    commandRingBytes: 1024,
    replyRingBytes: 1024,
    messageBytesMax: 100_000,
    ...options,
  });
  const front = new FrontMailbox(handle, { queuedCountMax: 4, queuedBytesMax: 4000 });
  return { handle, front, actor: new ActorMailbox(handle) };
}

/** Sends a command whose bytes all equal its tag; false when it is refused. */
function send(front: FrontMailbox, tag: number, bytes: number): boolean {
  const at = front.reserve(bytes);
  if (at < 0) return false;
  front.bytes.fill(tag, at, at + bytes);
  front.commit(bytes, tag);
  return true;
}

/** Answers all commands there are with `bytes` of their tags, and answers those tags. */
function serve(actor: ActorMailbox, bytes: number): number[] {
  const tags: number[] = [];
  while (actor.next()) {
    tags.push(actor.commands.tag);
    actor.reply(new Uint8Array(bytes).fill(actor.commands.tag), 0, bytes);
  }
  actor.flush();
  return tags;
}

function takeReplies(front: FrontMailbox): number[] {
  const tags: number[] = [];
  while (front.nextReply()) {
    const { bytes, offset, length, tag } = front.replies;
    tags.push(bytes.subarray(offset, offset + length).every((byte) => byte === tag) ? tag : -1);
  }
  front.releaseReplies();
  return tags;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('a command is seen by the actor only after a flush', (t) => {
  const { front, actor } = mailbox();
  send(front, 7, 10);
  t.false(actor.next());
  front.flush();
  t.true(actor.next());
  t.is(actor.commands.tag, 7);
  t.is(actor.commands.length, 10);
});

test('a full ring queues four commands more, then refuses, and sends the queue on in order once there is room', (t) => {
  const { front, actor } = mailbox();
  let sent = 0;
  while (send(front, sent, 100)) sent += 1;
  t.is(front.reserve(100), Refusal.full);
  t.is(front.queuedCount, 4);
  t.is(front.queuedBytes, 400);
  t.is(front.outstanding, sent);
  front.flush();
  const taken: number[] = [];
  const answered: number[] = [];
  while (answered.length < sent) {
    taken.push(...serve(actor, 1));
    answered.push(...takeReplies(front));
  }
  t.deepEqual(taken, upTo(sent));
  t.deepEqual(answered, upTo(sent));
  t.is(front.queuedCount, 0);
  t.is(front.queuedBytes, 0);
  t.is(front.outstanding, 0);
});

test('the queue refuses by bytes as well as by count', (t) => {
  const { front } = mailbox();
  t.true(send(front, 1, 3000));
  t.true(send(front, 2, 1000));
  t.is(front.reserve(1), Refusal.full);
});

test('a command larger than the queue may hold is taken when nothing else waits', (t) => {
  const { front, actor } = mailbox();
  t.true(send(front, 1, 50_000));
  t.false(send(front, 2, 10));
  let size = 0;
  for (let turns = 0; turns < 1000 && size === 0; turns += 1) {
    front.flush();
    if (actor.next()) size = actor.commands.length;
    else actor.flush();
  }
  t.is(size, 50_000);
  t.true(actor.commands.bytes.subarray(0, size).every((byte) => byte === 1));
});

test('a command over the limit is refused for good, and a reply over it is not sent', (t) => {
  const { front, actor } = mailbox();
  t.is(front.reserve(100_001), Refusal.tooLarge);
  t.true(send(front, 3, 5));
  front.flush();
  t.true(actor.next());
  t.false(actor.reply(new Uint8Array(100_001), 0, 100_001));
  t.true(actor.reply(new Uint8Array([3]), 0, 1), 'the actor answers something else instead');
  actor.flush();
  t.deepEqual(takeReplies(front), [3]);
});

test('while a reply waits for room the actor takes no further command of that mailbox', (t) => {
  const { front, actor } = mailbox();
  send(front, 1, 1);
  send(front, 2, 1);
  front.flush();
  t.deepEqual(serve(actor, 5000), [1]);
  t.false(actor.hasWork());
  t.false(actor.next());
  const answered: number[] = [];
  for (let turns = 0; turns < 1000 && answered.length < 2; turns += 1) {
    answered.push(...takeReplies(front));
    serve(actor, 5000);
  }
  t.deepEqual(answered, [1, 2]);
});

test('a reply without a command, and a second reply, break the actor', (t) => {
  const { front, actor } = mailbox();
  t.throws(() => actor.reply(new Uint8Array(1), 0, 1), { instanceOf: AssertionError, message: /I4/ });
  send(front, 1, 1);
  front.flush();
  serve(actor, 1);
  t.throws(() => actor.reply(new Uint8Array(1), 0, 1), { instanceOf: AssertionError, message: /I4/ });
});

test('an actor that takes the place of one that died in a command gets that command, marked, and then the next', (t) => {
  const { handle, front, actor } = mailbox();
  for (const tag of [1, 2, 3]) send(front, tag, 9);
  front.flush();
  t.true(actor.next());
  actor.reply(new Uint8Array([1]), 0, 1);
  t.true(actor.next());
  const successor = new ActorMailbox(handle);
  t.true(successor.next());
  t.true(successor.interrupted);
  t.is(successor.commands.tag, 2);
  t.is(successor.commands.length, 9);
  successor.reply(new Uint8Array([2]), 0, 1);
  t.false(successor.interrupted);
  t.deepEqual(serve(successor, 1), [3]);
  t.deepEqual(takeReplies(front), [1, 2, 3], 'the first reply, committed and not published by the former, included');
});

test('an actor that died while it answered in chunks leaves no half reply', (t) => {
  const { handle, front, actor } = mailbox();
  send(front, 1, 1);
  front.flush();
  serve(actor, 5000);
  takeReplies(front);
  t.true(front.replies.assembling, 'a part of the reply has come');
  const successor = new ActorMailbox(handle);
  t.true(successor.next());
  t.true(successor.interrupted);
  successor.reply(new Uint8Array([1, 1]), 0, 2);
  successor.flush();
  t.true(front.nextReply());
  t.is(front.replies.length, 2);
  t.false(front.replies.assembling, 'nothing more is expected of the former reply');
});

test('a flush rings a sleeping actor and leaves the bell of one that is awake alone', (t) => {
  const { handle, front } = mailbox();
  const bell = new Int32Array(handle.actorBell.sab);
  send(front, 1, 1);
  front.flush();
  t.is(bell[0], AWAKE);
  bell[0] = ASLEEP;
  front.flush();
  t.is(bell[0], ASLEEP, 'nothing new, so nobody is woken');
  send(front, 2, 1);
  front.flush();
  t.is(bell[0], AWAKE);
});

test('an actor that takes the place of another wakes the front end, whom its predecessor may have left asleep', (t) => {
  const { handle } = mailbox();
  const bell = new Int32Array(handle.frontBell.sab);
  bell[0] = ASLEEP;
  t.notThrows(() => new ActorMailbox(handle));
  t.is(bell[0], AWAKE);
});
