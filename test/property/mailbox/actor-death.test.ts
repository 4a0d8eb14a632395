import test from 'ava';
import fc from 'fast-check';
import { ActorMailbox } from '../../../src/mailbox/actor-mailbox.ts';
import { createDoorbell } from '../../../src/mailbox/doorbell.ts';
import { FrontMailbox } from '../../../src/mailbox/front-mailbox.ts';
import { createMailbox, type MailboxHandle } from '../../../src/mailbox/mailbox.ts';
import { atomicAccesses } from '../../atomic-accesses.ts';
import { testScale } from '../../scale.ts';

/** Stands for the end of an actor's thread at some instant. */
class Death extends Error {}

/** The actor dies right before its n-th atomic access, and the front end works right before the m-th. */
const schedule = { accesses: 0, deathAt: Infinity, frontAt: Infinity, front: (): void => {} };

function beforeAccess(): void {
  schedule.accesses += 1;
  if (schedule.accesses === schedule.frontAt) {
    atomicAccesses.before = () => {};
    schedule.front();
    atomicAccesses.before = beforeAccess;
  }
  if (schedule.accesses > schedule.deathAt) throw new Death();
}

const INTERRUPTED = new Uint8Array([0xdd]);
/** In place of a command's tag, in notices that are of no command. */
const UPKEEP = 0xff;
const MESSAGE_BYTES_MAX = 4096;

/**
 * An actor that notes what it executes and answers `replySize(tag)` bytes of the tag, behind notices of the sizes that
 * `notices(tag)` says, each filled with the tag too.
 */
class TestActor {
  deaths = 0;
  readonly executed = new Map<number, number>();
  readonly #handle: MailboxHandle;
  readonly #replySize: (tag: number) => number;
  readonly #notices: (tag: number) => readonly number[];
  #mailbox: ActorMailbox | null = null;

  constructor(handle: MailboxHandle, replySize: (tag: number) => number, notices: (tag: number) => readonly number[]) {
    this.#handle = handle;
    this.#notices = notices;
    this.#replySize = replySize;
  }

