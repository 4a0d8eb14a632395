import { z } from 'zod';
import { nearest } from '../../base/nearest.ts';
import { readMappingFile } from '../../config/mapping-file.ts';
import type { Account } from './access.ts';
import { AccessUser, rights } from './rights.ts';
import { digestOf, parsePasswordHash } from './secrets.ts';

export type Accounts =
  | { readonly kind: 'accounts'; readonly accounts: readonly Account[] }
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

const NAME = /^[\w.@-]{1,128}$/;

/** One user of the file, under his name. Messages complete 'users.yaml: user app, FIELD: …'. */
const userSchema = z.object({
  password: z
    .string('must be a hash, as --hash-password prints it')
    .transform((text, context) => {
      const hash = parsePasswordHash(text);
      if (hash !== undefined) return hash;
      // The text may be a password in the clear: it is not repeated.
      context.addIssue({ code: 'custom', message: 'must be a hash, as --hash-password prints it' });
      return z.NEVER;
    })
    .optional(),
  tokens: z
    .array(
      z
        .string('must be sha256: and 64 hexadecimal digits')
        .regex(/^sha256:[\da-f]{64}$/i, 'must be sha256: and 64 hexadecimal digits')
        .transform((text) => text.slice('sha256:'.length).toLowerCase()),
      'must be a list of token digests',
    )
    .default([]),
  rights: z.array(z.enum(rights, `must be one of ${rights.join(', ')}`), `must be a list of ${rights.join(', ')}`),
  keys: z
    .array(z.string('must be a pattern, in quotes').min(1, 'must not be empty'), 'must be a list of key patterns')
    .default(['*']),
});

const fields = Object.keys(userSchema.shape);

/**
 * The accounts of a users file, YAML or JSON:
 *
 *     users:
 *       app:
 *         password: scrypt$…        # as --hash-password prints it, or
 *         tokens: [sha256:…]        # digests of bearer tokens
 *         rights: [read, write]     # of read, write (which covers commands that return what they replace), admin
 *         keys: ['session:*']       # patterns as KEYS takes them; all keys when left out
 */
export function readUsersFile(path: string): Accounts {
  const file = readMappingFile(path);
  if (file.kind === 'problem') return { kind: 'problems', problems: [file.problem] };
  const problems: string[] = [];
  const accounts: Account[] = [];
  for (const key of file.values.keys()) {
    if (key !== 'users') problems.push(`${path}: ${JSON.stringify(key)} is not allowed here. Allowed: users.`);
  }
  const users = file.values.get('users');
  if (!(users instanceof Map) || users.size === 0) {
    problems.push(`${path}: needs users, each with a name: 'users: {app: {tokens: […], rights: [read]}}'.`);
    return { kind: 'problems', problems };
  }
  for (const [name, entry] of users) {
    if (typeof name !== 'string' || !NAME.test(name)) {
      problems.push(
        `${path}: ${JSON.stringify(name)} is no name for a user. Allowed: letters, digits, . _ @ -, at most 128.`,
      );
      continue;
    }
    const where = `${path}: user ${name}`;
    if (!(entry instanceof Map)) {
      problems.push(`${where}: must have fields. Allowed: ${fields.join(', ')}.`);
      continue;
    }
    const before = problems.length;
    for (const field of entry.keys()) {
      if (fields.includes(String(field))) continue;
      const near = nearest(String(field), fields);
      const hint = near === undefined ? `Allowed: ${fields.join(', ')}.` : `Did you mean ${near}?`;
      problems.push(`${where}: there is no field ${JSON.stringify(field)}. ${hint}`);
    }
    const read = userSchema.safeParse(Object.fromEntries(entry));
    for (const { path: at, message } of read.error?.issues ?? []) {
      const field = at.map((part) => (typeof part === 'number' ? `[${part}]` : String(part))).join('');
      problems.push(`${where}, ${field}: ${message}.`);
    }
    if (!read.success) continue;
    const { password, tokens, rights: granted, keys } = read.data;
    if (password === undefined && tokens.length === 0) problems.push(`${where}: needs a password or tokens.`);
    if (problems.length === before) {
      accounts.push({ user: new AccessUser(name, granted, keys), password: password ?? null, tokenDigests: tokens });
    }
  }
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'accounts', accounts };
}

/** The user that `--password` makes: `default`, who may do everything. */
function defaultAccount(password: string): Account {
  return { user: new AccessUser('default', rights, ['*']), password: null, tokenDigests: [digestOf(password)] };
}

/** All who may be let in, by the options `password` and `usersFile` ('' when not set). */
export function readAccounts({ password, usersFile }: { password: string; usersFile: string }): Accounts {
  const accounts: Account[] = password === '' ? [] : [defaultAccount(password)];
  if (usersFile === '') return { kind: 'accounts', accounts };
  const file = readUsersFile(usersFile);
  if (file.kind === 'problems') return file;
  if (password !== '' && file.accounts.some(({ user }) => user.name === 'default')) {
    const problem = `${usersFile}: user default is set by the option password, too. Remove the one or the other.`;
    return { kind: 'problems', problems: [problem] };
  }
  return { kind: 'accounts', accounts: [...accounts, ...file.accounts] };
}
