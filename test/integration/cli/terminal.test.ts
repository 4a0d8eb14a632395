import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readAccounts } from '../../../src/server/access/users-file.ts';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';
import { program } from './program.ts';
import { isTmuxInstalled, Terminal } from './terminal.ts';

const node = sharedNode();
/** Without tmux there is no terminal to drive: these are shown as skipped. */
const inTerminal = isTmuxInstalled() ? test.serial : test.serial.skip;
const GREY = '\x1b[90m';

async function start(
  t: ExecutionContext,
  args: readonly string[],
  options: { columns?: number; environment?: Record<string, string> } = {},
): Promise<Terminal> {
  const terminal = await Terminal.start([...program, ...args], options);
  t.teardown(() => terminal.stop());
  return terminal;
}

async function shell(t: ExecutionContext, options: Parameters<typeof start>[2] = {}, args: readonly string[] = []) {
  const { tcpPort } = (await node()).node;
  const terminal = await start(t, ['-p', String(tcpPort), ...args], options);
  const prompt = `127.0.0.1:${tcpPort}>`;
  await terminal.untilLast(prompt);
  return { terminal, prompt };
}

inTerminal('Tab completes commands and option words, and lists them when there are several', async (t) => {
  const { terminal, prompt } = await shell(t);
  await terminal.type('getd');
  // Keys that come together count as pasted text, in which a tab is a tab.
  await terminal.untilLast(`${prompt} getd`);
  await terminal.press('Tab');
  await terminal.untilLast(`${prompt} getdel key`);
  await terminal.press('C-c');
  await terminal.untilLast(prompt);

  await terminal.type('exp');
  await terminal.untilLast(`${prompt} exp`);
  await terminal.press('Tab');
  await terminal.untilLast(/ expire key/);
  await terminal.press('Tab');
  await terminal.until('the commands are listed', (rows) =>
    rows.some((row) => /expire +expireat +expiretime/.test(row)),
  );
  await terminal.press('C-c');
  await terminal.untilLast(prompt);
  await terminal.type('SET k v IFV');
  await terminal.untilLast(/IFVERSION version/);
  await terminal.press('Tab');
  await terminal.untilLast(/SET k v IFVERSION version \[GET\]/);
  t.pass();
});

inTerminal(
  'what may follow is shown in grey behind the cursor while a line is typed, and is no part of it',
  async (t) => {
    const { terminal, prompt } = await shell(t, { columns: 120 });
    await terminal.type('expire name');
    const rows = await terminal.until(
      'the hint is there',
      (each) => each.at(-1)?.includes(`${GREY} seconds [NX | XX | GT | LT]`) === true,
      true,
    );
    t.true(rows.at(-1)?.startsWith(`${prompt} expire name`));
    t.is((await terminal.cursor())[0], `${prompt} expire name`.length);
    await terminal.press('Left');
    await terminal.untilLast(`${prompt} expire name`);
    await terminal.press('End', 'Enter');
    const screen = await terminal.until('there is an answer', (each) => each.length === 3);
    t.deepEqual(screen, [
      `${prompt} expire name`,
      "(error) ERR wrong number of arguments for 'expire' command",
      prompt,
    ]);
  },
);

inTerminal('Ctrl-C clears the line, and leaves on an empty one; Ctrl-D leaves, too', async (t) => {
  const { terminal, prompt } = await shell(t);
  await terminal.type('set lost');
  await terminal.untilLast(/set lost value/);
  await terminal.press('C-c');
  await terminal.untilLast(prompt);
  await terminal.type('ping');
  await terminal.press('Enter');
  await terminal.until('the line was empty', (rows) => rows[1] === 'PONG');
  await terminal.press('C-c');
  await terminal.untilLast('status 0');

  const second = await shell(t);
  await second.terminal.press('C-d');
  await second.terminal.untilLast('status 0');
  t.pass();
});

