import type { NodeFacts } from './facts.ts';

/** Hands over one sample: labels (a value for each of the row's label names) and the number. */
export type AddSample = (labels: Readonly<Record<string, string>>, value: number) => void;

export interface MetricRow {
  /** Behind the prefix `fluxcache_`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'summary';
  readonly help: string;
  readonly labels: readonly string[];
  /** It is on the page of nodes of a cluster only. */
  readonly isOfCluster?: boolean;
  /** It is on the page of nodes only that keep their keys on the disk. */
  readonly isOfPersistence?: boolean;
  readonly read: (facts: NodeFacts, add: AddSample) => void;
}
