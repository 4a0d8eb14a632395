import { splitAddress } from '../base/addresses.ts';
import { nearest } from '../base/nearest.ts';
import type { ClusterReport, NodeReport } from '../command/cluster-report.ts';
import { ClusterLink } from './cluster-link.ts';
import { clusterOptions } from './cluster-options.ts';
import { partitionsText, statusText } from './cluster-table.ts';
import { type ClusterVerb, clusterVerbs, isClusterVerb } from './cluster-words.ts';
import { optionsFirst, readOptions } from './command-line.ts';
import { counted } from './counted.ts';
import { optionsText } from './help-text.ts';
import { RefusedError } from './key-pages.ts';
import { nodeNamed, onlyOfCluster } from './named-node.ts';
import type { OptionValues } from './option-kinds.ts';
import { ProgressBar } from './progress-bar.ts';
import { Exit, pause, print, type Run, refuse } from './run.ts';

const INTERVAL_MS = 1000;
/** Between two looks at how far something is. */
const LOOK_MS = 250;
/** How long nothing must be left to do where the cluster may not have begun yet. */
const STEADY_MS = 1000;
const HELP = 'fluxcache cluster --help';
const CLEAR_SCREEN = '\x1b[H\x1b[2J';

type Values = OptionValues<typeof clusterOptions>;

interface Request {
  readonly run: Run;
  readonly link: ClusterLink;
  readonly values: Values;
  readonly given: ReadonlySet<keyof typeof clusterOptions>;
  /** The node, address or partition that is meant; '' for none. */
  readonly subject: string;
}

interface Verb {
  /** What `subject` is, in the usage; '' when there is none. */
  readonly subject: string;
  readonly doc: string;
  readonly options: readonly (keyof typeof clusterOptions)[];
  /** Whether `subject` may be what is meant; what may be, when not everything. */
  readonly allowed?: { readonly test: (subject: string) => boolean; readonly text: string };
  readonly act: (request: Request) => Promise<Exit>;
}

const waits = ['json', 'noWait', 'timeout'] as const;

const verbs: Readonly<Record<ClusterVerb, Verb>> = {
  status: {
    subject: '',
    doc: 'Show the nodes and how the partitions are.',
    options: ['json', 'watch', 'interval', 'repeat', 'partitions'],
    act: showStatus,
  },
  add: {
    subject: 'HOST:PORT',
    doc: 'Wait until the node there, which joins by its own --seeds, is a member and has its copies.',
    options: waits,
    allowed: { test: (subject) => (splitAddress(subject)?.port ?? 0) > 0, text: 'HOST:PORT, a port from 1 to 65535' },
    act: awaitMember,
  },
  remove: {
    subject: 'NODE',
    doc: 'Drain a node, then take it out of the cluster for good; its process ends.',
    options: [...waits, 'force'],
    act: removeNode,
  },
  drain: {
    subject: 'NODE',
    doc: 'Move all copies off a node, which stays a member and goes on taking commands.',
    options: waits,
    act: drainNode,
  },
  undrain: {
    subject: 'NODE',
    doc: 'Let a node have copies and primaries again, after a drain or a failover.',
    options: ['json'],
    act: undrainNode,
  },
  rebalance: {
    subject: '',
    doc: 'Wait until all copies are where they should be; nodes see to that by themselves.',
    options: waits,
    act: awaitBalance,
  },
  failover: {
    subject: 'NODE',
    doc: 'Let other nodes take over what a node is primary of, as before it is started anew.',
    options: waits,
    act: failOver,
  },
  settings: {
    subject: '',
    doc: 'Show the settings of the cluster, or change them.',
    options: ['json', 'copies', 'minInSync', 'onLoss'],
    act: showOrChangeSettings,
  },
  reset: {
    subject: 'PARTITION',
    doc: 'Let a partition whose copies are all lost begin empty. Its keys are lost.',
    options: ['json', 'force'],
    allowed: { test: (subject) => /^\d{1,5}$/.test(subject), text: 'the number of a partition, from 0' },
    act: resetPartition,
  },
};

