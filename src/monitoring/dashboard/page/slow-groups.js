/** @import { SlowCommand } from '../feed.ts' */

/** Commands of one pipeline end at once, and wait for the same. */
const TOGETHER_MS = 100;

/**
 * @typedef {object} SlowGroup Slow commands of one client at one moment, of one name.
 * @property {SlowCommand} first the longest of them
 * @property {number} count
 */

/**
 * Puts together what was slow together: a pipeline that had to wait is not many slow commands.
 *
 * @param {readonly SlowCommand[]} commands the latest first
 * @returns {SlowGroup[]}
 */
export function slowGroups(commands) {
  /** @type {SlowGroup[]} */
  const groups = [];
  /** @type {Map<string, {at: number, atMs: number}>} */
  const open = new Map();
  for (const command of commands) {
    const name = `${command.client} ${command.words[0]?.toUpperCase() ?? ''}`;
    const last = open.get(name);
    const group = last === undefined ? undefined : groups[last.at];
    if (last !== undefined && group !== undefined && last.atMs - command.atMs <= TOGETHER_MS) {
      const first = command.durationMs > group.first.durationMs ? command : group.first;
      groups[last.at] = { first, count: group.count + 1 };
    } else {
      open.set(name, { at: groups.length, atMs: command.atMs });
      groups.push({ first: command, count: 1 });
    }
  }
  return groups;
}
