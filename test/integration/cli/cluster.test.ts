import test, { type ExecutionContext } from 'ava';
import { type Ended, program, runProgram } from './program.ts';
import { type AdminNode, nodeOf, ScriptedAdmin } from './scripted-admin.ts';
import { isTmuxInstalled, Terminal } from './terminal.ts';

/** Without tmux there is no terminal to drive: this is shown as skipped. */
const inTerminal = isTmuxInstalled() ? test : test.skip;

async function adminOf(t: ExecutionContext): Promise<[ScriptedAdmin, (...args: string[]) => Promise<Ended>]> {
  const admin = await ScriptedAdmin.start(t);
  admin.nodes = [nodeOf('n1-aaaa', `127.0.0.1:${admin.port}`), nodeOf('n2-bbbb', '10.0.0.2:7379')];
  return [admin, (...args) => runProgram(['-p', String(admin.port), 'cluster', ...args])];
}

test('status shows nodes and partitions, as a table or JSON, once or as often as it is asked to', async (t) => {
  const [admin, run] = await adminOf(t);
  const { code, stdout } = await run('status', '--partitions');
  t.is(code, 0);
  t.regex(
    stdout,
    /^cluster abababababab: 2 nodes, 2 copies of each partition \(1 in sync needed\); led by n1-aaaa, term 4\n/,
  );
  t.regex(stdout, /^n2-bbbb +10\.0\.0\.2:7379 +up +32 +32 +0 +- +3$/m);
  t.regex(stdout, /^partitions: 64 of 64 online, balanced, highest epoch 9$/m);
  t.regex(stdout, /^ +0 +0-255 +9 +n1-aaaa +- +-$/m);
  t.is(JSON.parse((await run('status', '--json')).stdout).nodes.length, 2);
  const args = ['-p', String(admin.port), '-r', '3', '-i', '0.01', '--json', 'cluster', 'status', '--watch'];
  t.is((await runProgram(args)).stdout.trim().split('\n').length, 3);
});

test('what takes long is waited for, and told how far it is', async (t) => {
  const [admin, run] = await adminOf(t);
  const [, second] = admin.nodes as [AdminNode, AdminNode];
  let reports = 0;
  admin.onReport = () => {
    reports++;
    if (reports === 1) return;
    second.isDraining = true;
    second.replicas = Math.max(0, second.replicas - 16);
    second.primaries = Math.max(0, second.primaries - 16);
  };
  const drained = await run('drain', 'n2');
  t.deepEqual([drained.code, drained.stdout], [0, 'n2-bbbb has no copies any longer, and stays a member.\n']);
  t.regex(drained.stderr, /^\d+% \d+ copies to move off n2-bbbb\n/);
  t.true(admin.asked.includes('CLUSTER CONTROL drain {"node":"n2-bbbb"}'));

  admin.onReport = () => {
    if (admin.asked.at(-2)?.includes('CONTROL remove')) admin.nodes = admin.nodes.slice(0, 1);
  };
  const removed = await run('remove', '10.0.0.2:7379');
  t.is(removed.code, 0);
  t.regex(removed.stdout, /^n2-bbbb is removed; its process ends/);
  admin.nodes = [...admin.nodes, { ...nodeOf('n3-cccc', ''), health: 'fenced', primaries: 0, replicas: 0 }];
  t.regex((await run('remove', 'n3')).stdout, /^n3-cccc is removed; started again .*, it joins again\.$/m);
});

test('rebalance and failover end when nothing is left to do, or when their time is up', async (t) => {
  const [admin, run] = await adminOf(t);
  admin.moves = 3;
  admin.onReport = () => {
    admin.moves = Math.max(0, admin.moves - 1);
  };
  const balanced = await run('rebalance');
  t.deepEqual([balanced.code, balanced.stdout], [0, 'All copies are where they should be.\n']);
  admin.onReport = () => undefined;
  const late = await run('failover', 'n2-bbbb', '--timeout', '0.1');
  t.is(late.code, 1);
  t.regex(late.stderr, /Not done in time: 32 partitions to hand over\. It goes on/);
  const begun = await run('failover', 'n2-bbbb', '--no-wait', '--json');
  t.deepEqual(JSON.parse(begun.stdout), { ok: true, message: 'asked for failover' });
});

