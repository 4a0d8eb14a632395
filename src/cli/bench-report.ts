import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { BenchResult } from './bench-plan.ts';

/** The percentiles told, by their names in JSON. */
const percentiles = { p50: 50, p90: 90, p99: 99, p999: 99.9, p9999: 99.99 } as const;
const NS_PER_MS = 1e6;
/** Columns of a figure: the table fits a terminal of 80. */
const CELL = 8;
/** Share of reads that find a key below which the report says how to have more. */
const FOUND_SHARE = 0.9;

export interface Latency {
  readonly min: number;
  readonly avg: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
}

export interface BenchReport {
  readonly requests: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly reads: number;
  readonly hits: number;
  readonly writes: number;
  readonly errors: number;
  readonly wrong: number;
  readonly firstFault: string;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** In milliseconds; null where there was no such request. */
  /** How late the load generator itself was, in milliseconds; null without a rate. */
  readonly generatorLateMs: Latency | null;
  readonly latencyMs: { readonly all: Latency | null; readonly reads: Latency | null; readonly writes: Latency | null };
}

/** Puts together what the threads of a run did. */
export function reportOf(results: readonly BenchResult[]): BenchReport {
  const sum = (field: 'reads' | 'hits' | 'writes' | 'errors' | 'wrong' | 'sentBytes' | 'receivedBytes') =>
    results.reduce((total, result) => total + result[field], 0);
  const startedAtMs = Math.min(...results.map((result) => result.startedAtMs));
  const endedAtMs = Math.max(...results.map((result) => result.endedAtMs));
  const seconds = (endedAtMs - startedAtMs) / 1000;
  const requests = sum('reads') + sum('writes');
  const reads = results.map((result) => result.readTimes);
  const writes = results.map((result) => result.writeTimes);
  return {
    requests,
    seconds,
    requestsPerSecond: Math.round(requests / seconds),
    reads: sum('reads'),
    hits: sum('hits'),
    writes: sum('writes'),
    errors: sum('errors'),
    wrong: sum('wrong'),
    firstFault: results.find(({ firstFault }) => firstFault !== '')?.firstFault ?? '',
    sentBytes: sum('sentBytes'),
    receivedBytes: sum('receivedBytes'),
    generatorLateMs: latencyOf(results.map((result) => result.lateTimes)),
    latencyMs: { all: latencyOf([...reads, ...writes]), reads: latencyOf(reads), writes: latencyOf(writes) },
  };
}

function latencyOf(parts: readonly RecordableHistogram[]): Latency | null {
  const times = createHistogram({ lowest: 1, highest: 3600e9, figures: 3 });
  for (const part of parts) if (part.count > 0) times.add(part);
  if (times.count === 0) return null;
  const ms = (ns: number) => Math.round(ns / 1000) / (NS_PER_MS / 1000);
  const at = Object.entries(percentiles).map(([name, share]) => [name, ms(times.percentile(share))]);
  return { min: ms(times.min), avg: ms(times.mean), ...Object.fromEntries(at), max: ms(times.max) } as Latency;
}

/** The report as a table for people. */
export function reportText(report: BenchReport): string {
  const { requests, seconds, requestsPerSecond, reads, hits, writes, errors, wrong, firstFault, latencyMs } = report;
  const n = (value: number) => value.toLocaleString('en-US');
  const perSecond = (bytes: number) => `${(bytes / seconds / 1e6).toFixed(1)} MB/s`;
  const share = reads === 0 ? '' : `, ${((hits / reads) * 100).toFixed(1)}% of them found`;
  const lines = [
    `requests    ${n(requests)} in ${seconds.toFixed(2)} s: ${n(reads)} reads${share}; ${n(writes)} writes`,
    `throughput  ${n(requestsPerSecond)} requests/s; ${perSecond(report.sentBytes)} sent, ${perSecond(report.receivedBytes)} received`,
    `errors      ${n(errors)}; wrong answers ${n(wrong)}`,
    ...(firstFault === '' ? [] : [`            the first: ${firstFault}`]),
    ...(foundNote(report) ?? []),
    '',
    `latency, ms ${['min', 'avg', 'p50', 'p90', 'p99', 'p99.9', 'p99.99', 'max'].map((name) => name.padStart(CELL)).join('')}`,
  ];
  for (const [name, latency] of Object.entries(latencyMs)) {
    if (latency === null || (name === 'all' && (reads === 0 || writes === 0))) continue;
    lines.push(row(name, latency));
  }
  // A generator that has no processor to run on says nothing about the server.
  if (report.generatorLateMs !== null) lines.push(row('sent late', report.generatorLateMs));
  return `${lines.join('\n')}\n`;
}

/** Misses are answered by less work than hits: a load of them is worth a word. */
function foundNote({ reads, hits, errors, wrong }: BenchReport): [string] | null {
  if (reads === 0 || errors + wrong > 0 || hits >= reads * FOUND_SHARE) return null;
  return [`note        ${Math.floor((hits / reads) * 100)}% of reads found a key; --fill sets them first`];
}

function row(name: string, latency: Latency): string {
  const cells = Object.values(latency).map((ms: number) => ms.toFixed(ms < 1000 ? 3 : 1).padStart(CELL));
  return `${name.padEnd(12)}${cells.join('')}`;
}
