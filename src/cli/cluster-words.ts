import { nearest } from '../base/nearest.ts';

export const clusterVerbs = [
  'status',
  'add',
  'remove',
  'drain',
  'undrain',
  'rebalance',
  'failover',
  'settings',
  'reset',
] as const;

export type ClusterVerb = (typeof clusterVerbs)[number];

/** Whether words are a request of `fluxcache cluster`, and not a command CLUSTER that is sent to the server as it is. */
export function isClusterRequest(words: readonly string[]): boolean {
  const [first, verb, subject] = words;
  if (first !== 'cluster') return false;
  // These exist in Redis as well, with other arguments.
  if (verb === 'failover') return subject !== undefined && !/^(force|takeover)$/i.test(subject);
  if (verb === 'reset') return subject !== undefined && !/^(hard|soft)$/i.test(subject);
  return verb === undefined || verb.startsWith('--') || isClusterVerb(verb);
}

/** The request that is meant by words that the server does not know either; undefined when none is near. */
export function clusterVerbMeant([first = '', verb = '']: readonly string[]): ClusterVerb | undefined {
  const near = first.toLowerCase() === 'cluster' ? nearest(verb, clusterVerbs) : undefined;
  return clusterVerbs.find((each) => each === near);
}

export function isClusterVerb(word: string): word is ClusterVerb {
  return clusterVerbs.some((verb) => verb === word);
}
