import { assert } from '../base/assert.ts';
import {
  CAPACITY_WORD,
  FRAME_HEADER_BYTES,
  FRAME_KIND_MASK,
  FRAME_KIND_SHIFT,
  FRAME_NOTICE_BIT,
  FRAME_PAYLOAD_MASK,
  FrameKind,
  frameBytes,
  HEAD_WORD,
  LARGEST_WORD,
  MAGIC_WORD,
  RING_CAPACITY_BYTES_MAX,
  RING_CAPACITY_BYTES_MIN,
  RING_CONTROL_BYTES,
  RING_MAGIC,
  STARVED_WORD,
  TAIL_WORD,
} from './layout.ts';
import { MessageAssembly } from './message-assembly.ts';

/** What is handed to the other thread; both ends attach to it. */
export interface RingHandle {
  readonly sab: SharedArrayBuffer;
}

/**
 * Makes an empty ring. `capacityBytes` is a power of two; a message of up to a quarter of it travels in one frame, a
 * larger one, up to `messageBytesMax`, in chunks.
 */
export function createRing(capacityBytes: number, messageBytesMax: number = capacityBytes >> 2): RingHandle {
  assert(
    capacityBytes >= RING_CAPACITY_BYTES_MIN &&
      capacityBytes <= RING_CAPACITY_BYTES_MAX &&
      (capacityBytes & (capacityBytes - 1)) === 0,
    'a ring has 64 bytes to 256 MiB, a power of two',
  );
  assert(
    Number.isInteger(messageBytesMax) && messageBytesMax >= 0 && messageBytesMax < 2 ** 31,
    'the largest message is a number of bytes below 2 GiB',
  );
  const sab = new SharedArrayBuffer(RING_CONTROL_BYTES + capacityBytes);
  const words = new Int32Array(sab);
  words[CAPACITY_WORD] = capacityBytes;
  words[LARGEST_WORD] = messageBytesMax;
  words[MAGIC_WORD] = RING_MAGIC;
  return { sab };
}

/** Payload bytes of the largest frame a ring takes: a quarter of it, so that four of them are in flight. */
function framePayloadBytesMax(capacityBytes: number): number {
  return (capacityBytes >> 2) - FRAME_HEADER_BYTES;
}

function checkRing(words: Int32Array): void {
  assert(words[MAGIC_WORD] === RING_MAGIC, 'the buffer is a ring');
}

/**
 * The writing end of a ring, held by one thread. Frames are written in place and seen by the consumer only once they
 * are published; a frame that was begun and not committed is never seen.
 *
 * Invariant I3: 0 ≤ head − tail ≤ capacity, checked whenever the consumer's word is read.
 */
export class RingProducer {
  /** The frames' memory: `tryReserve` answers offsets into it. */
  readonly bytes: Uint8Array;
  /** The same memory as 32-bit words; offsets that `tryReserve` answers are multiples of 8 bytes. */
  readonly words: Int32Array;
  readonly capacityBytes: number;
  readonly messageBytesMax: number;
  readonly framePayloadBytesMax: number;
  readonly #control: Int32Array;
  readonly #mask: number;
  /** Payload bytes of the frame reserved; -1 when none is. */
  #reservedBytes = -1;
  /** Position after the last committed frame; runs ahead of the published head. */
  #head: number;
  #headPublished: number;
  /** The consumer's tail as last read: at most what it is now, so it never makes room that is not there. */
  #tailSeen: number;

