import type { ErrorCode } from '../../base/errors.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { globMatches } from '../../command/glob.ts';
import { lastKeyOf } from '../../command/table.ts';
import { covers } from './covers.ts';

export const rights = ['read', 'write', 'admin'] as const;
export type Right = (typeof rights)[number];

/** Why a user may not do what he asked for. */
export interface Denial {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Who sends a command, and what he may do. */
export class AccessUser {
  readonly name: string;
  /** May do everything: nothing needs to be asked. */
  readonly isUnrestricted: boolean;
  readonly #rights: ReadonlySet<Right>;
  /** Patterns, as KEYS takes them, of the keys he may name; null: all. */
  readonly #keyPatterns: readonly Uint8Array[] | null;

  constructor(name: string, granted: readonly Right[], keyPatterns: readonly string[]) {
    this.name = name;
    this.#rights = new Set(granted);
    this.#keyPatterns = keyPatterns.includes('*') ? null : keyPatterns.map((pattern) => Buffer.from(pattern));
    this.isUnrestricted = this.#keyPatterns === null && rights.every((right) => this.#rights.has(right));
  }

  has(right: Right): boolean {
    return this.#rights.has(right);
  }

  /** May name any key. */
  get mayUseAllKeys(): boolean {
    return this.#keyPatterns === null;
  }

  /** Patterns of the keys he may name; null: all. */
  get keyPatterns(): readonly string[] | null {
    return this.#keyPatterns?.map((pattern) => Buffer.from(pattern).toString('utf8')) ?? null;
  }

  /** What the user may do, in the notation of ACL LIST. */
  get rules(): string {
    const patterns = (this.keyPatterns ?? ['*']).map((pattern) => `~${pattern}`);
    const granted = rights.filter((right) => this.#rights.has(right)).map((right) => `+@${right}`);
    const commands = granted.length === rights.length ? ['+@all'] : ['-@all', ...granted];
    return [...patterns, '&*', ...commands].join(' ');
  }

  /** Null when the user may run this command with these arguments. */
  denialOf(command: Command, args: Args): Denial | null {
    if (this.isUnrestricted) return null;
    for (const right of rightsNeeded(command)) {
      if (!this.#rights.has(right)) {
        return forbidden(`User ${this.name} has no permissions to run the '${command.name}' command`);
      }
    }
    if (this.#keyPatterns === null) return null;
    if ((command.kind === 'survey' || command.kind === 'steps') && command.patternOf !== undefined) {
      const asked = command.patternOf(args);
      if (asked !== null && this.#keyPatterns.some((pattern) => covers(pattern, asked))) return null;
      const patterns = this.keyPatterns?.join(', ') || 'none';
      const does = command.kind === 'survey' ? 'list' : 'name';
      return forbidden(`User ${this.name} may ${does} keys within the patterns of his keys only: ${patterns}`);
    }
    if (command.kind === 'survey' || command.kind === 'steps' || command.kind === 'sweep') {
      return forbidden(`User ${this.name} has no permissions on all keys, which the '${command.name}' command needs`);
    }
    const { first, step } = command.keys;
    if (step === 0) return null;
    const last = lastKeyOf(command, args);
    for (let at = first; at <= last; at += step) {
      if (!this.mayUseKey(args.bytes, args.start(at), args.end(at))) {
        return forbidden('No permissions to access a key');
      }
    }
    return null;
  }

  mayUseKey(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#keyPatterns === null) return true;
    for (const pattern of this.#keyPatterns) {
      if (globMatches(pattern, bytes, start, end)) return true;
    }
    return false;
  }
}

/** Admission of whoever asks, where no credentials are configured. */
export const everybody = new AccessUser('default', rights, ['*']);

function* rightsNeeded({ flags }: Command): Generator<Right> {
  if (flags.includes('admin')) yield 'admin';
  if (flags.includes('write')) yield 'write';
  if (flags.includes('readonly')) yield 'read';
}

function forbidden(message: string): Denial {
  return { code: 'forbidden', message };
}