  /** Runs up to `count` commands and flushes, or dies; a new life's first accesses may be its last. */
  run(count: number, deathAt: number, frontAt: number): void {
    schedule.accesses = 0;
    schedule.deathAt = deathAt;
    schedule.frontAt = frontAt;
    atomicAccesses.before = beforeAccess;
    try {
      this.#mailbox ??= new ActorMailbox(this.#handle);
      for (let i = 0; i < count && this.#mailbox.next(); i += 1) this.#execute(this.#mailbox);
      if (this.#mailbox.hasRoom()) this.#notify(this.#mailbox, UPKEEP, 30);
      this.#mailbox.flush();
      this.#mailbox.hasWork();
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      this.deaths += 1;
      this.#mailbox = null;
    } finally {
      atomicAccesses.before = () => {};
    }
  }

  #execute(mailbox: ActorMailbox): void {
    const { tag, bytes, offset, length } = mailbox.commands;
    if (mailbox.interrupted) {
      mailbox.reply(INTERRUPTED, 0, 1);
      return;
    }
    for (let i = 0; i < length; i += 1) {
      if (bytes[offset + i] !== (tag & 127)) throw new Error(`command ${tag} differs at byte ${i}`);
    }
    this.executed.set(tag, (this.executed.get(tag) ?? 0) + 1);
    // An access of the store's, where the actor may die with the command executed and not answered.
    Atomics.load(new Int32Array(1), 0);
    for (const bytes of this.#notices(tag)) this.#notify(mailbox, tag & 127, bytes);
    const reply = new Uint8Array(this.#replySize(tag)).fill(tag & 127);
    mailbox.reply(reply, 0, reply.length);
  }

  #notify(mailbox: ActorMailbox, mark: number, length: number): void {
    mailbox.notify(new Uint8Array(length).fill(mark), 0, length);
  }
}

const size = fc.oneof(
  { weight: 8, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.nat(MESSAGE_BYTES_MAX) },
);
const step = fc.record({
  commandSizes: fc.array(size, { maxLength: 6, size: 'max' }),
  run: fc.nat(12),
  /** After so many atomic accesses the actor dies. */
  deathAt: fc.oneof(fc.nat(60), fc.constant(Infinity)),
  /** Before so many accesses of the actor the front end takes replies. */
  frontAt: fc.oneof(fc.nat(60), fc.constant(Infinity)),
  drain: fc.boolean(),
});

let deaths = 0;

test('an actor dies at any instant: each command is answered once, in order, behind its notices, and none is executed twice', (t) => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 10, maxLength: 50 }),
      fc.array(size, { minLength: 1, maxLength: 20, size: 'max' }),
      fc.array(fc.array(size, { maxLength: 3 }), { minLength: 1, maxLength: 5 }),
      (steps, replySizes, noticeSizes) => {
        const handle = createMailbox({
          actorBell: createDoorbell(),
          frontBell: createDoorbell(),
          commandRingBytes: 1024,
          replyRingBytes: 512,
          messageBytesMax: MESSAGE_BYTES_MAX,
        });
        const front = new FrontMailbox(handle, { queuedCountMax: 8, queuedBytesMax: 10_000 });
        const replySize = (tag: number): number => replySizes[tag % replySizes.length] as number;
        const notices = (tag: number): readonly number[] => noticeSizes[tag % noticeSizes.length] as number[];
        const actor = new TestActor(handle, replySize, notices);
        /** Notices of the command that is answered next. */
        let noticed = 0;
        let sent = 0;
        let answered = 0;
        let interrupted = 0;

        const drain = (): void => {
          while (front.nextReply()) {
            const { tag, bytes, offset, length, isNotice } = front.replies;
            if (isNotice) {
              const mark = length === 0 ? answered & 127 : bytes[offset];
              for (let i = 0; i < length; i += 1) {
                if (bytes[offset + i] !== mark) throw new Error(`a notice differs at byte ${i}`);
              }
              if (mark === UPKEEP) continue;
              if (mark !== (answered & 127)) throw new Error(`a notice of ${mark} came in front of reply ${answered}`);
              if (length !== notices(answered)[noticed]) throw new Error(`a notice of ${answered} has ${length} bytes`);
              noticed += 1;
              continue;
            }
            if (tag !== answered) throw new Error(`reply ${tag} came where ${answered} was due`);
            answered += 1;
            if (length === 1 && bytes[offset] === INTERRUPTED[0]) {
              interrupted += 1;
              noticed = 0;
              continue;
            }
            if (noticed !== notices(tag).length) throw new Error(`${noticed} notices came in front of reply ${tag}`);
            noticed = 0;
            if (length !== replySize(tag)) throw new Error(`reply ${tag} has ${length} bytes`);
            for (let i = 0; i < length; i += 1) {
              if (bytes[offset + i] !== (tag & 127)) throw new Error(`reply ${tag} differs at byte ${i}`);
            }
            if (actor.executed.get(tag) !== 1) throw new Error(`command ${tag} was answered and not executed once`);
          }
          front.releaseReplies();
        };

        schedule.front = drain;
        for (const each of steps) {
          for (const bytes of each.commandSizes) {
            const at = front.reserve(bytes);
            if (at < 0) break;
            front.bytes.fill(sent & 127, at, at + bytes);
            front.commit(bytes, sent);
            sent += 1;
          }
          front.flush();
          actor.run(each.run, each.deathAt, each.frontAt);
          if (each.drain) drain();
        }
        for (let turns = 0; front.outstanding > 0; turns += 1) {
          if (turns > 10_000) throw new Error(`${front.outstanding} commands are never answered`);
          front.flush();
          actor.run(100, Infinity, Infinity);
          drain();
        }
        t.is(answered, sent);
        t.true(interrupted <= actor.deaths);
        deaths += actor.deaths;
        for (const [tag, times] of actor.executed)
          if (times !== 1) throw new Error(`command ${tag} ran ${times} times`);
      },
    ),
    { numRuns: 1000 * testScale },
  );
  t.log(`${deaths} deaths`);
  t.true(deaths > 1000, 'actors did die');
});
