import { partitionsNote } from './cluster-tables.ts';
import { ago, amount, bar, bytes, duration, rate, share, sparkline, timeOfDay, whole } from './figures.ts';
import type { ClusterNews, DiskSample, LoadsSample, Sample } from './news.ts';
import { byNameText, hitRatio, totalOf } from './node-tables.ts';
import { fitted, type Row, type Style, span, widthOf } from './row.ts';
import type { Known, Link } from './state.ts';
import { cut, padded, seen } from './text-columns.ts';

const LABEL_COLUMNS = 9;
const SPARK_COLUMNS = 30;
const BAR_COLUMNS = 20;
const MEMORY_WARN = 0.9;
/** Longer than this, the main thread keeps clients waiting. */
const LOOP_WARN_MS = 100;

/** Who is looked at and how it is: the first row. */
export function titleRow(known: Known, link: Link, isFrozen: boolean, columns: number): Row {
  const { hello, health, samples } = known;
  const last = samples.at(-1);
  const right = isFrozen ? span('PAUSED', 'inverse') : span(last === undefined ? '' : timeOfDay(last.atMs), 'dim');
  const left = fitted(
    [
      [span(seen(hello?.node ?? 'fluxcache top'), 'bold')],
      [healthSpan(known, link)],
      [span(seen(addressOf(link)), 'dim')],
      ...(hello !== null && last !== undefined
        ? [[span(`up ${duration(Math.max(0, last.atMs - hello.startedAtMs))}`)]]
        : []),
      [span(seen(hello?.version ?? ''), 'dim')],
      ...(health === null ? [] : health.reasons.map((reason) => [span(seen(reason), health.ready ? 'warn' : 'bad')])),
    ],
    Math.max(0, columns - right.text.length - 1),
  );
  return [...left, span(' '.repeat(Math.max(1, columns - widthOf(left) - right.text.length))), right];
}

function addressOf(link: Link): string {
  if (link.kind === 'open') return `${link.source.way} ${link.source.address}`;
  return link.kind === 'connecting' ? link.address : '';
}

function healthSpan({ health }: Known, link: Link) {
  if (link.kind === 'connecting') return span('connecting');
  if (link.kind === 'lost') return span('LOST', 'bad');
  if (health === null) return span('');
  return health.ready ? span('ready', 'good') : span('NOT READY', 'bad');
}

/** The figures that say how the node is, the most telling first. */
export function summaryRows(known: Known, link: Link, columns: number, nowMs: number): readonly Row[] {
  const { samples, cluster, failovers } = known;
  const last = samples.at(-1);
  const rows: Row[] = [];
  if (last !== undefined) {
    rows.push(
      requests(samples, last, columns),
      latencies(last, columns),
      reads(samples, last, columns),
      memory(last, columns),
      connections(last, columns),
      ...(samples.some(({ loads }) => isLoading(loads)) ? [loads(last.loads, columns)] : []),
      ...(last.disk === null ? [] : disk(last.disk, columns)),
    );
  }
  if (cluster !== null && cluster.report.nodes.length > 0) rows.push(...ofCluster(cluster, failovers, columns, nowMs));
  if (link.kind === 'open' && link.source.missing !== '')
    rows.push(...warnings([link.source.missing], columns, 'warn'));
  return rows;
}

function labelled(label: string, parts: readonly Row[], columns: number, style: Style = 'accent'): Row {
  const head = span(padded(label, LABEL_COLUMNS), style);
  return [head, span(' '), ...fitted(parts, Math.max(0, columns - LABEL_COLUMNS - 1))];
}

function requests(samples: readonly Sample[], { byProtocol, errors }: Sample, columns: number): Row {
  const rates = samples.map((sample) => totalOf(sample.byProtocol));
  const parts: Row[] = [
    [span(padded(rate(totalOf(byProtocol)), 8, 'right'), 'bold')],
    [span(`${rate(errors)} errors`, errors > 0 ? 'bad' : '')],
    [span(sparkline(rates, SPARK_COLUMNS), 'dim')],
    [span(`peak ${rate(Math.max(...rates))}`, 'dim')],
  ];
  return labelled('requests', parts, columns);
}

function latencies({ latency, eventLoop, processors }: Sample, columns: number): Row {
  const parts: Row[] = [
    [span('p50 '), span(duration(latency?.p50Ms ?? null), 'bold')],
    [span('p99 '), span(duration(latency?.p99Ms ?? null), 'bold')],
    [span('p99.9 '), span(duration(latency?.p999Ms ?? null), 'bold')],
    [span(`${amount(Math.round(processors * 100) / 100)} cores`)],
  ];
  if (eventLoop !== null) {
    parts.push([
      span(`main thread late p99 ${duration(eventLoop.p99Ms)}`, eventLoop.p99Ms > LOOP_WARN_MS ? 'warn' : ''),
    ]);
  }
  return labelled('latency', parts, columns);
}

