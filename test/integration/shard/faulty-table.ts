import { type CommandDeclaration, firstKey, type WriteCommand } from '../../../src/command/command.ts';
import { families } from '../../../src/command/families.ts';
import { CommandTable } from '../../../src/command/table.ts';

export const faultNames = [
  'fault.throw',
  'fault.assert',
  'fault.outside',
  'fault.heap',
  'fault.hang',
  'fault.exit',
  'fault.oversleep',
  'fault.group',
] as const;
export type FaultName = (typeof faultNames)[number];

/** The table of commands, and behind it commands that fail; a front end needs their rows, only a shard what they do. */
export function faultyTable(runs: { readonly [name in FaultName]: WriteCommand['run'] }): CommandTable {
  const rows = faultNames.map(
    (name): CommandDeclaration => ({
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
      run: runs[name],
    }),
  );
  return new CommandTable([...families, ...rows]);
}

function never(): void {
  throw new Error('runs in a shard only');
}

export const faultyFrontTable = faultyTable({
  'fault.throw': never,
  'fault.assert': never,
  'fault.outside': never,
  'fault.heap': never,
  'fault.hang': never,
  'fault.exit': never,
  'fault.oversleep': never,
  'fault.group': never,
});
