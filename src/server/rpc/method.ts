import type { Command } from '../../command/command.ts';
import type { CommandTable } from '../../command/table.ts';

/** Methods that are not the table's, or not as the table has them. */
export const ownMethods = ['auth', 'batch', 'entry', 'hello'] as const;
export type OwnMethod = (typeof ownMethods)[number];

/** Names longer than this are none. */
const NAME_BYTES_MAX = 64;

/** What a method's name stands for; refilled by every `find`. */
export class Method {
  command: Command | null = null;
  own: OwnMethod | null = null;
  /** The subcommand's own name, where the method named one. */
  subcommand = '';
  /** Where the name of the command, or of its container, ends. */
  nameEnd = 0;
  readonly #table: CommandTable;

  constructor(table: CommandTable) {
    this.#table = table;
  }

  /** Finds the method named by the bytes; false when there is none, or no command that clients may name. */
  find(bytes: Uint8Array, start: number, end: number): boolean {
    this.own = null;
    this.subcommand = '';
    this.nameEnd = end;
    this.command = this.#table.find(bytes, start, end);
    if (this.command !== null && !isShared(this.command.name)) return this.#isOffered(this.command);
    if (end - start > NAME_BYTES_MAX) return false;
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
      .toString('latin1')
      .toLowerCase();
    if (isOwnMethod(name)) {
      this.own = name;
      return true;
    }
    const space = name.indexOf(' ');
    if (space < 0) return this.command !== null && this.#isOffered(this.command);
    const gap = start + space;
    const container = this.#table.find(bytes, start, gap);
    if (container?.kind !== 'container') return false;
    this.command = this.#table.findSubcommand(container, bytes, gap + 1, end);
    this.subcommand = name.slice(space + 1);
    this.nameEnd = gap;
    return this.command !== null;
  }

  #isOffered({ name, group }: Command): boolean {
    return group !== 'internal' && !name.includes('|');
  }
}

function isOwnMethod(name: string): name is OwnMethod {
  return (ownMethods as readonly string[]).includes(name);
}

/** Commands of RESP whose names are methods of another kind here. */
function isShared(name: string): boolean {
  return name === 'auth' || name === 'hello';
}