/** Runs `fluxcache cluster`; `args` are what stands behind the word. */
export async function runCluster(run: Run, args: readonly string[]): Promise<Exit> {
  const [name = '--help', ...others] = args;
  const {
    values,
    given,
    rest,
    problems: found,
    asks,
  } = readOptions(clusterOptions, optionsFirst(clusterOptions, others));
  if (name === '--help' || asks === 'help') {
    await print(clusterHelp());
    return Exit.ok;
  }
  const problems = [...found];
  if (!isClusterVerb(name)) {
    const near = nearest(name, clusterVerbs);
    const hint = near === undefined ? '' : ` Did you mean ${near}?`;
    return refuse([`cluster ${name}: there is no such request.${hint}`], HELP);
  }
  const verb = verbs[name];
  for (const option of given) {
    if (verb.options.includes(option)) continue;
    problems.push(`${clusterOptions[option].flags[0]} is not of cluster ${name}.`);
  }
  const wanted = verb.subject === '' ? 0 : 1;
  if (rest.length > wanted) problems.push(`cluster ${name} takes no ${JSON.stringify(rest[wanted])}.`);
  if (rest.length < wanted) problems.push(`cluster ${name} needs ${verb.subject}.`);
  const subject = rest[0] ?? '';
  if (rest.length === wanted && verb.allowed?.test(subject) === false) {
    problems.push(`cluster ${name}: ${JSON.stringify(subject)} is not allowed. Allowed: ${verb.allowed.text}.`);
  }
  if (!values.watch) {
    for (const option of ['interval', 'repeat'] as const) {
      if (given.has(option)) problems.push(`${clusterOptions[option].flags[0]} needs --watch.`);
    }
  }
  if (problems.length > 0) return refuse(problems, HELP);

  const link = new ClusterLink(run);
  // `fluxcache --json cluster …` is as good as `fluxcache cluster … --json`.
  const json = values.json || run.format === 'json';
  try {
    return await verb.act({ run, link, values: { ...values, json }, given, subject });
  } finally {
    link.close();
  }
}

async function showStatus({ run, link, values, given }: Request): Promise<Exit> {
  const repeat = !given.has('repeat') && run.given.has('repeat') ? run.values.repeat : values.repeat;
  const times = !values.watch ? 1 : repeat >= 0 ? repeat : Infinity;
  for (let time = 0; time < times; time++) {
    if (time > 0) await pause(values.interval ?? run.values.interval ?? INTERVAL_MS);
    const { report, text } = await link.report(values.partitions);
    if (values.json) {
      await print(`${text}\n`);
      continue;
    }
    onlyOfCluster(report);
    const partitions = values.partitions ? `\n${partitionsText(report.table ?? [])}` : '';
    const isScreen = values.watch && process.stdout.isTTY === true;
    const head = isScreen ? CLEAR_SCREEN : time > 0 ? '\n' : '';
    await print(`${head}${statusText(report)}${partitions}`);
  }
  return Exit.ok;
}

async function awaitMember(request: Request): Promise<Exit> {
  const { subject, link } = request;
  const { report } = await link.report(false);
  onlyOfCluster(report);
  const find = (now: ClusterReport) => now.nodes.find(({ tcp, bus, http }) => [tcp, bus, http].includes(subject));
  if (find(report) === undefined) {
    const seeds = report.nodes.flatMap(({ bus, health }) => (bus !== '' && health === 'up' ? [bus] : []));
    process.stderr.write(
      `${subject} is no member yet. A node joins by itself: start it with\n` +
        `  fluxcache-server --seeds ${seeds.join(',')}\n` +
        `and the same --cluster-secret and --partitions as the others.\n`,
    );
    if (request.values.noWait) return Exit.error;
  }
  return follow(
    request,
    `${subject} is a member and has its copies`,
    (now) => {
      const node = find(now);
      const { total } = now.partitions;
      if (node === undefined) return { left: Math.max(1, total), what: `waiting for ${subject} to join` };
      // A node that is leaving is given nothing.
      if (node.placed === 0 && !node.isDraining) {
        return { left: total, what: `waiting for copies to be placed on ${node.id}` };
      }
      return { left: node.filling, what: `${counted(node.filling, 'copy', 'copies')} to fill on ${node.id}` };
    },
    '',
    STEADY_MS,
  );
}

async function removeNode(request: Request): Promise<Exit> {
  const { link, values } = request;
  const { id, health } = await nodeOf(request);
  // Only who is there is told that it was removed.
  const isGone = health === 'fenced' || health === 'stopped';
  const what = isGone
    ? 'started again with its data directory, it joins again'
    : 'its process ends, and cannot come back with its data directory';
  const change = await link.change('remove', { node: id, ...(values.force && { force: true }) });
  return follow(
    request,
    `${id} is removed; ${what}`,
    ({ nodes }) => {
      const node = nodes.find((each) => each.id === id);
      return node === undefined ? { left: 0, what: '' } : leftOn(node, 1);
    },
    change.message,
  );
}

async function drainNode(request: Request): Promise<Exit> {
  const { id } = await nodeOf(request);
  const change = await request.link.change('drain', { node: id });
  return follow(
    request,
    `${id} has no copies any longer, and stays a member`,
    ({ nodes }) => {
      const node = nodes.find((each) => each.id === id);
      return node === undefined ? { left: 0, what: '' } : leftOn(node, 0);
    },
    change.message,
  );
}

