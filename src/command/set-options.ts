import { ValueType } from '../base/view.ts';
import type { Args } from './args.ts';
import { type ExpiryForm, expiryFormOf, integerArg, isWord, syntaxError } from './options.ts';
import type { ReplyWriter } from './reply.ts';
import { TagList } from './tags.ts';
import { decodeToken } from './token.ts';

const contentTypeBytesMax = 255;

/** The options of one SET; refilled for every command. */
export class SetOptions {
  onlyIfAbsent = false;
  onlyIfPresent = false;
  /** -1: no IFVERSION. 0 asks that the key is absent. */
  ifVersion = -1;
  returnOld = false;
  keepTtl = false;
  expiry: ExpiryForm | null = null;
  /** Index of the argument that holds the expiry, when `expiry` is set. */
  expiryAt = 0;
  type: ValueType = ValueType.string;
  /** Index of the argument that holds the content type; -1 without. */
  contentTypeAt = -1;
  /** In the unit of the expiry, of seconds without one; -1: no STALE. */
  stale = -1;
  /** In the unit of the expiry; 0: none. */
  jitter = 0;
  readonly tags = new TagList();
  /** 0: no FILL. */
  fillToken = 0;

  /** Redis's rules: an option may be repeated, the last one counts; options that contradict are a syntax error. */
  decode(args: Args, reply: ReplyWriter): boolean {
    this.#reset();
    for (let index = 2; index < args.count; index++) {
      const hasNext = index + 1 < args.count;
      const form = expiryFormOf(args, index);
      if (form !== null && hasNext && !this.keepTtl && (this.expiry === null || this.expiry === form)) {
        this.expiry = form;
        this.expiryAt = ++index;
      } else if (isWord(args, index, 'NX') && !this.onlyIfPresent && this.ifVersion < 0 && this.fillToken === 0) {
        this.onlyIfAbsent = true;
      } else if (isWord(args, index, 'XX') && !this.onlyIfAbsent && this.ifVersion < 0 && this.fillToken === 0) {
        this.onlyIfPresent = true;
      } else if (isWord(args, index, 'GET')) {
        this.returnOld = true;
      } else if (isWord(args, index, 'KEEPTTL') && this.expiry === null && this.fillToken === 0) {
        this.keepTtl = true;
      } else if (isWord(args, index, 'IFVERSION') && hasNext && this.#isUnconditional) {
        if (!this.#decodeVersion(args, ++index, reply)) return false;
      } else if (isWord(args, index, 'TYPE') && hasNext) {
        if (!this.#decodeType(args, ++index, reply)) return false;
      } else if (isWord(args, index, 'CT') && hasNext) {
        if (!this.#decodeContentType(args, ++index, reply)) return false;
      } else if (isWord(args, index, 'STALE') && hasNext) {
        this.stale = amountArg(args, ++index, 'stale window', reply);
        if (this.stale < 0) return false;
      } else if (isWord(args, index, 'JITTER') && hasNext) {
        this.jitter = amountArg(args, ++index, 'jitter', reply);
        if (this.jitter < 0) return false;
      } else if (isWord(args, index, 'TAGS') && hasNext) {
        index = this.tags.read(args, index + 1, reply);
        if (index < 0) return false;
      } else if (
        isWord(args, index, 'FILL') &&
        hasNext &&
        this.#isUnconditional &&
        this.ifVersion < 0 &&
        !this.keepTtl
      ) {
        this.fillToken = decodeToken(args, ++index, reply);
        if (this.fillToken === 0) return false;
      } else {
        syntaxError(reply);
        return false;
      }
    }
    if (this.jitter === 0 || this.expiry !== null) return true;
    syntaxError(reply);
    return false;
  }

  /** Milliseconds of one of the unit in which the stale window and the jitter are given. */
  get unitMs(): number {
    return this.expiry === null || this.expiry.seconds ? 1000 : 1;
  }

  get #isUnconditional(): boolean {
    return !this.onlyIfAbsent && !this.onlyIfPresent;
  }

  #reset(): void {
    this.onlyIfAbsent = false;
    this.onlyIfPresent = false;
    this.ifVersion = -1;
    this.returnOld = false;
    this.keepTtl = false;
    this.expiry = null;
    this.type = ValueType.string;
    this.contentTypeAt = -1;
    this.stale = -1;
    this.jitter = 0;
    this.tags.clear();
    this.fillToken = 0;
  }

  #decodeVersion(args: Args, index: number, reply: ReplyWriter): boolean {
    if (this.fillToken !== 0) {
      syntaxError(reply);
      return false;
    }
    this.ifVersion = integerArg(args, index, reply);
    if (this.ifVersion >= 0) return true;
    if (!Number.isNaN(this.ifVersion)) reply.error('invalid-argument', 'version must not be negative');
    return false;
  }

  #decodeType(args: Args, index: number, reply: ReplyWriter): boolean {
    if (isWord(args, index, 'STRING')) this.type = ValueType.string;
    else if (isWord(args, index, 'BYTES')) this.type = ValueType.bytes;
    else if (isWord(args, index, 'NUMBER')) this.type = ValueType.number;
    else if (isWord(args, index, 'JSON')) this.type = ValueType.json;
    else {
      reply.error('invalid-argument', 'type must be string, bytes, number or json');
      return false;
    }
    return true;
  }

  #decodeContentType(args: Args, index: number, reply: ReplyWriter): boolean {
    this.contentTypeAt = index;
    if (args.byteLength(index) <= contentTypeBytesMax) return true;
    reply.error('invalid-argument', `content type is longer than ${contentTypeBytesMax} bytes`);
    return false;
  }
}

/** An amount of time that is not negative; -1, with the error written, when it is none. */
function amountArg(args: Args, index: number, what: string, reply: ReplyWriter): number {
  const amount = integerArg(args, index, reply);
  if (Number.isNaN(amount)) return -1;
  if (amount >= 0) return amount;
  reply.error('invalid-argument', `invalid ${what} in 'set' command`);
  return -1;
}
