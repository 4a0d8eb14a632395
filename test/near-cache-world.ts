import { NearCache } from '../src/client/near-cache/near-cache.ts';
import type { NearCacheLimits } from '../src/client/near-cache/near-options.ts';
import type { TrackedConnection } from '../src/client/near-cache/near-source.ts';
import type { Operation } from '../src/client/operation.ts';
import type { Entry } from '../src/client/operations.ts';
import { type ClientOptions, resolveOptions } from '../src/client/options.ts';
import type { Request } from '../src/client/request.ts';
import { RequestEncoder } from '../src/client/request-encoder.ts';
import { SlotMap, slotOfKey } from '../src/client/slot-map.ts';

/** Keys of both halves of the slots. */
export const worldKeys = ['a', 'b', 'c'] as const;
export const worldTags = ['x', 'y'] as const;
const SLOTS = 16_384;
const halves = [
  [0, SLOTS / 2 - 1],
  [SLOTS / 2, SLOTS - 1],
] as const;

type Half = 0 | 1;
type Floors = ReadonlyMap<string, number>;

/** A state of one key: each change makes the next. */
interface State {
  /** Grows over all keys. */
  readonly seq: number;
  /** Null: there is no such key. */
  readonly value: number | null;
  readonly tags: readonly string[];
  readonly expiresMs: number;
  /** When the next one took its place. */
  endedMs: number;
}

/** What a server has sent: an answer, or something unasked and what is known by it. */
type Message =
  | { readonly request: Request; readonly error: unknown; readonly result: unknown }
  | { readonly method: string; readonly params: readonly unknown[]; readonly floors: Floors; readonly ban: Ban | null };

/** Of a tag: states of a server's keys that bear it are over if they came before that turn. */
interface Ban {
  /** Those that the server serves. */
  readonly keys: readonly string[];
  readonly tag: string;
  readonly turn: number;
}

interface Taken {
  readonly request: Request;
  readonly key: string | null;
  /** What is to be answered, once it was run. */
  outcome: { readonly error: unknown; readonly result: unknown } | null;
  isAnswered: boolean;
}

function halfOf(key: string): Half {
  return slotOfKey(key) < SLOTS / 2 ? 0 : 1;
}

/** A connection, of which both ends and what is on its way are here. */
class Wire implements TrackedConnection {
  readonly endpoint;
  readonly isInCluster = true;
  isClosed = false;
  /** Nothing arrives, and nobody notices. */
  isHeld = false;
  isTracking = false;
  readonly node: number;
  readonly requests: { readonly request: Request; readonly key: string | null; readonly method: string }[] = [];
  readonly messages: Message[] = [];
  readonly noted = new Set<string>();
  readonly taken: Taken[] = [];
  /** Told again once so many of those taken are answered. */
  readonly late: { readonly message: Message; readonly taken: number }[] = [];
  /** Those who wait for what was sent. */
  readonly onLost: (() => void)[] = [];

  constructor(node: number) {
    this.node = node;
    const options: ClientOptions = { host: `n${node}`, port: 1 };
    this.endpoint = { ...resolveOptions(options).endpoint, wantsRedirects: true };
  }

  send(request: Request): void {
    // Asked for a key, it answers if it serves that.
    const { length } = existsBody;
    const isExists = Buffer.from(request.body.subarray(0, length)).equals(existsBody);
    if (isExists) this.read(request, Buffer.from(request.body.subarray(length + 2)).toString());
    else this.requests.push({ request, key: null, method: 'tracking' });
  }

  read(request: Request, key: string): void {
    this.requests.push({ request, key, method: 'entry' });
  }

  /** The server tells of a change, and again behind what it owes. */
  push(method: string, params: readonly unknown[], floors: Floors, ban: Ban | null = null): void {
    if (!this.isTracking) return;
    const message = { method, params, floors, ban };
    this.messages.push(message);
    if (this.taken.some(({ isAnswered }) => !isAnswered)) this.late.push({ message, taken: this.taken.length });
  }

  can(step: 'arrive' | 'run' | 'answer' | 'deliver'): boolean {
    if (step === 'arrive') return !this.isHeld && this.requests.length > 0;
    if (step === 'deliver') return !this.isHeld && this.messages.length > 0;
    if (step === 'run') return this.taken.some(({ outcome }) => outcome === null);
    return this.taken.some(({ isAnswered, outcome }) => !isAnswered && outcome !== null);
  }