function reads(samples: readonly Sample[], sample: Sample, columns: number): Row {
  const ratios = samples.map((each) => hitRatio(each) ?? 0);
  const parts: Row[] = [
    [span(padded(share(hitRatio(sample)), 8, 'right'), 'bold')],
    [span(`${rate(sample.hits)} found`)],
    [span(`${rate(sample.misses)} missed`)],
    [span(sparkline(ratios, SPARK_COLUMNS), 'dim')],
  ];
  return labelled('hits', parts, columns);
}

function memory({ memory: { budget, free }, keys, expiringKeys, evicted, expired }: Sample, columns: number): Row {
  const used = budget - free;
  const part = budget === 0 ? 0 : used / budget;
  const parts: Row[] = [
    [span(padded(bytes(used), 8, 'right'), 'bold')],
    ...(budget === 0 ? [] : [[span(`[${bar(part, BAR_COLUMNS)}] ${share(part)}`, part > MEMORY_WARN ? 'warn' : '')]]),
    [span(`${amount(keys)} keys`)],
    [span(`${rate(evicted)} evicted`, evicted > 0 ? 'warn' : '')],
    [span(`${rate(expired)} expired`)],
    [span(`${amount(expiringKeys)} expire`, 'dim')],
  ];
  return labelled('memory', parts, columns);
}

function connections({ connections: byProtocol, receivedBytes, sentBytes }: Sample, columns: number): Row {
  const parts: Row[] = [
    [span(padded(whole(totalOf(byProtocol)), 8, 'right'), 'bold')],
    [span(`in ${bytes(receivedBytes)}/s`)],
    [span(`out ${bytes(sentBytes)}/s`)],
    [span(byNameText(byProtocol, whole), 'dim')],
  ];
  return labelled('clients', parts, columns);
}

function isLoading({ granted, staleHits, invalidated, pendingTags }: LoadsSample): boolean {
  return granted > 0 || staleHits > 0 || invalidated > 0 || pendingTags > 0;
}

function loads(sample: LoadsSample, columns: number): Row {
  const { granted, filled, lost, staleHits, invalidated, pendingTags } = sample;
  const parts: Row[] = [
    [span(padded(rate(granted), 8, 'right'), 'bold'), span(' tokens')],
    [span(`${rate(filled)} filled`)],
    [span(`${rate(lost)} lost`)],
    [span(`${rate(staleHits)} stale reads`)],
    [span(`${rate(invalidated)} invalidated`)],
    ...(pendingTags === 0 ? [] : [[span(`${whole(pendingTags)} tags being swept`, 'dim')]]),
  ];
  return labelled('loads', parts, columns);
}

function disk(
  { fsync, isWell, troubles, writtenBytes, waiting, unsynced }: DiskSample,
  columns: number,
): readonly Row[] {
  const parts: Row[] = [
    [span(isWell ? 'well' : 'NOT WELL', isWell ? 'good' : 'bad')],
    [span(`${bytes(writtenBytes)}/s written`)],
    [span(`fsync ${seen(fsync)}`)],
    [span(`${whole(waiting)} waiting`)],
    [span(`${whole(unsynced)} unsynced`, 'dim')],
  ];
  return [labelled('disk', parts, columns), ...warnings(troubles, columns)];
}

function ofCluster(news: ClusterNews, failovers: Known['failovers'], columns: number, nowMs: number): readonly Row[] {
  const { report } = news;
  const { offline, underReplicated } = report.partitions;
  const up = report.nodes.filter(({ health }) => health === 'up').length;
  const latest = failovers[0];
  const lostAtMs = latest?.suspectedAtMs ?? latest?.fencedAtMs ?? null;
  const parts: Row[] = [
    [span(`${up} of ${report.nodes.length} nodes up`, up === report.nodes.length ? 'good' : 'bad')],
    [span(partitionsNote(news), offline > 0 ? 'bad' : underReplicated > 0 ? 'warn' : '')],
    ...(latest === undefined || lostAtMs === null
      ? []
      : [[span(`${failovers.length} lost, the last ${ago(lostAtMs, nowMs)}`, 'warn')]]),
  ];
  return [labelled('cluster', parts, columns), ...warnings(report.lacks, columns)];
}

/** The first of what is wrong, in a row of its own. */
function warnings(texts: readonly string[], columns: number, style: Style = 'bad'): readonly Row[] {
  const [first] = texts;
  if (first === undefined) return [];
  const more = texts.length > 1 ? ` (and ${texts.length - 1} more)` : '';
  return [
    [span(' '.repeat(LABEL_COLUMNS + 1)), span(cut(`! ${seen(first)}${more}`, columns - LABEL_COLUMNS - 1), style)],
  ];
}
