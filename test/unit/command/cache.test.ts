import test from 'ava';
import { ArgsBuffer } from '../../../src/command/args-buffer.ts';
import { ReplyKind, ReplyReader, ReplyWriter } from '../../../src/command/reply.ts';
import { commandTable } from '../../../src/command/table.ts';
import { createStoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { CommandRunner, ErrorReply, type Value } from '../../command-runner.ts';
import { type Bench, ManualClock, realBench, testCommands } from '../../stores.ts';

const notWritten = new ErrorReply('FILLLOST the fill token does not count any more: nothing was written');
const noToken = new ErrorReply('ERR a fill token is 12 hexadecimal digits');
const syntax = new ErrorReply('ERR syntax error');
const notAnInteger = new ErrorReply('ERR value is not an integer or out of range');

function parts(value: Value): readonly Value[] {
  if (!Array.isArray(value)) throw new Error(`no array: ${JSON.stringify(value)}`);
  return value as readonly Value[];
}

/** Asks for a token that must be given. */
function tokenOf({ run }: Bench, line: string): string {
  const [, , token] = parts(run(line));
  if (typeof token !== 'string') throw new Error(`no token: ${JSON.stringify(token)}`);
  return token;
}

testCommands('the first to miss gets a token, the next are told how long somebody else fills it', (t, bench) => {
  const { run, clock } = bench;
  const [state, value, token, ms] = parts(run('getfill k'));
  t.deepEqual([state, value, ms], ['miss', null, 10_000]);
  t.regex(String(token), /^[0-9a-f]{12}$/);
  clock.timeMs += 4000;
  t.deepEqual(run('getfill k'), ['miss', null, null, 6000]);
  t.is(run('get k'), null);
  t.is(run('exists k'), 0);
  t.is(run(`set k v fill ${String(token)} ex 10`), 'OK');
  t.deepEqual(run('getfill k'), ['hit', 'v', null, 10_000]);
  t.is(run('ttl k'), 10);
});

testCommands('a value that does not expire is a hit without an end', (t, { run }) => {
  run('set k v');
  t.deepEqual(run('getfill k'), ['hit', 'v', null, -1]);
});

testCommands('once the time of a token is over the next asker gets one, and the late value is refused', (t, bench) => {
  const { run, clock } = bench;
  const late = tokenOf(bench, 'getfill k for 50');
  clock.timeMs += 50;
  t.deepEqual(run(`set k old fill ${late}`), notWritten);
  const next = tokenOf(bench, 'getfill k for 60000');
  t.not(next, late);
  t.deepEqual(run(`set k old fill ${late}`), notWritten);
  t.is(run(`set k new fill ${next}`), 'OK');
  t.is(run('get k'), 'new');
  t.deepEqual(run(`set k again fill ${next}`), notWritten);
});

testCommands('a token is lost to whoever writes, removes or moves the key meanwhile', (t, bench) => {
  const { run } = bench;
  for (const line of [
    'set k other',
    'del k',
    'unlink k',
    'setex k 10 other',
    'incr k',
    'rename from k',
    'mset k 1 j 2',
    'getdel k',
    'expire k 0',
    'pexpireat k 1',
  ]) {
    run('flushall');
    run('set from moved');
    const token = tokenOf(bench, 'getfill k');
    run(line);
    const before = run('get k');
    t.deepEqual(run(`set k loaded fill ${token}`), notWritten, line);
    t.deepEqual(run('get k'), before, line);
  }
  const token = tokenOf(bench, 'getfill other');
  run('flushall');
  t.deepEqual(run(`set other loaded fill ${token}`), notWritten);
});

testCommands('forged and malformed tokens write nothing', (t, bench) => {
  const { run } = bench;
  const token = tokenOf(bench, 'getfill k');
  const forged = token === '000000000001' ? '000000000002' : '000000000001';
  t.deepEqual(run(`set k v fill ${forged}`), notWritten);
  t.deepEqual(run(`set unasked v fill ${forged}`), notWritten);
  for (const bad of ['x', '', '000000000000', `${token}0`, token.slice(1), '-00000000001', 'g00000000000']) {
    t.deepEqual(run('set k v fill', bad), noToken, bad);
    t.deepEqual(run('cancelfill k', bad), noToken, bad);
  }
  t.deepEqual(run('set k v fill'), syntax);
  for (const other of ['nx', 'xx', 'ifversion 0', 'keepttl']) {
    t.deepEqual(run(`set k v fill ${token} ${other}`), syntax, other);
    t.deepEqual(run(`set k v ${other} fill ${token}`), syntax, other);
  }
  t.is(run('get k'), null);
  t.is(run(`set k v fill ${token.toUpperCase()}`), 'OK');
});

testCommands('a token that is given back goes to the next asker', (t, bench) => {
  const { run } = bench;
  const token = tokenOf(bench, 'getfill k');
  t.is(run(`cancelfill k ${token}`), 1);
  t.is(run(`cancelfill k ${token}`), 0);
  t.deepEqual(run(`set k v fill ${token}`), notWritten);
  t.not(tokenOf(bench, 'getfill k'), token);
  t.is(run('cancelfill none 000000000001'), 0);
});

testCommands('a value in its stale window is for GETFILL only, whose first asker gets a token', (t, bench) => {
  const { run, clock } = bench;
  run('set k v ex 10 stale 5');
  t.is(run('pttl k'), 10_000);
  clock.timeMs += 10_000;
  for (const line of ['get k', 'strlen k', 'ttl k']) t.true([null, 0, -2].includes(run(line) as number | null), line);
  const [state, value, token, ms] = parts(run('getfill k for 2000'));
  t.deepEqual([state, value, ms], ['stale', 'v', 2000]);
  t.deepEqual(run('getfill k'), ['stale', 'v', null, 2000]);
  t.is(run(`set k w fill ${String(token)} ex 10 stale 5`), 'OK');
  t.deepEqual(run('getfill k'), ['hit', 'w', null, 10_000]);
  clock.timeMs += 10_000;
  const given = tokenOf(bench, 'getfill k');
  t.is(run(`cancelfill k ${given}`), 1);
  t.is(parts(run('getfill k'))[1], 'w');
  clock.timeMs += 5000;
  t.is(parts(run('getfill k'))[0], 'miss');
});

testCommands('the stale window is in the unit of the expiry, of seconds without one', (t, { run, clock }) => {
  const state = (): Value => parts(run('getfill k'))[0] ?? null;
  run('set k v px 100 stale 100');
  clock.timeMs += 199;
  t.is(state(), 'stale');
  clock.timeMs += 1;
  t.is(state(), 'miss');
  run(`set k v pxat ${clock.timeMs + 100} stale 100`);
  clock.timeMs += 199;
  t.is(state(), 'stale');
  run(`set k v exat ${Math.ceil(clock.timeMs / 1000) + 1} stale 1`);
  clock.timeMs = (Math.ceil(clock.timeMs / 1000) + 1) * 1000 + 999;
  t.is(state(), 'stale');
  run('set k v stale 5 tags 1 t');
  run('invalidate soft t');
  clock.timeMs += 4999;
  t.is(state(), 'stale');
  clock.timeMs += 1;
  t.is(state(), 'miss');
  t.deepEqual(run('set k v ex 1 stale -1'), new ErrorReply("ERR invalid stale window in 'set' command"));
  t.deepEqual(run('set k v ex 1 stale x'), notAnInteger);
  t.deepEqual(run('set k v ex 1 stale'), syntax);
});

testCommands('what keeps the time to live keeps window and tags; what sets anew drops them', (t, { run, clock }) => {
  const keeping = [
    'incr k',
    'append k 1',
    'setrange k 0 7',
    'expire k 10',
    'getex k ex 10',
    'set k 5 keepttl tags 1 t',
  ];
  for (const line of keeping) {
    run('set k 1 ex 10 stale 5 tags 1 t');
    run(line);
    t.deepEqual(run('tags k'), ['t'], line);
    clock.timeMs += 12_000;
    t.is(parts(run('getfill k'))[0], 'stale', line);
  }
  run('set k 1 ex 10 stale 5 tags 1 t');
  run('rename k moved');
  run('copy moved copied');
  for (const key of ['moved', 'copied']) t.deepEqual(run(`tags ${key}`), ['t']);
  clock.timeMs += 12_000;
  for (const key of ['moved', 'copied']) t.is(parts(run(`getfill ${key}`))[0], 'stale');
  for (const line of ['set k 2 ex 10', 'setex k 10 2', 'set k 2 keepttl']) {
    run('set k 1 ex 10 stale 5 tags 1 t');
    run(line);
    t.deepEqual(run('tags k'), [], line);
  }
});

testCommands('JITTER takes a random part of itself from the time to live', (t, { run }) => {
  const left = new Set<Value>();
  for (let time = 0; time < 40; time++) {
    run('set k v px 10000 jitter 1000');
    const ms = run('pttl k');
    t.true(typeof ms === 'number' && ms >= 9000 && ms <= 10_000);
    left.add(ms);
  }
  t.true(left.size > 5);
  run('set k v ex 10 jitter 9');
  t.true(Number(run('pttl k')) >= 1000);
  const tooMuch = new ErrorReply("ERR the jitter must be less than the time to live in 'set' command");
  t.deepEqual(run('set k v ex 10 jitter 10'), tooMuch);
  t.deepEqual(run('set k v px 10 jitter 9999999999999999'), tooMuch);
  for (const line of ['set k v jitter 1', 'set k v keepttl jitter 1', 'set k v ex 10 jitter'])
    t.deepEqual(run(line), syntax);
  t.deepEqual(run('set k v ex 10 jitter -1'), new ErrorReply("ERR invalid jitter in 'set' command"));
});

testCommands('INVALIDATE takes all keys of its tags away, and no others, whatever their number', (t, { run }) => {
  for (let key = 0; key < 200; key++) run(`set k${key} v tags 2 all ${key % 2 === 0 ? 'even' : 'odd'}`);
  run('set plain v');
  t.is(run('invalidate even'), 1);
  for (let key = 0; key < 200; key++) t.is(run(`get k${key}`), key % 2 === 0 ? null : 'v');
  run('set k0 new tags 1 even');
  t.is(run('get k0'), 'new');
  t.is(run('invalidate even odd even none'), 3);
  t.is(run('get k0'), null);
  t.is(run('exists k1 k3 plain'), 1);
});

testCommands(
  'INVALIDATE SOFT leaves values to GETFILL within their window, and takes those without one',
  (t, bench) => {
    const { run, clock } = bench;
    run('set windowed v ex 100 stale 5 tags 1 t');
    run('set bare v ex 100 tags 1 t');
    t.is(run('invalidate soft t'), 1);
    t.is(run('get windowed'), null);
    const token = tokenOf(bench, 'getfill windowed');
    t.is(parts(run('getfill windowed'))[1], 'v');
    t.is(parts(run('getfill bare'))[0], 'miss');
    t.is(run(`set windowed w ex 100 tags 1 t fill ${token}`), 'OK');
    t.is(run('get windowed'), 'w');
    run('set again v ex 100 stale 5 tags 1 t');
    run('invalidate soft t');
    clock.timeMs += 5000;
    t.is(parts(run('getfill again'))[0], 'miss');
  },
);

testCommands('a value that was loaded before one of its tags was invalidated is refused', (t, bench) => {
  const { run } = bench;
  for (const word of ['hard', 'soft']) {
    run('flushall');
    const token = tokenOf(bench, 'getfill k');
    run(`invalidate ${word} t`);
    t.deepEqual(run(`set k old tags 1 t fill ${token}`), notWritten, word);
    const next = tokenOf(bench, 'getfill k');
    t.not(next, token, 'nobody waits for the one that was overtaken');
    run(`invalidate ${word} t`);
    t.is(run(`set k other tags 1 u fill ${next}`), 'OK', 'a tag that nobody invalidated');
    run('set k v ex 10 stale 10 tags 1 t');
    run('invalidate soft t');
    const second = tokenOf(bench, 'getfill k');
    run('invalidate soft t');
    t.deepEqual(run(`set k old tags 1 u fill ${second}`), notWritten, 'a tag that the stale entry bears');
    t.is(parts(run('getfill k'))[1], 'v');
  }
});

testCommands('tags may be any bytes; empty, long and too many ones are refused', (t, { run, runner }) => {
  const binary = Uint8Array.of(0, 255, 13, 10);
  t.is(runner.run('set', 'k', 'v', 'tags', '2', binary, 'é'), 'OK');
  t.deepEqual(run('tags k'), [Buffer.from(binary).toString('latin1'), Buffer.from('é').toString('latin1')]);
  t.is(runner.run('invalidate', binary), 1);
  t.is(run('tags k'), null);
  t.is(run('set k v tags 3 a b a'), 'OK');
  t.deepEqual(run('tags k'), ['a', 'b'], 'one that is there twice counts once');
  run('set k v');
  t.deepEqual(run('tags k'), []);
  const names = Array.from({ length: 1001 }, (_, index) => `tag-${index}`);
  t.is(runner.run('set', 'k', 'v', 'tags', '64', ...names.slice(0, 64)), 'OK');
  const wrongCount = new ErrorReply('ERR the number of tags must be from 1 to 64');
  for (const count of [0, 65, 1000, 'x', -1]) {
    t.deepEqual(runner.run('set', 'k', 'w', 'tags', String(count), ...names.slice(0, 65)), wrongCount);
  }
  t.deepEqual(run('set k w tags 2 a'), syntax);
  t.deepEqual(run('set k w tags'), syntax);
  const wrongTag = new ErrorReply('ERR a tag must have from 1 to 255 bytes');
  t.deepEqual(run('set k w tags 1', ''), wrongTag);
  t.deepEqual(run('set k w tags 1', 'x'.repeat(256)), wrongTag);
  t.deepEqual(run('invalidate', ''), wrongTag);
  const long = Array.from({ length: 17 }, (_, index) => `${index}`.padEnd(255, 'x'));
  t.deepEqual(
    runner.run('set', 'k', 'w', 'tags', '17', ...long),
    new ErrorReply('ERR the tags of a key have more than 4096 bytes together'),
  );
  t.is(run('get k'), 'v', 'nothing of all that was written');
  t.is(runner.run('invalidate', ...names.slice(0, 200)), 200);
  t.is(run('get k'), null);
  t.deepEqual(runner.run('invalidate', ...names), new ErrorReply('ERR at most 1000 tags are invalidated at once'));
  for (const line of ['invalidate soft', 'invalidate hard']) {
    t.deepEqual(run(line), new ErrorReply("ERR wrong number of arguments for 'invalidate' command"));
  }
  run('set k v tags 1 soft');
  t.is(run('invalidate hard soft'), 1);
  t.is(run('get k'), null);
});

testCommands('GETFILL refuses times that are none', (t, { run }) => {
  const wrongFor = new ErrorReply('ERR FOR must be from 1 to 60000 milliseconds');
  for (const time of ['0', '60001', '-1', 'x', '1.5']) t.deepEqual(run(`getfill k for ${time}`), wrongFor);
  const wrongWait = new ErrorReply('ERR WAIT must be from 0 to 10000 milliseconds');
  for (const time of ['10001', '-1', 'x']) t.deepEqual(run(`getfill k wait ${time}`), wrongWait);
  for (const line of ['getfill k for', 'getfill k for 1 wait', 'getfill k nothing 1']) t.deepEqual(run(line), syntax);
  t.is(parts(run('getfill k'))[0], 'miss');
});

// The model's cursors are places in a list, which moves when something is removed.
test('DELMATCH removes what matches a pattern: also what is stale, and tokens under way', (t) => {
  const bench = realBench();
  const { run, clock } = bench;
  for (let key = 0; key < 3000; key++) run(`set user:${key} v`);
  run('set other v');
  run('set user:stale v px 10 stale 10000');
  clock.timeMs += 10;
  const token = tokenOf(bench, 'getfill user:filled');
  t.is(run('delmatch user:* count 100'), 3000);
  t.is(run('dbsize'), 1);
  t.is(parts(run('getfill user:stale'))[0], 'miss');
  t.deepEqual(run(`set user:filled old fill ${token}`), notWritten);
  t.is(run('delmatch user:*'), 0);
  t.deepEqual(run('delmatch a count 0'), new ErrorReply('ERR COUNT must be from 1 to 4096'));
  t.deepEqual(run('delmatch a nothing 1'), syntax);
  t.deepEqual(run('delmatch', 'x'.repeat(1025)), new ErrorReply('ERR pattern is longer than 1024 bytes'));
  t.is(run('delmatch *'), 1);
});

testCommands('GETDEL and an expiry that is over take what is stale as DEL does', (t, { run, clock }) => {
  for (const line of ['del k', 'getdel k', 'expire k 0', 'expireat k 1']) {
    run('set k v px 100 stale 5000');
    clock.timeMs += 200;
    run(line);
    t.is(parts(run('getfill k'))[0], 'miss', line);
    run('del k');
  }
  run('set k v px 100 stale 5000');
  clock.timeMs += 200;
  run('expire k 0 xx');
  t.is(parts(run('getfill k'))[0], 'stale', 'a condition that an absent key does not meet');
});

test('a GETFILL is one lookup, whoever answers it: a hit, a stale hit or a miss', (t) => {
  const clock = new ManualClock();
  const memory = createStoreMemory({ budgetBytes: 4 << 20, readersMax: 1, eviction: 'noeviction', hashKey: [7, 9] });
  const [writer, reader] = [new StoreWriter(memory, clock), new StoreReader(memory, 0, clock)];
  const shard = new CommandRunner(writer);
  const trial = commandTable.named('flux.getfresh');
  let before = [0, 0, 0];
  const counted = (): number[] => {
    const { hits, misses, staleHits } = readStatistics(memory);
    const now = [hits, misses, staleHits];
    const since = now.map((count, index) => count - (before[index] ?? 0));
    before = now;
    return since;
  };
  const getfill = (...options: readonly string[]): void => {
    const args = new ArgsBuffer().begin().text('k');
    for (const option of options) args.text(option);
    const reply = new ReplyWriter();
    reader.enter();
    if (trial.kind === 'read') void trial.run(reader, args.args, reply);
    reader.leave();
    if (new ReplyReader().openWritten(reply) === ReplyKind.null) shard.run('getfill', 'k', ...options);
  };
  getfill();
  t.deepEqual(counted(), [0, 1, 0], 'a miss with a token');
  getfill();
  t.deepEqual(counted(), [0, 1, 0], 'a miss without one');
  getfill('wait', '100');
  t.deepEqual(counted(), [0, 0, 0], 'a miss that is waited over');
  shard.run('set', 'k', 'v', 'px', '100', 'stale', '5000');
  getfill();
  t.deepEqual(counted(), [1, 0, 0], 'a hit');
  shard.run('getfill', 'k');
  t.deepEqual(counted(), [1, 0, 0], 'a hit on the shard, as behind a write of its own connection');
  clock.timeMs += 200;
  getfill();
  t.deepEqual(counted(), [1, 0, 1], 'a stale hit with a token');
  getfill();
  t.deepEqual(counted(), [1, 0, 1], 'a stale hit without one');
  shard.run('cancelfill', 'k', '000000000001');
  shard.run('setnx', 'k', 'w');
  t.deepEqual(counted(), [0, 0, 0], 'what writes does not look anything up');
});
