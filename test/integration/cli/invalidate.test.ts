import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';
import { program, runProgram } from './program.ts';
import { isTmuxInstalled, Terminal } from './terminal.ts';

const node = sharedNode();
/** Without tmux there is no terminal to drive: this is shown as skipped. */
const inTerminal = isTmuxInstalled() ? test.serial : test.serial.skip;

async function invalidate(...args: string[]) {
  const { tcpPort } = (await node()).node;
  return runProgram(['-p', String(tcpPort), 'invalidate', ...args]);
}

test.serial('keys with one of the tags are gone, or stale where that is asked for; others stay', async (t) => {
  const client = await (await node()).connect(2);
  await client.call('SET', 'both', '1', 'EX', '60', 'STALE', '60', 'TAGS', '2', 'soft', 'a tag');
  await client.call('SET', 'one', '1', 'EX', '60', 'STALE', '60', 'TAGS', '1', '-x');
  await client.call('SET', 'none', '1');

  const soft = await invalidate('soft', 'soft', '--soft');
  t.deepEqual([soft.code, soft.stderr], [0, '']);
  t.regex(soft.stdout, /^1 tag invalidated in \d+ ms\.\n$/);
  t.is(await client.call('GET', 'both'), null);
  t.like(await client.call('GETFILL', 'both'), ['stale', '1']);
  t.is(await client.call('GET', 'one'), '1');

  const hard = await invalidate('--json', '--', 'a tag', '-x');
  t.like(JSON.parse(hard.stdout), { tags: 2 });
  t.like(await client.call('GETFILL', 'both'), ['miss', null]);
  t.is(await client.call('GET', 'one'), null);
  t.is(await client.call('GET', 'none'), '1');
});

test.serial(
  'tags by the thousand are told in several commands, each once, and binary ones as quoted text',
  async (t) => {
    const { connect, node: running } = await node();
    const client = await connect(2);
    await client.call('SET', 'first', '1', 'TAGS', '1', 'tag:0');
    await client.call('SET', 'last', '1', 'TAGS', '1', 'tag:2099');
    await client.call('SET', 'binary', '1', 'TAGS', '1', Buffer.from([0, 255]));
    const tags = Array.from({ length: 2100 }, (_, at) => `tag:${at}`);
    const { code, stdout, stderr } = await invalidate(...tags, 'tag:0');
    t.is(code, 0, stderr);
    t.regex(stdout, /^2100 tags invalidated/);
    t.is(await client.call('GET', 'first'), null);
    t.is(await client.call('GET', 'last'), null);

    const quoted = ['-p', String(running.tcpPort), '--quoted-input', 'invalidate', '"\\x00\\xff"'];
    t.is((await runProgram(quoted)).code, 0);
    t.is(await client.call('GET', 'binary'), null);
  },
);

test.serial('keys of a pattern are deleted, and no others', async (t) => {
  const client = await (await node()).connect(2);
  await client.call('MSET', ...Array.from({ length: 300 }, (_, at) => [`page:${at}`, '1']).flat());
  await client.call('SET', 'pages', '1');
  const { stdout, stderr } = await invalidate('--match', 'page:*', '--json');
  t.like(JSON.parse(stdout), { deleted: 300 });
  t.is(stderr, '');
  t.is(await client.call('EXISTS', 'pages', 'page:7'), 1);
});

test.serial('what is wrong is told, with the status 2 before anything is sent, and 1 when it is refused', async (t) => {
  const [nothing, unknown, wrong] = await Promise.all([
    invalidate(),
    invalidate('a', '--sofd'),
    invalidate('', 'x'.repeat(256), '--match', 'a*', '--soft', '--count', '0'),
  ]);
  t.deepEqual([nothing.code, unknown.code, wrong.code], [2, 2, 2]);
  t.regex(nothing.stderr, /invalidate needs a TAG, or --match PATTERN/);
  t.regex(unknown.stderr, /--sofd: there is no such option\. Did you mean --soft\?/);
  t.regex(wrong.stderr, /: "" is not allowed\. Allowed: tags of 1 to 255 bytes/);
  t.regex(wrong.stderr, /: "x{40}" is not allowed\. Allowed: tags of 1 to 255 bytes/);
  t.regex(wrong.stderr, /--match takes no tags, but "" was given; quote the pattern/);
  t.regex(wrong.stderr, /--soft is of tags: --match deletes/);
  t.regex(wrong.stderr, /--count: "0" is not allowed/);
});

inTerminal('on a terminal it shows how many keys are gone already, and then only the result', async (t) => {
  const { node: running, connect } = await startNodeFixture(t);
  const client = await connect(2);
  for (let from = 0; from < 30_000; from += 1000) {
    const pairs = Array.from({ length: 1000 }, (_, at) => [`page:${from + at}`, '1']).flat();
    await client.call('MSET', ...pairs);
  }
  const args = ['-p', String(running.tcpPort), 'invalidate', '--match', 'page:*', '--count', '1'];
  const terminal = await Terminal.start([...program, ...args], { columns: 70 });
  t.teardown(() => terminal.stop());
  await terminal.until('it is shown', (rows) =>
    /^deleting page:\*: \d+ s; \d+ keys there are, of \d+ before/.test(rows[0] ?? ''),
  );
  const rows = await terminal.untilLast('status 0');
  t.regex(rows[0] ?? '', /^30000 keys deleted in \d+ ms\.$/);
  t.is(rows.length, 2);
});

test.serial('Ctrl-C ends what deletes by a pattern, and it is told how many keys are gone', async (t) => {
  const { node: running, connect } = await startNodeFixture(t);
  const client = await connect(2);
  for (let from = 0; from < 20_000; from += 1000) {
    await client.call('MSET', ...Array.from({ length: 1000 }, (_, at) => [`page:${from + at}`, '1']).flat());
  }
  const [command = '', ...words] = program;
  const args = [...words, '-p', String(running.tcpPort), 'invalidate', '--match', 'page:*', '--count', '1'];
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  const ended = once(child, 'close');
  while ((await client.call('DBSIZE')) === 20_000) await client.call('PING');
  child.kill('SIGINT');
  t.deepEqual(await ended, [1, null]);
  const [, deleted] =
    /It was interrupted: (\d+) keys? deleted; those that were not come to are still there/.exec(told) ?? [];
  t.is(await client.call('DBSIZE'), 20_000 - Number(deleted), told);
});
