import { integer, list, text, time, toggle } from './kinds.ts';

/** How a node is watched. */
export const monitoringOptions = {
  dashboard: toggle({
    group: 'monitoring',
    doc: 'Serve the dashboard, at / of the HTTP port.',
    default: true,
  }),
  analysisInterval: time({
    group: 'monitoring',
    doc: 'How often a sample of the keys is looked at for memory by prefix, largest keys and types; 0: only while a dashboard is open.',
    default: 60_000,
    min: 0,
    max: 86_400_000,
  }),
  prefixSeparator: text({
    group: 'monitoring',
    doc: 'What ends the prefix of a key.',
    default: ':',
    pattern: /^[^\s\w]{1,4}$/u,
    allowed: 'one to four characters that are no letter, digit, underscore or space',
    placeholder: 'TEXT',
  }),
  maxPrefixes: integer({
    group: 'monitoring',
    doc: 'Prefixes that are told apart on the dashboard, the busiest and the largest; all others are one.',
    default: 50,
    min: 1,
    max: 1000,
  }),
  metricsPrefixes: list({
    group: 'monitoring',
    doc: 'Prefixes of keys, with their separator (user:), whose hit ratio and memory are metrics, too. None: metrics tell nothing of keys.',
    default: [],
    pattern: /^[\x21-\x2b\x2d-\x7e]{1,64}$/,
    allowed: 'prefixes of 1 to 64 visible ASCII characters, separated by commas',
    placeholder: 'PREFIX,…',
  }),
  logSlowCommands: toggle({
    group: 'monitoring',
    doc: 'Log commands that are slow (slowLogThreshold), with the trace that a request over HTTP names in its header traceparent.',
    default: false,
  }),
} as const;