  /**
   * Attaches to a ring. `head` continues after a former producer at a position it had committed but perhaps not
   * published; by default after what it published.
   */
  constructor(handle: RingHandle, head?: number) {
    const { sab } = handle;
    this.#control = new Int32Array(sab, 0, RING_CONTROL_BYTES >> 2);
    checkRing(this.#control);
    this.capacityBytes = this.#control[CAPACITY_WORD] as number;
    this.messageBytesMax = this.#control[LARGEST_WORD] as number;
    this.framePayloadBytesMax = framePayloadBytesMax(this.capacityBytes);
    this.#mask = this.capacityBytes - 1;
    this.words = new Int32Array(sab, RING_CONTROL_BYTES);
    this.bytes = new Uint8Array(sab, RING_CONTROL_BYTES);
    // Both loads come before any write of ours to the frames: what the consumer released it no longer reads.
    this.#headPublished = Atomics.load(this.#control, HEAD_WORD);
    this.#tailSeen = Atomics.load(this.#control, TAIL_WORD);
    this.#head = head !== undefined && ((head - this.#headPublished) | 0) > 0 ? head : this.#headPublished;
    this.#checkBounds();
  }

  /** Position after the last committed frame. */
  get head(): number {
    return this.#head;
  }

  /** Bytes of the ring not in use, frame headers and what the wrap may waste included. Exact at the time of asking. */
  get freeBytes(): number {
    this.#refreshTail();
    return this.capacityBytes - ((this.#head - this.#tailSeen) | 0);
  }

  /**
   * Answers the offset in `bytes` where up to `payloadBytes` may be written, or -1 when there is no room now.
   * Nothing is taken until `commit`; reserving again forgets what was reserved before.
   */
  tryReserve(payloadBytes: number): number {
    const frame = frameBytes(payloadBytes);
    let at = this.#head & this.#mask;
    const room = this.capacityBytes - at;
    const pad = frame > room ? room : 0;
    if (this.capacityBytes - ((this.#head - this.#tailSeen) | 0) < pad + frame) {
      assert(payloadBytes <= this.framePayloadBytesMax, 'a frame is no larger than a quarter of the ring');
      this.#refreshTail();
      if (this.capacityBytes - ((this.#head - this.#tailSeen) | 0) < pad + frame) return -1;
    }
    if (pad !== 0) {
      this.words[at >> 2] = (FrameKind.pad << FRAME_KIND_SHIFT) | (pad - FRAME_HEADER_BYTES);
      this.#head = (this.#head + pad) | 0;
      at = 0;
    }
    this.#reservedBytes = payloadBytes;
    return at + FRAME_HEADER_BYTES;
  }

  /** Ends the frame last reserved as one whole message; `payloadBytes` is at most what was reserved. */
  commit(payloadBytes: number, tag: number, isNotice = false): void {
    this.commitFrame(FrameKind.whole, payloadBytes, tag, isNotice);
  }

  commitFrame(kind: FrameKind, payloadBytes: number, tag: number, isNotice: boolean): void {
    assert(payloadBytes <= this.#reservedBytes, 'a frame stays within what was reserved for it');
    this.#reservedBytes = -1;
    const at = (this.#head & this.#mask) >> 2;
    this.words[at] = (kind << FRAME_KIND_SHIFT) | payloadBytes | (isNotice ? FRAME_NOTICE_BIT : 0);
    this.words[at + 1] = tag;
    this.#head = (this.#head + frameBytes(payloadBytes)) | 0;
  }

  /** Lets the consumer see what was committed; true when there was anything new. It may still sleep: ring its bell. */
  publish(): boolean {
    if (this.#head === this.#headPublished) return false;
    // Release: every byte of the frames is written before the head that covers them can be seen.
    Atomics.store(this.#control, HEAD_WORD, this.#head);
    this.#headPublished = this.#head;
    return true;
  }

  /**
   * Asks the consumer to ring when it has made room, and answers whether room for `payloadBytes` has come meanwhile.
   * Call after `tryReserve` declined and `publish`: a consumer that sees nothing new makes no room.
   */
  awaitRoom(payloadBytes: number): boolean {
    // In the one total order of sequentially consistent accesses this store comes before the load of the tail in
    // `tryReserve`, and the consumer's store of the tail before its load of this word: one of both sees the other.
    Atomics.store(this.#control, STARVED_WORD, 1);
    this.#refreshTail();
    const at = this.#head & this.#mask;
    const frame = frameBytes(payloadBytes);
    const pad = frame > this.capacityBytes - at ? this.capacityBytes - at : 0;
    return this.capacityBytes - ((this.#head - this.#tailSeen) | 0) >= pad + frame;
  }

  #refreshTail(): void {
    // Acquire: the consumer's reads of what it released are over before we write there.
    this.#tailSeen = Atomics.load(this.#control, TAIL_WORD);
    this.#checkBounds();
  }

  #checkBounds(): void {
    const used = (this.#head - this.#tailSeen) | 0;
    assert(used >= 0 && used <= this.capacityBytes, 'I3: 0 <= head - tail <= capacity');
  }
}

/**
 * The reading end of a ring, held by one thread. After `next` answered true, the message is
 * `bytes[offset..offset + length)`, with its `tag`. A message that came in one frame lies in the ring and stays valid
 * until `release`; one that came in chunks lies in a buffer of its own and stays valid until the following `next`.
 */
export class RingConsumer {
  bytes: Uint8Array;
  offset = 0;
  length = 0;
  tag = 0;
  /** The message answers nothing; its tag means nothing either. */
  isNotice = false;
  /** Position of the first frame of the message, or of the one that is being put together. */
  position = 0;
  readonly #ring: Uint8Array;
  readonly #control: Int32Array;
  readonly #frames: Int32Array;
  readonly #mask: number;
  readonly #capacityBytes: number;
  readonly #assembly: MessageAssembly;
  /** Position after the last frame taken. */
  #cursor: number;
  #tailReleased: number;
  /** The producer's head as last read: frames before it are whole. */
  #headSeen: number;

  /** Attaches to a ring, at `cursor` when a former consumer is known to have got further than it released. */
  constructor(handle: RingHandle, cursor?: number) {
    const { sab } = handle;
    this.#control = new Int32Array(sab, 0, RING_CONTROL_BYTES >> 2);
    checkRing(this.#control);
    this.#capacityBytes = this.#control[CAPACITY_WORD] as number;
    this.#mask = this.#capacityBytes - 1;
    this.#frames = new Int32Array(sab, RING_CONTROL_BYTES);
    this.#ring = new Uint8Array(sab, RING_CONTROL_BYTES);
    this.bytes = this.#ring;
    this.#assembly = new MessageAssembly(this.#control[LARGEST_WORD] as number);
    // Our own word, or that of a consumer whose thread has ended; the load orders us after its last store.
    this.#tailReleased = Atomics.load(this.#control, TAIL_WORD);
    this.#cursor = cursor !== undefined && ((cursor - this.#tailReleased) | 0) > 0 ? cursor : this.#tailReleased;
    this.#headSeen = this.#cursor;
    this.hasMore();
  }

  /** Position after the last frame taken. */
  get cursor(): number {
    return this.#cursor;
  }

  /** A message in chunks has begun and is not complete; what came of it is copied and may be released. */
  get assembling(): boolean {
    return this.#assembly.active;
  }

  /** Whether frames wait to be taken. */
  hasMore(): boolean {
    if (this.#cursor !== this.#headSeen) return true;
    // Acquire: the frames before this head are read only after it. Sequential consistency also puts this load after
    // the store that announces sleep (see Doorbell), so a head published before the producer looked is seen here.
    this.#headSeen = Atomics.load(this.#control, HEAD_WORD);
    const waiting = (this.#headSeen - this.#cursor) | 0;
    assert(
      waiting >= 0 && ((this.#headSeen - this.#tailReleased) | 0) <= this.#capacityBytes,
      'I3: 0 <= head - tail <= capacity',
    );
    return waiting !== 0;
  }

  /** Takes the next message; false when none is complete. */
  next(): boolean {
    if (this.bytes !== this.#ring) this.#leaveAssembly();
    while (this.hasMore()) {
      const position = this.#cursor;
      const at = position & this.#mask;
      const word = this.#frames[at >> 2] as number;
      const payloadBytes = word & FRAME_PAYLOAD_MASK;
      const after = (position + frameBytes(payloadBytes)) | 0;
      assert(((this.#headSeen - after) | 0) >= 0, 'a frame ends where the published frames end or before');
      this.#cursor = after;
      const kind = (word >>> FRAME_KIND_SHIFT) & FRAME_KIND_MASK;
      if (kind === FrameKind.whole) {
        if (this.#assembly.active) this.#assembly.clear();
        this.position = position;
        this.bytes = this.#ring;
        this.offset = at + FRAME_HEADER_BYTES;
        this.length = payloadBytes;
        this.tag = this.#frames[(at >> 2) + 1] as number;
        this.isNotice = word < 0;
        return true;
      }
      if (kind !== FrameKind.pad && this.#takeChunk(kind, position, payloadBytes)) return true;
    }
    return false;
  }

  /**
   * Takes one frame that a former consumer had begun to execute. A whole message can be looked at; of one in chunks
   * the length is 0, and `next` passes over the rest of it.
   */
  skipFrame(): void {
    assert(this.hasMore(), 'there is a frame to skip');
    const at = this.#cursor & this.#mask;
    const word = this.#frames[at >> 2] as number;
    const payloadBytes = word & FRAME_PAYLOAD_MASK;
    this.position = this.#cursor;
    this.offset = at + FRAME_HEADER_BYTES;
    const kind = (word >>> FRAME_KIND_SHIFT) & FRAME_KIND_MASK;
    this.length = kind === FrameKind.whole ? payloadBytes : 0;
    this.#cursor = (this.#cursor + frameBytes(payloadBytes)) | 0;
  }

  /** Gives back the room of all frames taken. True when the producer waited for it: ring its bell. */
  release(): boolean {
    if (this.#cursor === this.#tailReleased) return false;
    // Release: our reads of these frames are over before the producer may write there.
    Atomics.store(this.#control, TAIL_WORD, this.#cursor);
    this.#tailReleased = this.#cursor;
    // Sequentially consistent after the store of the tail: see `awaitRoom`.
    if (Atomics.load(this.#control, STARVED_WORD) === 0) return false;
    Atomics.store(this.#control, STARVED_WORD, 0);
    return true;
  }

  #takeChunk(kind: number, position: number, payloadBytes: number): boolean {
    const at = position & this.#mask;
    const assembly = this.#assembly;
    if (kind === FrameKind.first) {
      this.position = position;
      this.tag = this.#frames[(at >> 2) + 1] as number;
      this.isNotice = (this.#frames[at >> 2] as number) < 0;
    }
    if (!assembly.take(kind, this.#ring, this.#frames, at + FRAME_HEADER_BYTES, payloadBytes)) return false;
    this.bytes = assembly.bytes;
    this.offset = 0;
    this.length = assembly.length;
    return true;
  }

  #leaveAssembly(): void {
    this.bytes = this.#ring;
    this.#assembly.clear();
  }
}
