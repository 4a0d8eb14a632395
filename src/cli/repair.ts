import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DirectoryLockedError, lockDirectory } from '../base/directory-lock-file.ts';
import { shardFolder } from '../persistence/data-names.ts';
import { type FileReport, type FolderReport, inspectFolder } from '../persistence/inspect-folder-file.ts';
import { keepAside } from '../persistence/keep-aside-file.ts';
import { KEYS_FOLDER, LOCK_NAME, MANIFEST_NAME, type Manifest } from '../persistence/manifest.ts';
import { guessManifest, readManifest, writeManifest } from '../persistence/manifest-file.ts';
import { repairFolder } from '../persistence/repair-folder-file.ts';
import { planRepair, type RepairConsent, type RepairStep } from '../persistence/repair-plan.ts';
import { readOptions } from './command-line.ts';
import { counted } from './counted.ts';
import { optionsText } from './help-text.ts';
import type { OptionValues } from './option-kinds.ts';
import { repairOptions } from './repair-options.ts';
import { Exit, print, refuse, warn } from './run.ts';

type Values = OptionValues<typeof repairOptions>;

const HELP = 'fluxcache repair --help';
const MIB = 2 ** 20;

/** Runs `fluxcache repair` with what stands behind the word, and answers the exit status. */
export async function runRepair(args: readonly string[]): Promise<Exit> {
  // The directory may stand before the options, or behind them.
  const isFirst = args[0] !== undefined && !args[0].startsWith('-');
  const read = readOptions(repairOptions, isFirst ? args.slice(1) : args);
  if (read.asks === 'help') {
    await print(helpText());
    return Exit.ok;
  }
  const directories = isFirst ? [args[0] as string, ...read.rest] : read.rest;
  const problems = [...read.problems];
  const [directory] = directories;
  // What stands behind an option that there is not was not read: the directory may be there.
  if (directory === undefined && read.problems.length === 0)
    problems.push('repair needs the data directory of a node: fluxcache repair DIR.');
  if (directories.length > 1) problems.push(`repair takes one directory, but was given ${directories.length}.`);
  if (read.given.has('partitions') && !read.values.manifest) problems.push('--partitions goes with --manifest.');
  if (directory === undefined || problems.length > 0) return refuse(problems, HELP);
  const root = join(resolve(directory), KEYS_FOLDER);
  if (!existsSync(root)) {
    warn(`${root}: there is no such folder, so there are no keys of a node in ${directory}.`);
    return Exit.error;
  }
  try {
    const unlock = await lockDirectory(root, LOCK_NAME);
    try {
      return await repair(root, read.values);
    } finally {
      await unlock();
    }
  } catch (error) {
    if (!(error instanceof Error) || !(error instanceof DirectoryLockedError || 'code' in error)) throw error;
    const advice = error instanceof DirectoryLockedError ? ' Stop the node before its files are looked at.' : '';
    warn(`${error.message}.${advice}`);
    return Exit.error;
  }
}

