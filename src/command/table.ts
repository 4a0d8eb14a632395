import { AssertionError, assert } from '../base/assert.ts';
import type { Args } from './args.ts';
import type { Command, CommandDeclaration } from './command.ts';
import { families } from './families.ts';
import { quote } from './quote.ts';
import type { ReplyWriter } from './reply.ts';

/** Longest name of a command or subcommand; longer ones are unknown without being looked at. */
const nameBytesMax = 32;
/** Of the name and of the arguments together, what the error for an unknown command repeats, as in Redis. */
const quotedBytesMax = 128;

const firstHash = 0x811c9dc5;
const barByte = Uint8Array.of(0x7c);

/** All commands: by number, by name, and by name as it stands in a request. */
export class CommandTable {
  readonly commands: readonly Command[];
  readonly #byName = new Map<string, Command>();
  /** Open addressing over the hash of the lower-case name: index in `commands` + 1; 0 is an empty slot. */
  readonly #slots: Uint16Array;
  readonly #names: readonly Uint8Array[];
  /** 1 for what no request can name on its own: internal commands and subcommands. */
  readonly #hidden: Uint8Array;

  constructor(declarations: readonly CommandDeclaration[]) {
    this.commands = declarations.map((declaration, id) => ({ ...declaration, id }));
    this.#names = this.commands.map((command) => Uint8Array.from(command.name, (char) => char.charCodeAt(0)));
    this.#hidden = Uint8Array.from(this.commands, ({ name, group }) => +(group === 'internal' || name.includes('|')));
    this.#slots = new Uint16Array(2 ** Math.ceil(Math.log2(declarations.length * 4)));
    for (const command of this.commands) {
      assert(!this.#byName.has(command.name), `the command ${command.name} is declared once`);
      assert(
        command.name.length <= nameBytesMax && command.name === command.name.toLowerCase(),
        'names are as they must be',
      );
      this.#byName.set(command.name, command);
      const name = this.#names[command.id] as Uint8Array;
      let slot = this.#firstSlot(hashOf(firstHash, name, 0, name.length));
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (this.#slots.length - 1);
      this.#slots[slot] = command.id + 1;
    }
  }

  byId(id: number): Command {
    const command = this.commands[id];
    if (command === undefined) throw new AssertionError(`there is a command ${id}`);
    return command;
  }

  /** The command of that lower-case name. */
  named(name: string): Command {
    const command = this.#byName.get(name);
    if (command === undefined) throw new AssertionError(`there is a command ${name}`);
    return command;
  }

  /** As COMMAND tells of it: by its lower-case full name; undefined for internal ones, too. */
  described(name: string): Command | undefined {
    const command = this.#byName.get(name);
    return command === undefined || command.group === 'internal' ? undefined : command;
  }

  /** The command named by bytes in any case, internal ones included; null when there is none. Allocates nothing. */
  find(bytes: Uint8Array, start: number, end: number): Command | null {
    if (end - start > nameBytesMax) return null;
    return this.#probe(hashOf(firstHash, bytes, start, end), bytes, start, end, 0, 0);
  }

  /** The subcommand of `container` named by bytes in any case; null when there is none. */
  findSubcommand(container: Command, bytes: Uint8Array, start: number, end: number): Command | null {
    if (end - start + container.name.length + 1 > nameBytesMax) return null;
    const prefix = this.#names[container.id] as Uint8Array;
    let hash = hashOf(firstHash, prefix, 0, prefix.length);
    hash = hashOf(hash, barByte, 0, 1);
    return this.#probe(hashOf(hash, bytes, start, end), bytes, start, end, container.id, prefix.length + 1);
  }

  /**
   * The command a request names, subcommands resolved (their name stays argument 0), its number of arguments and the
   * length of its keys checked. Null when it cannot be run: the reason is then written to `reply`.
   */
  resolve(
    bytes: Uint8Array,
    start: number,
    end: number,
    args: Args,
    keyBytesMax: number,
    reply: ReplyWriter,
  ): Command | null {
    let command = this.find(bytes, start, end);
    if (command === null || this.#hidden[command.id] === 1) {
      reply.error('unknown-command', unknownCommand(bytes, start, end, args));
      return null;
    }
    if (command.kind === 'container' && args.count > 0) {
      const container = command;
      command = this.findSubcommand(container, args.bytes, args.start(0), args.end(0));
      if (command === null) {
        const name = quote(args.bytes, args.start(0), args.end(0), quotedBytesMax);
        const text = `unknown subcommand '${name}'. Try ${container.name.toUpperCase()} HELP.`;
        reply.error('unknown-command', text);
        return null;
      }
    } else if (command.kind === 'container' && command.bare !== undefined) command = this.named(command.bare);
    if (command.kind === 'container' || !hasArity(command, args.count) || hasHalfGroup(command, args)) {
      reply.error('arity', `wrong number of arguments for '${command.name}' command`);
      return null;
    }
    return keysFit(command, args, keyBytesMax, reply) ? command : null;
  }

  #firstSlot(hash: number): number {
    return (hash ^ (hash >>> 15)) & (this.#slots.length - 1);
  }

  /** Compares `bytes[start..end)` with each candidate's name from `skip` on, and the rest with the container's name. */
  #probe(hash: number, bytes: Uint8Array, start: number, end: number, container: number, skip: number): Command | null {
    let slot = this.#firstSlot(hash);
    for (;;) {
      const id = (this.#slots[slot] as number) - 1;
      if (id < 0) return null;
      const name = this.#names[id] as Uint8Array;
      if (name.length === skip + end - start && sameLetters(name, skip, bytes, start, end)) {
        if (skip === 0 || sameLetters(name, 0, this.#names[container] as Uint8Array, 0, skip - 1)) return this.byId(id);
      }
      slot = (slot + 1) & (this.#slots.length - 1);
    }
  }
}

/** The table of this version. Every thread builds the same one, so that ids mean the same in all. */
export const commandTable = new CommandTable(families);

/** Whether a command may have `argCount` arguments, its name not counted. */
export function hasArity(command: Command, argCount: number): boolean {
  return command.arity > 0 ? argCount + 1 === command.arity : argCount + 1 >= -command.arity;
}

/** Index of the command's last key among `args`; only for a command that has keys. */
export function lastKeyOf(command: Command, args: Args): number {
  const last = command.keys.last;
  return last < 0 ? args.count + last : last;
}

/** Whether the last of a command's groups of a key and what belongs to it is cut short: MSET with an odd number. */
function hasHalfGroup(command: Command, args: Args): boolean {
  const { first, last, step } = command.keys;
  return step > 1 && last < 0 && (args.count - first) % step !== 0;
}

function keysFit(command: Command, args: Args, keyBytesMax: number, reply: ReplyWriter): boolean {
  const step = command.keys.step;
  if (step === 0) return true;
  const last = lastKeyOf(command, args);
  for (let at = command.keys.first; at <= last; at += step) {
    if (args.byteLength(at) > keyBytesMax) {
      reply.error('key-too-large', `key is too large: ${args.byteLength(at)} bytes, the limit is ${keyBytesMax}`);
      return false;
    }
  }
  return true;
}

function unknownCommand(bytes: Uint8Array, start: number, end: number, args: Args): string {
  let quoted = '';
  for (let at = 0; at < args.count && quoted.length < quotedBytesMax; at++) {
    quoted += `'${quote(args.bytes, args.start(at), args.end(at), quotedBytesMax - quoted.length)}' `;
  }
  return `unknown command '${quote(bytes, start, end, quotedBytesMax)}', with args beginning with: ${quoted}`;
}

/** FNV-1a over the bytes with letters in lower case. */
function hashOf(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = seed;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ lower(bytes[at] as number), 0x01000193);
  return hash >>> 0;
}

function sameLetters(name: Uint8Array, skip: number, bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start, index = skip; at < end; at++, index++) {
    if (lower(bytes[at] as number) !== name[index]) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