test('add waits for a member that has its copies, and tells how a node joins', async (t) => {
  const [admin, run] = await adminOf(t);
  let reports = 0;
  admin.onReport = () => {
    reports++;
    if (reports === 3) admin.nodes.push({ ...nodeOf('n3-cccc', '10.0.0.3:7379', 0), filling: 5 });
    const third = admin.nodes[2];
    if (third !== undefined && reports > 4) third.filling = 0;
  };
  const { code, stdout, stderr } = await run('add', '10.0.0.3:7379');
  t.deepEqual([code, stdout], [0, '10.0.0.3:7379 is a member and has its copies.\n']);
  t.regex(stderr, /fluxcache-server --seeds bus-of-n1-aaaa,bus-of-n2-bbbb\n/);
  t.is((await run('add', '10.0.0.9:1', '--no-wait')).code, 1);
});

test('settings are shown and changed; a refusal ends with status 1, a mistake with 2', async (t) => {
  const [admin, run] = await adminOf(t);
  t.regex((await run('settings')).stdout, /^copies 2$/m);
  t.is((await run('settings', '--copies', '3', '--min-in-sync', '2')).stdout, 'asked for settings\n');
  t.true(admin.asked.includes('CLUSTER CONTROL settings {"copies":3,"minInSync":2}'));
  admin.answer = () => '-ERR the copies would not fit\r\n';
  const refused = await run('settings', '--copies', '7');
  t.deepEqual([refused.code, refused.stderr], [1, 'fluxcache: ERR the copies would not fit\n']);
  t.regex((await run('drain', 'n')).stderr, /n could be any of n1-aaaa, n2-bbbb\./);
  t.regex((await run('drain', 'x')).stderr, /x is no node of this cluster; its nodes are n1-aaaa, n2-bbbb\./);
  for (const args of [['drain'], ['status', 'x'], ['status', '--copies', '2'], ['settings', '--copies', '8']]) {
    t.is((await run(...args)).code, 2, args.join(' '));
  }
  admin.isOfCluster = false;
  t.regex((await run('status')).stderr, /is not one of a cluster/);
});

test('what cannot be meant is refused before anybody is asked, and the help that tells more is named', async (t) => {
  const [admin, run] = await adminOf(t);
  for (const [args, problem] of [
    [['add', '127.0.0.1'], /add: "127\.0\.0\.1" is not allowed\. Allowed: HOST:PORT, a port from 1 to 65535\./],
    [['add', 'localhost:99999'], /add: "localhost:99999" is not allowed/],
    [['add', 'localhost:0'], /add: "localhost:0" is not allowed/],
    [['reset', 'x'], /reset: "x" is not allowed\. Allowed: the number of a partition, from 0\./],
    [['drain'], /cluster drain needs NODE\./],
    [['status', '-r', '2'], /-r needs --watch\./],
    [['status', '--colour'], /--colour: there is no such option\./],
    [['--colour'], /cluster --colour: there is no such request\./],
  ] as const) {
    const { code, stderr } = await run(...args);
    t.is(code, 2, args.join(' '));
    t.regex(stderr, problem);
    t.regex(stderr, /^See fluxcache cluster --help\.$/m);
  }
  t.deepEqual(admin.asked, []);
});

test('--watch takes its -i and -r from either side of the word cluster', async (t) => {
  const [admin, run] = await adminOf(t);
  const { code, stdout, stderr } = await run('status', '--watch', '-i', '0.01', '-r', '2', '--json');
  t.is(code, 0, stderr);
  t.is(stdout.trim().split('\n').length, 2);
  const args = ['-p', String(admin.port), '-r', '3', 'cluster', 'status', '--watch', '-i', '0.01', '--json'];
  t.is((await runProgram(args)).stdout.trim().split('\n').length, 3);
});

