import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { readMappingFile } from '../../../src/config/mapping-file.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { Access } from '../../../src/server/access/access.ts';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { readAccounts, readUsersFile } from '../../../src/server/access/users-file.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const USERS = `${ROOT}configs/users.yaml`;

test('every example in configs is a right configuration or users file', async (t) => {
  // Beside them lie folders for other programs.
  const names = (await readdir(`${ROOT}configs`)).filter((name) => /\.(yaml|json)$/.test(name));
  t.true(names.length >= 5);
  for (const name of names) {
    const path = `${ROOT}configs/${name}`;
    if (name === 'users.yaml') {
      t.is(readUsersFile(path).kind, 'accounts');
      continue;
    }
    const read = readMappingFile(path);
    if (read.kind === 'problem') {
      t.fail(read.problem);
      continue;
    }
    const file = { path, values: read.values };
    const machine = { cores: 4, hostName: 'box' };
    const resolution = resolveConfig({ flags: new Map(), environment: new Map(), file, machine });
    if (resolution.kind === 'problems') {
      t.fail(resolution.problems.join('\n'));
      continue;
    }
    const { usersFile } = resolution.resolved.config;
    if (usersFile !== '') t.is(readAccounts({ password: '', usersFile: ROOT + usersFile }).kind, 'accounts', name);
  }
});

test('the secrets that the example of users names let its users in', async (t) => {
  const read = readUsersFile(USERS);
  const access = new Access(read.kind === 'accounts' ? read.accounts : [], { nowMs: Date.now });
  const nameOf = async (authorization: string) => {
    const user = await access.authenticate(authorization, '127.0.0.1');
    return user instanceof AccessUser ? user.name : user.code;
  };
  t.is(await nameOf(`Basic ${btoa('shop:correct horse battery staple')}`), 'shop');
  t.is(await nameOf('Bearer example-token'), 'reports');
  t.is(await nameOf('Bearer example-admin-token'), 'operator');
  t.is(await nameOf('Bearer example'), 'wrong-password');
});
