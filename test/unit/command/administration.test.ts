import test from 'ava';
import type { NodePort } from '../../../src/command/command.ts';
import { type ControlPort, noControl } from '../../../src/command/control.ts';
import { commandTable } from '../../../src/command/table.ts';
import { CommandRunner, ErrorReply, type Value } from '../../command-runner.ts';
import { ModelStore } from '../../model-store.ts';

/** Runs commands of a node whose control port has these parts. */
function runnerWith(parts: Partial<ControlPort>): (line: string) => Value {
  const runner = new CommandRunner(new ModelStore());
  const node: NodePort = { ...runner.node, control: { ...noControl, table: commandTable, ...parts } };
  Object.assign(runner, { node });
  return (line) => {
    const [name = '', ...words] = line.split(' ');
    return runner.run(name, ...words);
  };
}

test('SLOWLOG gives entries as Redis lays them out', (t) => {
  const entry = {
    id: 3,
    atMs: 5999,
    durationUs: 17,
    words: [Buffer.from('get'), Buffer.from('k')],
    address: '1.2.3.4:5',
    clientName: 'me',
  };
  const asked: number[] = [];
  const slowLog = {
    length: 7,
    latest: (count: number) => {
      asked.push(count);
      return [entry];
    },
    clear: () => undefined,
  };
  const run = runnerWith({ slowLog });
  t.deepEqual(run('slowlog get'), [[3, 5, 17, ['get', 'k'], '1.2.3.4:5', 'me']]);
  run('slowlog get 2');
  run('slowlog get -1');
  t.deepEqual(asked, [10, 2, 7]);
  t.is(run('slowlog len'), 7);
});

test('LATENCY tells the last event of each kind, its history, and durations', (t) => {
  const samples = [
    { atMs: 1000, latencyMs: 40 },
    { atMs: 2500, latencyMs: 30 },
  ];
  const run = runnerWith({
    latency: {
      thresholdMs: 10,
      events: () => [{ name: 'event-loop', maxMs: 90, samples }],
      reset: (names) => names?.length ?? 5,
      histograms: () => [
        { name: 'config|get', calls: 2, cumulative: [[8, 2]] },
        { name: 'get', calls: 1, cumulative: [[4, 1]] },
      ],
    },
  });
  t.deepEqual(run('latency latest'), [['event-loop', 2, 30, 90]]);
  t.deepEqual(run('latency history event-loop'), [
    [1, 40],
    [2, 30],
  ]);
  t.deepEqual(run('latency history other'), []);
  t.is(run('latency reset'), 5);
  t.is(run('latency reset a b'), 2);
  t.regex(String(run('latency doctor')), /^event-loop: 2 times, 35 ms on average, 90 ms at most\./);
  const ofConfig = run('latency histogram CONFIG') as Map<string, Map<string, Value>>;
  t.deepEqual([...ofConfig.keys()], ['config|get']);
  t.is(ofConfig.get('config|get')?.get('calls'), 2);
  t.deepEqual(ofConfig.get('config|get')?.get('histogram_usec'), new Map([[8, 2]]));
});

test('LATENCY DOCTOR says when nothing is watched, and when nothing happened', (t) => {
  t.regex(String(runnerWith({})('latency doctor')), /^Latency is not watched/);
  const run = runnerWith({ latency: { ...noControl.latency, thresholdMs: 7 } });
  t.is(run('latency doctor'), 'Nothing took longer than 7 ms.\n');
});

test('MEMORY STATS and DOCTOR tell of the budget', (t) => {
  const memory = {
    usedBytes: 96 << 20,
    peakBytes: 128 << 20,
    budgetBytes: 100 << 20,
    entryBytes: 24 << 20,
    keyCount: 1024,
    residentBytes: 1,
    heapBytes: 2,
  };
  const run = runnerWith({ memory });
  const stats = run('memory stats') as Map<string, Value>;
  t.is(stats.get('total.allocated'), 96 << 20);
  t.is(stats.get('keys.bytes-per-key'), (96 << 20) / 1024);
  t.is(stats.get('dataset.percentage'), 25);
  t.is(stats.get('peak.percentage'), 75);
  const advice = String(run('memory doctor'));
  t.regex(advice, /nearly used up/);
  t.regex(advice, /More than half/);
  t.regex(
    String(runnerWith({ memory: { ...memory, entryBytes: 80 << 20, usedBytes: 88 << 20 } })('memory doctor')),
    /^Nothing is wrong/,
  );
  t.regex(String(runnerWith({})('memory doctor')), /^Too little/);
  t.is((runnerWith({})('memory stats') as Map<string, Value>).get('keys.bytes-per-key'), 0);
});

test('CONFIG GET takes several patterns in any case and gives each parameter once', (t) => {
  const config = {
    ...noControl.config,
    parameters: () =>
      [
        ['maxmemory', '1'],
        ['maxClients', '2'],
        ['save', ''],
      ] as const,
  };
  const run = runnerWith({ config });
  t.deepEqual(
    run('config get MAX* maxc*'),
    new Map([
      ['maxmemory', '1'],
      ['maxClients', '2'],
    ]),
  );
  t.deepEqual(run('config get save'), new Map([['save', '']]));
});

test('CONFIG SET hands over pairs, and answers with what is wrong', (t) => {
  const seen: unknown[] = [];
  const set: ControlPort['config']['set'] = (changes) => {
    seen.push(...changes);
    return changes.length === 2 ? 'it is wrong' : null;
  };
  const run = runnerWith({ config: { ...noControl.config, set } });
  t.is(run('config set a 1'), 'OK');
  t.deepEqual(run('config set b 2 c 3'), new ErrorReply('ERR it is wrong'));
  t.deepEqual(seen, [
    ['a', '1'],
    ['b', '2'],
    ['c', '3'],
  ]);
});

test('COMMAND LIST filters by category and by pattern, subcommands included', (t) => {
  const run = runnerWith({});
  t.deepEqual(run('command list filterby pattern config|*et'), ['config|get', 'config|set']);
  t.deepEqual([...(run('command list filterby aclcat transaction') as string[])].sort(), [
    'discard',
    'exec',
    'multi',
    'unwatch',
    'watch',
  ]);
  const names = run('command list') as string[];
  t.is(run('command count'), names.length);
  t.false(names.some((name) => name.includes('|') || name.startsWith('flux.')));
  t.deepEqual(run('command info flux.entry'), [null]);
});

test('every command with subcommands lists all of them in its HELP', (t) => {
  const run = runnerWith({});
  for (const { name, kind } of commandTable.commands) {
    if (kind !== 'container') continue;
    const help = (run(`${name} help`) as string[]).join('\n');
    const own = commandTable.commands.filter((row) => row.name.startsWith(`${name}|`) && row.group !== 'internal');
    for (const { name: full } of own) {
      const subcommand = full.slice(name.length + 1).toUpperCase();
      t.true(new RegExp(`^${subcommand}( |$)`, 'm').test(help), `${name} ${subcommand}`);
    }
  }
});
