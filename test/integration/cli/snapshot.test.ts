import test, { type ExecutionContext } from 'ava';
import { runProgram } from './program.ts';
import { nodeOf, ScriptedAdmin } from './scripted-admin.ts';

/** Two nodes of a cluster, each of which tells where both are. */
async function twoNodes(t: ExecutionContext): Promise<[ScriptedAdmin, ScriptedAdmin]> {
  const [first, second] = await Promise.all([ScriptedAdmin.start(t), ScriptedAdmin.start(t)]);
  // The one that is asked is reached where it was asked, whatever clients are told.
  const nodes = [{ ...nodeOf('n1-aaaa', '127.0.0.1:9'), isSelf: true }, nodeOf('n2-bbbb', `127.0.0.1:${second.port}`)];
  first.nodes = nodes;
  return [first, second];
}

const saves = ({ asked }: ScriptedAdmin) => asked.filter((words) => words === 'SAVE').length;

test('every node of a cluster makes a snapshot, one after the other', async (t) => {
  const [first, second] = await twoNodes(t);
  let atOnce = 0;
  first.answer = () => {
    atOnce = saves(second);
    return '+OK\r\n';
  };
  const { code, stdout } = await runProgram(['-p', `${first.port}`, 'snapshot']);
  t.is(code, 0);
  t.regex(
    stdout,
    new RegExp(
      `^n1-aaaa \\(127\\.0\\.0\\.1:${first.port}\\): a snapshot was made in \\d+ ms\\.\n` +
        `n2-bbbb \\(127\\.0\\.0\\.1:${second.port}\\): a snapshot was made in \\d+ ms\\.\n$`,
    ),
  );
  t.deepEqual([saves(first), saves(second), atOnce], [1, 1, 0]);
});

test('one node is named, and the others are left alone', async (t) => {
  const [first, second] = await twoNodes(t);
  const { code, stdout } = await runProgram(['-p', `${first.port}`, 'snapshot', '--node', 'n2', '--json']);
  t.is(code, 0);
  const { nodes } = JSON.parse(stdout);
  t.is(nodes.length, 1);
  t.is(nodes[0].id, 'n2-bbbb');
  t.is(typeof nodes[0].tookMs, 'number');
  t.deepEqual([saves(first), saves(second)], [0, 1]);
  const other = await runProgram(['-p', `${first.port}`, 'snapshot', '--node', 'n3']);
  t.is(other.code, 1);
  t.regex(other.stderr, /n3 is no node of this cluster; its nodes are n1-aaaa, n2-bbbb\./);
});

test('a node that refuses or is away is told of, the others are asked all the same, and the status is 1', async (t) => {
  const [first, second] = await twoNodes(t);
  first.answer = () => '-MISCONF The snapshot could not be made: ENOSPC\r\n';
  first.nodes = [...first.nodes, nodeOf('n3-cccc', '127.0.0.1:1')];
  const { code, stdout, stderr } = await runProgram(['-p', `${first.port}`, 'snapshot']);
  t.is(code, 1);
  t.regex(stdout, /^n2-bbbb .*: a snapshot was made in \d+ ms\.\n$/);
  t.regex(stderr, /n1-aaaa .*: MISCONF The snapshot could not be made: ENOSPC\n/);
  t.regex(stderr, /n3-cccc \(127\.0\.0\.1:1\): Could not connect to 127\.0\.0\.1:1: nothing listens there\.\n/);
  t.is(saves(second), 1);
});

test('a server by itself is asked alone, also one that knows nothing of such clusters', async (t) => {
  const admin = await ScriptedAdmin.start(t);
  admin.isOfCluster = false;
  const args = ['-p', `${admin.port}`, 'snapshot'];
  t.regex((await runProgram(args)).stdout, /^A snapshot was made in \d+ ms\.\n$/);
  const named = await runProgram([...args, '--node', 'n1']);
  t.is(named.code, 1);
  t.regex(named.stderr, /not one of a cluster/);
  admin.refusesReports = true;
  t.regex((await runProgram(args)).stdout, /^A snapshot was made in \d+ ms\.\n$/);
});

test('another snapshot that is being made is waited for', async (t) => {
  const admin = await ScriptedAdmin.start(t);
  admin.isOfCluster = false;
  admin.answer = () => (saves(admin) < 3 ? '-ERR Background save already in progress\r\n' : '+OK\r\n');
  t.is((await runProgram(['-p', `${admin.port}`, 'snapshot'])).code, 0);
  t.is(saves(admin), 3);
});

test('help and mistakes are told without a server', async (t) => {
  const help = await runProgram(['snapshot', '--help']);
  t.is(help.code, 0);
  t.regex(help.stdout, /^Usage: fluxcache \[OPTION…\] snapshot \[OPTION…\]\n/);
  const { code, stderr } = await runProgram(['snapshot', 'now']);
  t.is(code, 2);
  t.is(stderr, 'fluxcache: snapshot takes no "now".\nSee fluxcache snapshot --help.\n');
});
