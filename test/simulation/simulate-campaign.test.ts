import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Campaign, type CampaignOptions } from './simulate-campaign.ts';

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

function campaignOf(options: Partial<CampaignOptions>, said: string[] = []): Campaign {
  return new Campaign({
    from: 1,
    seeds: 6,
    minutes: Number.POSITIVE_INFINITY,
    jobs: 2,
    profile: null,
    jobFile: fileOf('./troubled-job.ts'),
    seedLimitMs: 1000,
    failuresMax: 50,
    say: (text) => said.push(text),
    ...options,
  });
}

test('a seed that hangs and one that kills its process are violations that name them, and the rest is run', async (t) => {
  const said: string[] = [];
  const { seeds, stopped, failures } = await campaignOf({}, said).run();
  t.is(seeds, 6);
  t.is(stopped, null);
  t.deepEqual(
    failures.map(({ seed, message }) => [seed, message]),
    [
      [2, 'no answer for 1 s'],
      [3, 'its process ended with signal SIGABRT, as when memory runs out'],
      [4, 'wrong'],
    ],
  );
  t.true(said.some((text) => /^seed 2 .*no answer for 1 s\n {2}replay: .*--seed 2 --profile/.test(text)));
});

test('a campaign that is stopped ends at once with what there is, and says why', async (t) => {
  const campaign = campaignOf({ from: 1, seeds: 2, seedLimitMs: 100_000 });
  const running = campaign.run();
  setTimeout(() => campaign.stop('interrupted'), 100);
  const { stopped, seedsAsked, failures } = await running;
  t.is(stopped, 'interrupted');
  t.is(seedsAsked, 2);
  t.deepEqual(failures, []);
});

test('a campaign whose time is over says so, unless only time was set', async (t) => {
  t.is((await campaignOf({ minutes: 0, seeds: 9 }).run()).stopped, '0 minutes are over');
  t.is((await campaignOf({ minutes: 0, seeds: Number.POSITIVE_INFINITY }).run()).stopped, null);
});

test('after too many violations no more seeds are run', async (t) => {
  const { stopped, seeds } = await campaignOf({ from: 4, seeds: 1, jobs: 1, failuresMax: 1 }).run();
  t.is(seeds, 1);
  t.is(stopped, null);
  const more = await campaignOf({ from: 4, seeds: 5, jobs: 1, failuresMax: 1 }).run();
  t.deepEqual([more.seeds, more.stopped], [1, '1 violations']);
});

test('a job that cannot be started is no violation but an error', async (t) => {
  await t.throwsAsync(campaignOf({ jobFile: fileOf('./no-such-job.ts'), jobs: 1 }).run(), {
    message: /a job does not start/,
  });
});

test('a signal ends the program with a summary, its own status and nothing left running', async (t) => {
  const args = [...process.execArgv, fileOf('./simulate.ts'), '--seeds', '100000', '--jobs', '1', '--json'];
  const program = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  program.stdout.on('data', (bytes: Buffer) => {
    printed += bytes.toString();
  });
  // The first progress: by then it runs seeds.
  await once(program.stderr, 'data');
  program.kill('SIGTERM');
  const [status] = await once(program, 'exit');
  t.is(status, 143);
  t.like(JSON.parse(printed), { stopped: 'terminated', seedsAsked: 100_000, failures: [] });
});

test('a job ends with its parent, however that ended', async (t) => {
  const args = [...process.execArgv, fileOf('./simulate.ts'), '--seeds', '100000', '--jobs', '1'];
  const program = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(program.stderr, 'data');
  program.kill('SIGKILL');
  // The job has the same standard error: that ends when both have.
  await once(program.stderr, 'end');
  t.pass();
});