async function repair(root: string, values: Values): Promise<Exit> {
  const asideRoot = join(root, `aside-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  const manifest = await manifestOf(root, asideRoot, values);
  if (manifest === null) return Exit.error;
  const { storeId, generation, shards, partitions, keeps } = manifest;
  const id = Buffer.from(storeId).toString('hex');
  await print(`${root}: store ${id}, ${counted(shards, 'shard')}, ${partitions} partitions, ${generation}\n`);
  const consents = new Set<RepairConsent>();
  if (values.truncate) consents.add('truncate');
  if (values.salvage) consents.add('salvage');
  const folders = Array.from({ length: shards }, (_, shard) => join(root, generation, shardFolder(shard)));
  const reports = folders.map((folder) => inspectFolder(folder, storeId, keeps));
  const plans = reports.map((report) => planRepair(report));
  const isNeeded = plans.some((steps) => steps.length > 0);
  // What loses nothing is not done either unless anything was agreed to.
  const missing = new Set(plans.flat().map(({ needs }) => needs ?? 'truncate'));
  for (const { needs } of plans.flat()) if (consents.has(needs ?? 'truncate')) missing.delete(needs ?? 'truncate');
  const isAgreed = isNeeded && missing.size === 0;
  let isWhole = true;
  for (const [shard, folder] of folders.entries()) {
    const steps = plans[shard] ?? [];
    let report = reports[shard] as FolderReport;
    await print(folderText(shard, report));
    await print(stepsText(steps, isAgreed));
    if (isAgreed && steps.length > 0) {
      const asideFolder = join(asideRoot, shardFolder(shard));
      repairFolder({ folder, asideFolder, header: { shard, shards, storeId, begunAtMs: Date.now() } }, steps);
      report = inspectFolder(folder, storeId, keeps);
      if (existsSync(asideFolder)) await print(`  what there was before is in ${asideFolder}\n`);
      await print(verdictText(report));
    }
    if (report.refusal !== null) isWhole = false;
  }
  if (isNeeded && !isAgreed) {
    const flags = [...missing].map((need) => `--${need}`).join(' ');
    await print(`Nothing was changed. With ${flags} what is told above is done; files are copied aside before.\n`);
  } else if (!isWhole) await print('A node will not start with these files: bring them back from a backup.\n');
  return isWhole ? Exit.ok : Exit.error;
}

/** Null: there is none, which is told. */
async function manifestOf(
  root: string,
  asideRoot: string,
  { manifest: mayWrite, partitions }: Values,
): Promise<Manifest | null> {
  const read = readManifest(root);
  if (read !== null && typeof read !== 'string') return read;
  const what = `${join(root, MANIFEST_NAME)}: ${read ?? 'it is missing'}.`;
  const guess = guessManifest(root, partitions);
  if (guess === null) {
    warn(`${what} The files do not tell what it said: bring it back from a backup.`);
    return null;
  }
  if (!mayWrite) {
    const whose = guess.keeps === 'copies' ? ', of a node in a cluster' : '';
    const found = `${counted(guess.shards, 'shard')}, ${partitions} partitions${whose}`;
    warn(`${what} With --manifest it is written anew: ${found}.`);
    return null;
  }
  // What it said of partitions is told by nothing else.
  if (read !== null) keepAside(join(root, MANIFEST_NAME), asideRoot);
  writeManifest(root, guess);
  await print(`${what} It was written anew.${read === null ? '' : ` What it was before is in ${asideRoot}.`}\n`);
  return guess;
}

function folderText(shard: number, report: FolderReport): string {
  const lines = [`shard ${shard} (${report.folder})`, ...report.files.map(fileText)];
  if (report.others.length > 0) lines.push(`  a start removes what was never finished: ${report.others.join(', ')}`);
  return `${lines.join('\n')}\n${verdictText(report)}`;
}

function fileText(file: FileReport): string {
  const { name, bytes, header } = file;
  if (header === null) return `  ${name}  ${sizeText(bytes)}  UNREADABLE: ${file.headerFault?.says}`;
  const { count, kind, sequence, next, end, reaches, followedAt } = file;
  const facts =
    kind === 'snapshot'
      ? [counted(count, 'entry', 'entries'), reaches === null ? 'no end' : `of numbers ${sequence} to ${reaches}`]
      : [counted(count, 'record'), count === 0 ? `from number ${sequence} on` : `numbers ${sequence} to ${next - 1}`];
  if (kind === 'log' && header.isAnew) facts.push('begun behind what was lost');
  if (followedAt !== null) facts.push('another follows');
  if (end.kind === 'torn') facts.push(`${bytes - end.offset} bytes at its end are not whole`);
  if (end.kind === 'damaged') facts.push(`DAMAGED at byte ${end.offset}: ${end.reason}`);
  return `  ${name}  ${sizeText(bytes)}  begun ${ageText(header.begunAtMs)}  ${facts.join(', ')}`;
}

function verdictText({ refusal, recovered }: FolderReport): string {
  if (recovered === null) return `  NOT WHOLE: ${refusal?.message.split(". 'fluxcache repair'")[0]}\n`;
  const { snapshotEntries, records, next, tornBytes } = recovered;
  const torn = tornBytes === 0 ? '' : `; ${tornBytes} bytes that were never finished are cut off`;
  const read = `${counted(snapshotEntries, 'entry', 'entries')} and ${counted(records, 'record')}`;
  return `  whole: a start reads ${read}, and goes on with number ${next}${torn}\n`;
}

function stepsText(steps: readonly RepairStep[], isDone: boolean): string {
  const said = steps.filter(({ says }) => says !== null);
  return said.map(({ says, needs }) => `  ${isDone ? 'done' : `--${needs ?? 'truncate'}`}: ${says}\n`).join('');
}

function sizeText(bytes: number): string {
  return bytes < MIB ? `${bytes} bytes` : `${(bytes / MIB).toFixed(1)} MiB`;
}

function ageText(begunAtMs: number): string {
  return new Date(begunAtMs).toISOString().slice(0, 19).replace('T', ' ');
}

function helpText(): string {
  return `Usage: fluxcache repair DIR [OPTION…]

Shows what a node that is stopped has kept in its data directory, and what a start would make of it. Changes nothing
unless an option says so; what is changed is copied aside before, to DIR/keys/aside-TIME.

${optionsText(repairOptions)}

Exit status: 0 when a node can start with what is there; 1 when it cannot, or one is running; 2 when the command line is
wrong.
`;
}
