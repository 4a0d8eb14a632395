import { ChangeKind } from '../../base/change.ts';

/** What can be asked for, a bit each: where events are published, then classes of events. */
const bits: Readonly<Record<string, number>> = {
  K: 1 << 0,
  E: 1 << 1,
  g: 1 << 2,
  $: 1 << 3,
  l: 1 << 4,
  s: 1 << 5,
  h: 1 << 6,
  z: 1 << 7,
  x: 1 << 8,
  e: 1 << 9,
  t: 1 << 10,
  d: 1 << 11,
  n: 1 << 12,
  m: 1 << 13,
};

/** The classes that `A` stands for, in the order Redis tells them in. */
const classesOfAll = 'g$lshzxetd';

export const NotificationFlag = {
  keyspace: bits['K'] as number,
  keyevent: bits['E'] as number,
  generic: bits['g'] as number,
  string: bits['$'] as number,
  expired: bits['x'] as number,
  evicted: bits['e'] as number,
  module: bits['d'] as number,
  created: bits['n'] as number,
} as const;

const all = [...classesOfAll].reduce((mask, letter) => mask | (bits[letter] as number), 0);

/** The flags that a text such as `KEA` asks for; null when it holds a letter that means nothing. */
export function notificationFlagsOf(text: string): number | null {
  let flags = 0;
  for (const letter of text) {
    if (letter === 'A') flags |= all;
    else if (Object.hasOwn(bits, letter)) flags |= bits[letter] as number;
    else return null;
  }
  return flags;
}

/** The text CONFIG GET tells: all classes as `A`, letters in Redis's order. */
export function notificationTextOf(flags: number): string {
  const isAll = (flags & all) === all;
  let text = isAll ? 'A' : '';
  // As Redis: what `A` does not stand for is not told beside it, but for `m`.
  const letters = isAll ? 'KEm' : `${classesOfAll}nKEm`;
  for (const letter of letters) if ((flags & (bits[letter] as number)) !== 0) text += letter;
  return text;
}

/** What Redis says of a text that `notificationFlagsOf` does not take. */
export const invalidNotificationFlags = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";

/** The class of an event: of the kind of change, else of the command that made it. */
export function notificationClassOf(kind: ChangeKind, event: string): number {
  if (kind === ChangeKind.expired) return NotificationFlag.expired;
  if (kind === ChangeKind.evicted) return NotificationFlag.evicted;
  if (event.startsWith('json.')) return NotificationFlag.module;
  if (kind !== ChangeKind.set) return NotificationFlag.generic;
  return genericWrites.has(event) ? NotificationFlag.generic : NotificationFlag.string;
}

/** Writes of a value that are of no type: they are the same for all. */
const genericWrites: ReadonlySet<string> = new Set(['rename_to', 'copy_to', 'restore', 'move_to']);
