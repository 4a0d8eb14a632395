import type { Clock } from '../../base/ports.ts';

const FREE_FAILURES = 5;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;
const FORGET_AFTER_MS = 600_000;
const ADDRESSES_MAX = 10_000;

interface Failures {
  count: number;
  lastMs: number;
}

/**
 * Slows down who guesses credentials: after five failures an address waits a quarter of a second before its next
 * attempt is looked at, then twice that after each further one, up to half a minute. Ten quiet minutes are forgiven.
 * Holds a bounded number of addresses, the longest unseen leaving first.
 */
export class AccessBackoff {
  readonly #clock: Clock;
  /** In order of their last failure. */
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long from now attempts from `address` are refused unseen; 0 when the next one is looked at. */
  waitMs(address: string): number {
    const failures = this.#failures.get(networkOf(address));
    if (failures === undefined || failures.count < FREE_FAILURES) return 0;
    const passedMs = this.#clock.nowMs() - failures.lastMs;
    // A clock set back must not lock anyone out for longer.
    if (passedMs < 0 || passedMs > FORGET_AFTER_MS) return 0;
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures.count - FREE_FAILURES));
    return Math.max(0, waitMs - passedMs);
  }

  failed(address: string): void {
    const network = networkOf(address);
    const nowMs = this.#clock.nowMs();
    const before = this.#failures.get(network);
    const forgiven = before === undefined || nowMs - before.lastMs > FORGET_AFTER_MS;
    this.#failures.delete(network);
    this.#failures.set(network, { count: forgiven ? 1 : before.count + 1, lastMs: nowMs });
    if (this.#failures.size > ADDRESSES_MAX) {
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest);
        break;
      }
    }
  }

  succeeded(address: string): void {
    this.#failures.delete(networkOf(address));
  }
}

/**
 * An IPv4 address is itself, also where it is mapped into IPv6 (`::ffff:a.b.c.d`, as a listener on `::` sees it); of an
 * IPv6 address, the network of 64 bits that one user usually has to himself. Loopback is no such network.
 */
function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const dotted = address.slice(address.lastIndexOf(':') + 1);
  if (dotted.includes('.')) return dotted;
  const groups = groupsOf(address);
  const isLow = groups.slice(0, 5).every((group) => group === 0);
  if (isLow && groups[5] === 0xffff) {
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 255])
      .join('.');
  }
  return (isLow ? groups : groups.slice(0, 4)).map((group) => group.toString(16)).join(':');
}

/** The eight groups of an IPv6 address without a dotted part. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::', 2);
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap: string[] = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...gap, ...after].map((group) => Number.parseInt(group, 16));
}