  answer(index: number): void {
    const waiting = this.taken.filter(({ isAnswered, outcome }) => !isAnswered && outcome !== null);
    const one = waiting[index % waiting.length];
    if (one?.outcome === undefined || one.outcome === null) return;
    one.isAnswered = true;
    this.messages.push({ request: one.request, ...one.outcome });
    const first = this.taken.findIndex(({ isAnswered }) => !isAnswered);
    const answered = first < 0 ? this.taken.length : first;
    while (this.late.length > 0 && (this.late[0]?.taken ?? 0) <= answered) {
      const due = this.late.shift();
      if (due !== undefined) this.messages.push(due.message);
    }
  }
}

/** The name of the method alone: behind it are the marks of one parameter, a text, and that. */
const existsBody = Buffer.from(new RequestEncoder().encode('exists', [])).subarray(0, 7);

/** One client: its cache, its connections, and what it has been told. */
class WorldClient {
  readonly near: NearCache;
  readonly wires: Wire[] = [];
  /** Newest states that invalidations which arrived told of. */
  readonly floors = new Map<string, number>();
  /** Of a key's tag, as `key tag`: the newest turn before which states that bear it are over. */
  readonly bans = new Map<string, number>();
  owners: readonly [number, number] = [0, 1];

  constructor(limits: NearCacheLimits, nowMs: () => number) {
    this.near = new NearCache(limits, nowMs);
  }
}

/**
 * Two servers that share the keys, clients with near caches, and the connections between them, in which everything happens
 * when it is told to: requests arrive, are run, are answered, answers and invalidations arrive. It notes whatever must not be.
 */
export class NearCacheWorld {
  readonly clients: WorldClient[] = [];
  readonly faults: string[] = [];
  hits = 0;
  nowMs = 1000;
  readonly #limits: NearCacheLimits;
  readonly #histories = new Map<string, State[]>();
  #owners: [number, number] = [0, 1];
  /** What had happened when each half was moved last. */
  readonly #movedAt: [number, number] = [0, 0];
  #seq = 0;
  #pending = 0;

  readonly #nodesOfWires: readonly number[];