inTerminal('the history is kept for the next run, readable for its owner only, and without passwords', async (t) => {
  const state = await mkdtemp(join(tmpdir(), 'fluxcache-history-'));
  t.teardown(() => rm(state, { recursive: true }));
  const environment = { XDG_STATE_HOME: state };
  const { terminal, prompt } = await shell(t, { environment });
  await terminal.type('set remembered 1');
  await terminal.press('Enter');
  await terminal.until('it is set', (rows) => rows[1] === 'OK');
  await terminal.type('auth hush');
  await terminal.press('Enter');
  await terminal.until('AUTH is answered', (rows) => rows.at(-1) === prompt && rows.join().includes('(error)'));
  await terminal.press('Up');
  await terminal.untilLast(new RegExp(`^${prompt} set remembered 1`));
  await terminal.press('C-c', 'C-d');
  await terminal.untilLast('status 0');

  const again = await shell(t, { environment });
  await again.terminal.press('Up');
  await again.terminal.untilLast(new RegExp(`^${prompt} set remembered 1`));
  const path = join(state, 'fluxcache', 'history');
  t.is(await readFile(path, 'utf8'), 'set remembered 1\n');
  t.is((await stat(path)).mode & 0o777, 0o600);
});

inTerminal('in a window of 20 columns a hint is cut, and a line that wraps stays whole', async (t) => {
  const { terminal, prompt } = await shell(t, { columns: 20 });
  const text = 'set k 0123456789abcdefghijklmnopqrstuvwxyz';
  await terminal.type('se');
  // Behind the prompt and what is typed there is one column, and that stays free.
  await terminal.untilLast(`${prompt} se`);
  await terminal.type(text.slice(2));
  const whole = `${prompt} ${text}`;
  const wrapped = whole.match(/.{1,20}/g) ?? [];
  await terminal.until('the line has wrapped', (rows) => {
    const [last = '', ...before] = rows.slice().reverse();
    return before.reverse().join() === wrapped.slice(0, -1).join() && last.startsWith(wrapped.at(-1) as string);
  });
  // What fits of the hint stands in the last row, and never makes another.
  t.is((await terminal.rows()).length, wrapped.length);
  for (let count = 0; count < 26; count++) await terminal.press('BSpace');
  await terminal.until('it has one row less', (rows) => rows.length === wrapped.length - 1);
  await terminal.press('Enter');
  await terminal.untilLast(prompt);
  const stored = await (await node()).connect(2);
  t.is(await stored.call('GET', 'k'), '0123456789');
});

inTerminal('characters of two columns are counted as such by the cursor and by hints', async (t) => {
  const { terminal, prompt } = await shell(t, { columns: 40 });
  await terminal.type('set 世界');
  await terminal.untilLast(`${prompt} set 世界 value [NX | X`);
  t.is((await terminal.cursor())[0], `${prompt} set `.length + 4);
  await terminal.type(' é');
  await terminal.press('Left', 'Left', 'Left', 'BSpace');
  await terminal.until('世 is gone', (rows) => rows.at(-1)?.startsWith(`${prompt} set 界 é`) === true);
  t.is((await terminal.cursor())[0], `${prompt} set `.length);
  await terminal.press('Enter');
  await terminal.until('it is set', (rows) => rows.at(-2) === 'OK');
  await terminal.type('get 界');
  await terminal.press('Enter');
  await terminal.until('it is shown', (rows) => rows.at(-2) === '"\\xc3\\xa9"');
  t.pass();
});

inTerminal('NO_COLOR and a dumb terminal get neither colours nor hints', async (t) => {
  const { tcpPort } = (await node()).node;
  const prompt = `127.0.0.1:${tcpPort}>`;
  for (const setting of ['NO_COLOR=1', 'TERM=dumb']) {
    const terminal = await Terminal.start(['env', setting, ...program, '-p', String(tcpPort)]);
    t.teardown(() => terminal.stop());
    await terminal.untilLast(prompt);
    await terminal.type('set k');
    await terminal.untilLast(`${prompt} set k`);
    await terminal.press('Enter');
    const rows = await terminal.until('there is an answer', (each) => each.length > 2, true);
    t.false(rows.join('').includes('\x1b'));
  }
});