async function undrainNode(request: Request): Promise<Exit> {
  const { id } = await nodeOf(request);
  const change = await request.link.change('undrain', { node: id });
  return tell(request, change.message);
}

async function awaitBalance(request: Request): Promise<Exit> {
  onlyOfCluster((await request.link.report(false)).report);
  const change = await request.link.change('rebalance', {});
  return follow(
    request,
    'All copies are where they should be',
    ({ rebalance, partitions }) => {
      const { moves } = rebalance;
      const { misplaced, underReplicated } = partitions;
      if (moves > 0) return { left: moves, what: `${counted(moves, 'copy', 'copies')} to move` };
      if (misplaced > 0) return { left: misplaced, what: `${counted(misplaced, 'partition')} to hand over` };
      return { left: underReplicated, what: `${counted(underReplicated, 'partition')} with too few copies` };
    },
    change.message,
    STEADY_MS,
  );
}

async function failOver(request: Request): Promise<Exit> {
  const { id } = await nodeOf(request);
  const change = await request.link.change('failover', { node: id });
  return follow(
    request,
    `${id} is primary of nothing`,
    ({ nodes }) => {
      const primaries = nodes.find((node) => node.id === id)?.primaries ?? 0;
      return { left: primaries, what: `${counted(primaries, 'partition')} to hand over` };
    },
    change.message,
  );
}

async function showOrChangeSettings(request: Request): Promise<Exit> {
  const { link, values, given } = request;
  const changes = {
    ...(given.has('copies') && { copies: values.copies }),
    ...(given.has('minInSync') && { minInSync: values.minInSync }),
    ...(given.has('onLoss') && { onLoss: values.onLoss }),
  };
  if (Object.keys(changes).length > 0) return tell(request, (await link.change('settings', changes)).message);
  const { report } = await link.report(false);
  onlyOfCluster(report);
  if (values.json) await print(`${JSON.stringify(report.settings)}\n`);
  else for (const [name, value] of Object.entries(report.settings ?? {})) await print(`${name} ${value}\n`);
  return Exit.ok;
}

async function resetPartition(request: Request): Promise<Exit> {
  const { link, values, subject } = request;
  const change = await link.change('reset', {
    partition: Number(subject),
    ...(values.force && { givesUp: true }),
  });
  return tell(request, change.message);
}

interface Progress {
  readonly left: number;
  readonly what: string;
}

/** Waits until nothing is left, and shows how much is. */
async function follow(
  request: Request,
  done: string,
  progressOf: (report: ClusterReport) => Progress,
  begun = '',
  steadyMs = 0,
): Promise<Exit> {
  const { link, values } = request;
  if (values.noWait) return tell(request, begun);
  const bar = new ProgressBar();
  const beganMs = performance.now();
  let busyMs = beganMs;
  try {
    for (;;) {
      const { left, what } = progressOf((await link.report(false)).report);
      if (left > 0) busyMs = performance.now();
      else if (performance.now() - busyMs >= steadyMs) break;
      if (values.timeout > 0 && performance.now() - beganMs > values.timeout) {
        bar.end();
        throw new RefusedError(`Not done in time: ${what}. It goes on; fluxcache cluster status tells how far it is.`);
      }
      if (left > 0) bar.show(left, what);
      await pause(LOOK_MS);
    }
  } finally {
    bar.end();
  }
  return tell(request, `${done}.`);
}

async function tell({ values }: Request, message: string): Promise<Exit> {
  await print(values.json ? `${JSON.stringify({ ok: true, message })}\n` : `${message}\n`);
  return Exit.ok;
}

function leftOn({ id, primaries, replicas, isDraining }: NodeReport, itself: number): Progress {
  const copies = primaries + replicas;
  const what = `${counted(copies, 'copy', 'copies')} to move off ${id}`;
  return { left: copies + (isDraining ? itself : Math.max(1, itself)), what: copies === 0 ? `removing ${id}` : what };
}

async function nodeOf({ link, subject }: Request): Promise<NodeReport> {
  return nodeNamed((await link.report(false)).report, subject);
}

export function clusterHelp(): string {
  const usages = Object.entries(verbs).map(([name, { subject, doc }]) => `  ${`${name} ${subject}`.padEnd(24)}${doc}`);
  return `Usage: fluxcache [OPTION…] cluster REQUEST [OPTION…]

Looks after a cluster, by any of its nodes. A node is named by its id, the beginning of it, or its address.

${usages.join('\n')}

What else there is of CLUSTER (fluxcache cluster help) is sent to the server as it is.

${optionsText(clusterOptions)}

Exit status: 0; 1 when it is refused, or not done in time; 2 when the command line is wrong.
`;
}
