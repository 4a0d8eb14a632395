import { eventRows, eventTable, nodeRows, nodeTable } from './cluster-tables.ts';
import {
  balanceNote,
  commandRows,
  commandTable,
  hotKeyTable,
  prefixTable,
  protocolRows,
  protocolTable,
  shardRows,
  shardTable,
  slowTable,
} from './node-tables.ts';
import type { Known, Link, ViewName } from './state.ts';
import { type Section, sectionOf } from './table.ts';

/** The tables of a view, the first of which is the one that is sorted and walked through. */
export function sectionsOf(view: ViewName, known: Known, link: Link, nowMs: number): readonly Section[] {
  const { samples, cluster, access, slow } = known;
  const last = samples.at(-1);
  const isByResp = link.kind === 'open' && link.source.way === 'RESP';
  const shards = (): Section =>
    sectionOf(shardTable, last === undefined ? [] : shardRows(last), last === undefined ? '' : balanceNote(last));
  const hotKeys = (): Section => {
    const isHidden = access === null && known.hello !== null && !isByResp;
    return sectionOf(hotKeyTable, access?.hot ?? [], isHidden ? 'for users who may read' : 'estimated from a sample');
  };
  const slowCommands = (): Section => {
    const isHidden = known.hello !== null && !known.hello.user.rights.includes('admin');
    return sectionOf(slowTable, slow, isHidden ? 'for administrators' : '');
  };
  const nodes = (): Section => sectionOf(nodeTable, cluster === null ? [] : nodeRows(cluster, last, nowMs));

  switch (view) {
    case 'overview':
      return [
        ...(cluster !== null && cluster.report.nodes.length > 0 ? [nodes()] : []),
        ...(isByResp ? [commandsOf(known)] : [shards(), hotKeys()]),
        slowCommands(),
      ];
    case 'commands':
      return [commandsOf(known), sectionOf(protocolTable, last === undefined ? [] : protocolRows(last))];
    case 'shards':
      return [shards()];
    case 'keys':
      return [hotKeys(), sectionOf(prefixTable, access?.prefixes ?? [])];
    case 'slow':
      return [slowCommands()];
    case 'cluster':
      return [nodes()];
    case 'events':
      return [sectionOf(eventTable, eventRows(known))];
  }
}

function commandsOf({ samples }: Known): Section {
  const last = samples.at(-1);
  return sectionOf(commandTable, last === undefined ? [] : commandRows(last));
}