test('a slip of a request that the server does not know either is told as such', async (t) => {
  const [admin, run] = await adminOf(t);
  admin.answer = ([, verb]) => `-ERR unknown subcommand '${verb}'. Try CLUSTER HELP.\r\n`;
  const { code, stderr } = await run('statsu');
  t.is(code, 1);
  t.is(stderr, 'fluxcache: Did you mean status? See fluxcache cluster --help.\n');
  t.is((await run('keyslot')).stderr, '');
  t.deepEqual(admin.asked, ['cluster statsu', 'cluster keyslot']);
  admin.answer = () => '+OK\r\n';
  t.is((await run('reset', 'soft')).stdout, 'OK\n');
});

test('when the node that was asked is lost, status goes on at another', async (t) => {
  const [admin] = await adminOf(t);
  const [other] = await adminOf(t);
  const gone = nodeOf('n2-bbbb', '127.0.0.1:1');
  admin.nodes = [...admin.nodes.slice(0, 1), gone, nodeOf('n3-cccc', `127.0.0.1:${other.port}`)];
  let reports = 0;
  admin.onReport = () => {
    if (++reports === 2) admin.stop();
  };
  const args = ['-p', String(admin.port), '-r', '3', '-i', '0.01', 'cluster', 'status', '--watch', '--json'];
  const { code, stdout, stderr } = await runProgram(args);
  t.is(code, 0, stderr);
  t.is(stdout.trim().split('\n').length, 3);
  t.is(other.asked.filter((words) => words === 'CLUSTER REPORT').length, 2);
});

test('what is not of ours is sent as it is, and -c follows MOVED and ASK to where they lead', async (t) => {
  const [admin, run] = await adminOf(t);
  t.is((await run('failover')).stdout, 'OK\n');
  t.is((await run('failover', 'force')).stdout, 'OK\n');
  t.deepEqual(admin.asked, ['cluster failover', 'cluster failover force']);
  const [other] = await adminOf(t);
  admin.answer = ([, key]) => `-${key === 'asked' ? 'ASK' : 'MOVED'} 7 127.0.0.1:${other.port}\r\n`;
  const get = (...args: string[]) => runProgram(['-p', String(admin.port), ...args]);
  t.deepEqual([(await get('get', 'k')).code, (await get('-c', 'get', 'k')).stdout], [1, 'OK\n']);
  t.regex(
    (await get('-c', '--no-raw', 'get', 'k')).stdout,
    /^-> Redirected to slot \[7\] located at 127\.0\.0\.1:\d+\nOK\n$/,
  );
  t.is((await get('-c', 'get', 'asked')).stdout, 'OK\n');
  t.deepEqual(other.asked, ['get k', 'get k', 'ASKING', 'get asked']);
  // In circles, it ends with the error.
  other.answer = () => `-MOVED 7 127.0.0.1:${admin.port}\r\n`;
  t.is((await get('-c', 'get', 'k')).code, 1);
});

inTerminal('the shell goes on at the node that -c led to, and its prompt says so', async (t) => {
  const [admin] = await adminOf(t);
  const [other] = await adminOf(t);
  admin.answer = () => `-MOVED 7 127.0.0.1:${other.port}\r\n`;
  other.answer = () => '+here\r\n';
  const terminal = await Terminal.start([...program, '-p', String(admin.port), '-c']);
  t.teardown(() => terminal.stop());
  await terminal.untilLast(`127.0.0.1:${admin.port}>`);
  await terminal.type('get k');
  await terminal.press('Enter');
  await terminal.untilLast(`127.0.0.1:${other.port}>`);
  const rows = await terminal.rows();
  t.true(rows.includes(`-> Redirected to slot [7] located at 127.0.0.1:${other.port}`));
  t.true(rows.includes('here'));
});