  /** `poolSize` is the number of connections of each client to each server, 1 or 2. */
  constructor(clientCount: number, poolSize: number, limits: NearCacheLimits) {
    this.#limits = limits;
    this.#nodesOfWires = poolSize === 1 ? [0, 1] : [0, 1, 0, 1];
    for (const key of worldKeys) {
      this.#histories.set(key, [{ seq: 0, value: null, tags: [], expiresMs: Infinity, endedMs: Infinity }]);
    }
    for (let index = 0; index < clientCount; index++) {
      const client = new WorldClient(limits, () => this.nowMs);
      client.near.onMap(this.#map());
      for (const node of this.#nodesOfWires) this.#connect(client, node);
      this.clients.push(client);
    }
  }

  // What clients do.

  get(client: WorldClient, key: string, wire: number): void {
    const floor = client.floors.get(key) ?? 0;
    const facts = client.near.find(key);
    if (facts !== null) {
      this.hits++;
      this.#checkHit(client, key, facts.version === 0 ? null : Number(facts.value));
      return;
    }
    const run = (operation: Operation<Entry<number> | null>): Promise<Entry<number> | null> =>
      new Promise((resolve, reject) => {
        const owner = client.owners[halfOf(key)];
        const wires = client.wires.filter((one) => one.node === owner);
        const chosen = wires[wire % wires.length] as Wire;
        chosen.onLost.push(() => reject(new Error('lost')));
        const request: Request = {
          body: new Uint8Array(0),
          isSettled: false,
          wasSent: false,
          onAnswer: (error, result, from) => {
            if (error === null) resolve(operation.decode(result, from));
            else reject(error);
          },
          onLost: () => undefined,
        };
        chosen.read(request, key);
      });
    this.#pending++;
    client.near
      .load<number>(key, run)
      .then(
        (entry) => this.#checkRead(key, entry?.value ?? null, floor),
        () => undefined,
      )
      .finally(() => this.#pending--);
  }

  learnMap(client: WorldClient): void {
    for (const key of worldKeys) {
      const half = halfOf(key);
      if (client.owners[half] === this.#owners[half]) continue;
      // What it was then is as old as anything may be from now on.
      const then = this.#histories.get(key)?.findLast(({ seq }) => seq <= this.#movedAt[half]);
      client.floors.set(key, Math.max(then?.seq ?? 0, client.floors.get(key) ?? 0));
    }
    client.owners = [...this.#owners];
    client.near.onMap(this.#map());
  }

  // What becomes of the keys.

  write(key: string, tags: readonly string[], ttlMs: number): void {
    this.#change(key, ++this.#seq, tags, ttlMs > 0 ? this.nowMs + ttlMs : Number.POSITIVE_INFINITY);
  }

  remove(key: string): void {
    if (this.#now(key).value !== null) this.#change(key, null, [], Number.POSITIVE_INFINITY);
  }

  invalidate(tag: string): void {
    const floors: [Map<string, number>, Map<string, number>] = [new Map(), new Map()];
    const turn = this.#seq;
    for (const key of worldKeys) {
      if (!this.#now(key).tags.includes(tag)) continue;
      this.#end(key, null, [], Number.POSITIVE_INFINITY);
      floors[this.#owners[halfOf(key)] as 0 | 1].set(key, this.#seq);
    }
    for (const wire of this.#wires()) {
      const keys = worldKeys.filter((key) => this.#owners[halfOf(key)] === wire.node);
      // Of two connections to a server, either may be behind: what is known by one is what bore the tag.
      const own = this.#nodesOfWires.length > 2 ? new Map<string, number>() : floors[wire.node as 0 | 1];
      wire.push('invalidate-tags', [[tag]], own, { keys, tag, turn });
    }
  }

  clear(): void {
    for (const key of worldKeys) this.#end(key, null, [], Number.POSITIVE_INFINITY);
    for (const wire of this.#wires()) {
      const own = worldKeys.filter((key) => this.#owners[halfOf(key)] === wire.node);
      wire.noted.clear();
      wire.push('invalidate', [null], new Map(own.map((key) => [key, this.#now(key).seq])));
    }
  }

  advance(ms: number): void {
    this.nowMs += ms;
    for (const key of worldKeys) if (this.#now(key).expiresMs <= this.nowMs) this.remove(key);
    for (const { near } of this.clients) near.look();
  }

  // What becomes of nodes and connections.

  move(half: Half): void {
    this.#owners[half] = 1 - this.#owners[half];
    this.#movedAt[half] = this.#seq;
    for (const wire of this.#wires()) wire.push('invalidate-slots', [[halves[half]]], new Map());
  }

  cut(client: WorldClient, index: number): void {
    const wire = client.wires[index % client.wires.length] as Wire;
    wire.isClosed = true;
    client.wires.splice(client.wires.indexOf(wire), 1);
    client.near.detach(wire);
    for (const lose of wire.onLost) lose();
    this.#connect(client, wire.node);
  }

  hold(client: WorldClient, index: number): void {
    const wire = client.wires[index % client.wires.length] as Wire;
    wire.isHeld = !wire.isHeld;
  }

  // What happens on the way.

  /** Takes a step on one of the connections on which that step can be taken. */
  proceed(step: 'arrive' | 'run' | 'answer' | 'deliver', choice: number): void {
    const ready: (readonly [WorldClient, Wire])[] = [];
    for (const client of this.clients) {
      for (const wire of client.wires) if (wire.can(step)) ready.push([client, wire]);
    }
    const chosen = ready[choice % ready.length];
    if (chosen === undefined) return;
    const [client, wire] = chosen;
    if (step === 'arrive') this.arrive(wire);
    else if (step === 'run') this.run(wire);
    else if (step === 'answer') wire.answer(choice);
    else this.deliver(client, wire);
  }

  arrive(wire: Wire): void {
    if (wire.isHeld) return;
    const next = wire.requests.shift();
    if (next === undefined) return;
    if (next.method === 'tracking') wire.isTracking = true;
    if (next.key !== null && wire.isTracking) wire.noted.add(next.key);
    const outcome = next.key === null ? { error: null, result: null } : null;
    wire.taken.push({ request: next.request, key: next.key, outcome, isAnswered: false });
  }

  run(wire: Wire): void {
    const next = wire.taken.find(({ outcome }) => outcome === null);
    if (next === undefined || next.key === null) return;
    if (this.#owners[halfOf(next.key)] !== wire.node) {
      next.outcome = { error: { code: 'moved', message: '' }, result: null };
      return;
    }
    const { value, tags, expiresMs, seq } = this.#now(next.key);
    const ttlMs = expiresMs === Number.POSITIVE_INFINITY ? null : Math.max(1, expiresMs - this.nowMs);
    const result = value === null ? null : { value, version: seq, ttlMs, contentType: null, tags };
    next.outcome = { error: null, result };
  }

  deliver(client: WorldClient, wire: Wire): void {
    if (wire.isHeld) return;
    const message = wire.messages.shift();
    if (message === undefined) return;
    if ('request' in message) {
      message.request.onAnswer(message.error, message.result, wire);
      return;
    }
    client.near.onNotification(message.method, message.params);
    for (const [key, seq] of message.floors) {
      client.floors.set(key, Math.max(seq, client.floors.get(key) ?? 0));
    }
    const { ban } = message;
    if (ban !== null) for (const key of ban.keys) client.bans.set(`${key} ${ban.tag}`, ban.turn);
  }

  /** Lets everything arrive. */
  async settle(): Promise<void> {
    for (const client of this.clients) for (const wire of client.wires) wire.isHeld = false;
    for (const client of this.clients) this.learnMap(client);
    for (let isBusy = true; isBusy || this.#pending > 0; ) {
      isBusy = false;
      for (const client of this.clients) {
        for (const wire of client.wires) {
          const open = wire.taken.some(({ isAnswered }) => !isAnswered);
          isBusy ||= wire.requests.length > 0 || wire.messages.length > 0 || open;
          this.arrive(wire);
          this.run(wire);
          wire.answer(0);
          this.deliver(client, wire);
        }
      }
      await null;
    }
  }

  /** After `settle`: nobody keeps anything but what is there. */
  checkAgreement(): number {
    let kept = 0;
    for (const [index, { near }] of this.clients.entries()) {
      for (const key of worldKeys) {
        const facts = near.find(key);
        if (facts === null) continue;
        kept++;
        const known = facts.version === 0 ? null : facts.value;
        const { value } = this.#now(key);
        if (known !== value) this.faults.push(`client ${index} keeps ${key} = ${String(known)}, which is ${value}`);
      }
    }
    return kept;
  }

  #wires(): Wire[] {
    return this.clients.flatMap(({ wires }) => wires);
  }

  #connect(client: WorldClient, node: number): void {
    const wire = new Wire(node);
    client.wires.push(wire);
    client.near.attach(wire);
  }

  #map(): SlotMap {
    const ranges = halves.map(([first, last], half) => [first, last, [`n${this.#owners[half as Half]}`, 1]]);
    return SlotMap.read(ranges, '');
  }

  #now(key: string): State {
    return this.#histories.get(key)?.at(-1) as State;
  }

  #change(key: string, value: number | null, tags: readonly string[], expiresMs: number): void {
    this.#end(key, value, tags, expiresMs);
    const owner = this.#owners[halfOf(key)];
    for (const wire of this.#wires()) {
      if (wire.node === owner && wire.noted.delete(key)) {
        wire.push('invalidate', [[key]], new Map([[key, this.#now(key).seq]]));
      }
    }
  }

  #end(key: string, value: number | null, tags: readonly string[], expiresMs: number): void {
    this.#now(key).endedMs = this.nowMs;
    const seq = value ?? ++this.#seq;
    this.#histories.get(key)?.push({ seq, value, tags, expiresMs, endedMs: Infinity });
  }

  #checkHit(client: WorldClient, key: string, value: number | null): void {
    const floor = client.floors.get(key) ?? 0;
    const states = this.#histories.get(key)?.filter((state) => state.value === value) ?? [];
    const isOver = ({ tags, seq }: State) => tags.some((tag) => seq <= (client.bans.get(`${key} ${tag}`) ?? -1));
    const young = states.filter((state) => state.seq >= floor && !isOver(state));
    if (young.length === 0) this.faults.push(`${key} = ${value} is older than what was told (${floor}, or a tag)`);
    const oldestMs = this.nowMs - this.#limits.silenceMax;
    if (!young.some(({ endedMs }) => endedMs >= oldestMs)) {
      this.faults.push(`${key} = ${value} was changed more than ${this.#limits.silenceMax} ms ago`);
    }
    if (!young.some(({ expiresMs }) => expiresMs > this.nowMs)) this.faults.push(`${key} = ${value} is past its time`);
  }

  #checkRead(key: string, value: number | null, floor: number): void {
    const states = this.#histories.get(key) ?? [];
    if (states.some((state) => state.value === value && state.seq >= floor)) return;
    this.faults.push(`${key} was read as ${value}, older than ${floor}, which was told before it was asked for`);
  }
}
