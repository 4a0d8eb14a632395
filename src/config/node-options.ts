import { choice, integer, text, time } from './kinds.ts';

/** The node itself: its name, what it keeps of its own doings, its log. */
export const nodeOptions = {
  notifyKeyspaceEvents: text({
    group: 'node',
    doc: "Which changes of keys are published on channels, in Redis's letters: KEA for all, none for nothing.",
    default: '',
    pattern: /^[AKEg$lshzxetdmn]*$/,
    allowed: 'letters of AKEg$lshzxetdmn',
    placeholder: 'LETTERS',
  }),
  slowLogThreshold: time({
    group: 'node',
    doc: 'Commands that take longer are kept for SLOWLOG; of the fast ones only one in sixteen is measured. 0 keeps all that are measured.',
    default: 10,
    min: 0,
    max: 3_600_000,
  }),
  slowLogLength: integer({
    group: 'node',
    doc: 'Commands that are kept for SLOWLOG; 0 keeps none.',
    default: 128,
    min: 0,
    max: 100_000,
  }),
  latencyThreshold: time({
    group: 'node',
    doc: 'Delays of the main thread that are kept for LATENCY; 0 does not watch them.',
    default: 0,
    min: 0,
    max: 3_600_000,
  }),
  nodeName: text({
    group: 'node',
    doc: 'Name of this node in its views and metrics.',
    default: (machine) => machine.hostName,
    defaultDoc: "the machine's name",
    pattern: /^[\w.-]{1,128}$/,
    allowed: 'letters, digits, dots, hyphens and underscores, at most 128',
    placeholder: 'NAME',
  }),
  logLevel: choice({
    group: 'node',
    doc: 'Least important messages that are logged.',
    default: 'info',
    of: ['debug', 'info', 'warn', 'error', 'silent'],
  }),
  logFormat: choice({
    group: 'node',
    doc: 'One JSON object a line, or text for people; auto is text on a terminal.',
    default: 'auto',
    of: ['auto', 'json', 'text'],
  }),
} as const;