inTerminal('a subscription shows messages until Ctrl-C, behind which commands are taken again', async (t) => {
  const { terminal, prompt } = await shell(t);
  await terminal.type('subscribe news');
  await terminal.press('Enter');
  await terminal.untilLast('3) (integer) 1');
  const publisher = await (await node()).connect(2);
  t.is(await publisher.call('PUBLISH', 'news', 'hello\x1b[31m'), 1);
  await terminal.untilLast('3) "hello\\x1b[31m"');
  await terminal.press('C-c');
  await terminal.untilLast(prompt);
  t.is(await publisher.call('PUBLISH', 'news', 'nobody listens'), 0);
  await terminal.type('echo back');
  await terminal.press('Enter');
  await terminal.until('commands run', (rows) => rows.at(-2) === '"back"');
});

inTerminal('pushes are written above the line being typed, which stays', async (t) => {
  const { terminal, prompt } = await shell(t, {}, ['-3']);
  await terminal.type('client tracking on');
  await terminal.press('Enter');
  await terminal.untilLast(prompt);
  await terminal.type('get tracked');
  await terminal.press('Enter');
  await terminal.until('it is read', (rows) => rows.at(-2) === '(nil)');
  await terminal.type('set half');
  await terminal.untilLast(/set half value/);
  await (await (await node()).connect(2)).call('SET', 'tracked', '1');
  const rows = await terminal.until('the push is there', (each) => each.some((row) => row === '1) "invalidate"'));
  t.is(rows.at(-2), '2) 1) "tracked"');
  t.true((await terminal.untilLast(/set half/)).at(-1)?.startsWith(`${prompt} set half`));
  t.is((await terminal.cursor())[0], `${prompt} set half`.length);
});

inTerminal('the prompt tells of a transaction', async (t) => {
  const { terminal, prompt } = await shell(t);
  const inside = prompt.replace('>', '(TX)>');
  await terminal.type('multi');
  await terminal.press('Enter');
  await terminal.untilLast(inside);
  await terminal.type('incr counted');
  await terminal.press('Enter');
  await terminal.until('it is queued', (rows) => rows.at(-2) === 'QUEUED' && rows.at(-1) === inside);
  await terminal.type('exec');
  await terminal.press('Enter');
  await terminal.until('it is run', (rows) => rows.at(-2) === '1) (integer) 1' && rows.at(-1) === prompt);
  t.pass();
});

inTerminal('a server that goes away is told of, and connected to again when it is back', async (t) => {
  const first = await startNodeFixture(t);
  const { tcpPort } = first.node;
  const terminal = await start(t, ['-p', String(tcpPort)]);
  const prompt = `127.0.0.1:${tcpPort}>`;
  await terminal.untilLast(prompt);
  await terminal.type('set half');
  await terminal.untilLast(/set half value/);
  await first.node.stop();
  await terminal.until('the end is told of', (rows) =>
    rows.includes(`The server at 127.0.0.1:${tcpPort} closed the connection.`),
  );
  await terminal.untilLast(/^not connected> set half/);
  await startNodeFixture(t, { tcpPort });
  await terminal.until('it is back', (rows) => rows.includes(`Connected to 127.0.0.1:${tcpPort}.`));
  await terminal.untilLast(new RegExp(`^${prompt} set half`));
  await terminal.type(' 1');
  await terminal.press('Enter');
  await terminal.until('commands run', (rows) => rows.at(-2) === 'OK');
  t.pass();
});

inTerminal('the password is asked for without being shown', async (t) => {
  const read = readAccounts({ password: 'hush hush', usersFile: '' });
  if (read.kind === 'problems') throw new Error(read.problems.join());
  const { node: guarded } = await startNodeFixture(t, { password: 'hush hush' }, read.accounts);
  const terminal = await start(t, ['-p', String(guarded.tcpPort), '--askpass', 'ping']);
  await terminal.untilLast('Password:');
  await terminal.type('hush hush');
  await terminal.press('Enter');
  const rows = await terminal.untilLast('status 0');
  t.deepEqual(rows, ['Password:', 'PONG', 'status 0']);
});

inTerminal('bench shows how far it is in one row, however narrow the window, and then its report', async (t) => {
  const { tcpPort } = (await node()).node;
  const terminal = await start(t, ['bench', '-p', String(tcpPort), '--rate', '200', '-n', '200'], { columns: 20 });
  const rows = await terminal.untilLast(/^\d+% {2}\d+ reque/);
  t.is(rows.length, 1);
  const report = await terminal.untilLast('status 0');
  t.false(report.join('').includes('%  '));
});
