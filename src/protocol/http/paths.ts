import { FILL_MS_DEFAULT, FILL_MS_MAX, FILL_WAIT_MS_MAX } from '../../base/cache-limits.ts';
/** Every path of the HTTP interface: what routes requests, says 405 with Allow, and describes itself as OpenAPI. */

export type HttpMethod = 'GET' | 'PUT' | 'POST' | 'DELETE';

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header';
  readonly required: boolean;
  readonly type: 'string' | 'number' | 'integer';
  readonly doc: string;
}

export interface HttpPath {
  /** Unique; names the operation. */
  readonly id: string;
  readonly method: HttpMethod;
  /** `{key}`, or another name in braces, is one percent-encoded segment. */
  readonly path: string;
  readonly summary: string;
  /** Needs no credentials unless the node is told otherwise. */
  readonly isProbe: boolean;
  /** Never needs credentials, because it tells nothing of the node. */
  readonly isPublic?: boolean;
  /** Pages of other origins are refused, as they are wherever something is changed. */
  readonly isForOwnPages?: boolean;
  readonly parameters: readonly Parameter[];
  /**
   * What the body is; none when absent. `any`: bytes with their Content-Type. `command`: an array that is a command in
   * Redis's shape, and `commands` an array of these.
   */
  readonly body?: 'json' | 'optional-json' | 'any' | 'command' | 'commands';
  /** Errors are told as clients of Redis over HTTP read them, and not as problem documents. */
  readonly isRedisShaped?: boolean;
  /** Fields of a JSON body with their JSON types; `!` marks those that must be given. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Meaning of each status that is not an error of the request's form. */
  readonly answers: Readonly<Record<number, string>>;
}

const keyQuery: Parameter = { name: 'key', in: 'query', required: true, type: 'string', doc: 'The key.' };
const keySegment: Parameter = { name: 'key', in: 'path', required: true, type: 'string', doc: 'The key.' };
const ifMatch = header('If-Match', 'Entity tags, or *: the request is done only if the entry has one of them.');
const ifNoneMatch = header(
  'If-None-Match',
  'Entity tags, or *: the request is done only if the entry has none of them.',
);
const encoding = header('Upstash-Encoding', 'base64: every string of the result but a lone OK is in base64.');
const noSuchKey = 'There is no such key.';
const preconditionFailed = 'A precondition does not hold.';

export const httpPaths = [
  {
    id: 'set',
    method: 'POST',
    path: '/set',
    summary: 'Stores a JSON value under a key.',
    isProbe: false,
    parameters: [],
    body: 'json',
    fields: {
      'key!': 'string',
      'value!': 'any',
      ttl: 'number',
      stale: 'number',
      jitter: 'number',
      tags: 'array',
      nx: 'boolean',
      xx: 'boolean',
      ifVersion: 'integer',
      fill: 'string',
    },
    answers: {
      200: 'Stored.',
      409: 'nx, xx or ifVersion does not hold, or the fill token does not count any more.',
      507: 'The memory is full.',
    },
  },
  {
    id: 'get',
    method: 'GET',
    path: '/get',
    summary: 'Returns the value of a key as JSON, with its version and the seconds it has left.',
    isProbe: false,
    parameters: [keyQuery],
    answers: { 200: 'Found.', 404: noSuchKey },
  },
  {
    id: 'delete',
    method: 'DELETE',
    path: '/delete',
    summary: 'Removes a key.',
    isProbe: false,
    parameters: [keyQuery],
    answers: { 200: 'Whether there was one to remove.' },
  },
  {
    id: 'deleteByBody',
    method: 'POST',
    path: '/delete',
    summary: 'Removes a key that is named in the body.',
    isProbe: false,
    parameters: [],
    body: 'json',
    fields: { 'key!': 'string' },
    answers: { 200: 'Whether there was one to remove.' },
  },
  {
    id: 'readKey',
    method: 'GET',
    path: '/v1/keys/{key}',
    summary: 'Returns the bytes of a value with its Content-Type, entity tag and freshness.',
    isProbe: false,
    parameters: [
      keySegment,
      header('Cache-Control', 'max-stale, or max-stale=seconds: also a value whose time is over, in its stale window.'),
      ifMatch,
      ifNoneMatch,
    ],
    answers: { 200: 'Found.', 304: 'The entry has the tag of If-None-Match.', 404: noSuchKey, 412: preconditionFailed },
  },
  {
    id: 'writeKey',
    method: 'PUT',
    path: '/v1/keys/{key}',
    summary: 'Stores the body as the value of a key.',
    isProbe: false,
    parameters: [
      keySegment,
      seconds('ttl', 'Seconds until the entry expires.'),
      seconds('stale', 'Seconds behind that in which it is still there for who asks for stale values.'),
      seconds('jitter', 'Seconds by a random part of which it expires earlier.'),
      query('tags', 'Tags, separated by commas.'),
      query('tag', 'A tag; may be given again and again.'),
      query('fill', 'The fill token of who stores what he was to load: written only while it counts.'),
      header('Cache-Control', 'max-age and stale-while-revalidate, in place of ttl and stale.'),
      ifMatch,
      ifNoneMatch,
    ],
    body: 'any',
    answers: {
      201: 'Created.',
      204: 'Replaced.',
      409: 'The fill token does not count any more.',
      412: preconditionFailed,
      507: 'The memory is full.',
    },
  },
  {
    id: 'removeKey',
    method: 'DELETE',
    path: '/v1/keys/{key}',
    summary: 'Removes a key.',
    isProbe: false,
    parameters: [keySegment, ifMatch, ifNoneMatch],
    answers: { 204: 'Removed.', 404: noSuchKey, 412: preconditionFailed },
  },
  {
    id: 'takeFill',
    method: 'POST',
    path: '/v1/keys/{key}/fill',
    summary:
      'Returns a value as GET does, stale ones too; where it is not fresh, the first to ask gets a token in the header ' +
      'FluxCache-Fill, and is to store a new one with it.',
    isProbe: false,
    parameters: [
      keySegment,
      {
        name: 'for',
        in: 'query',
        required: false,
        type: 'integer',
        doc: `Milliseconds that the token counts, up to ${FILL_MS_MAX}; ${FILL_MS_DEFAULT} if not given.`,
      },
      {
        name: 'wait',
        in: 'query',
        required: false,
        type: 'integer',
        doc: `Milliseconds to wait for who fills a missing key, up to ${FILL_WAIT_MS_MAX}.`,
      },
    ],
    answers: {
      200: 'Found, and maybe stale: Cache-Status says so.',
      404: 'There is no value; fill is the token, or null while somebody else has it for another ms milliseconds.',
    },
  },
  {
    id: 'cancelFill',
    method: 'DELETE',
    path: '/v1/keys/{key}/fill',
    summary: 'Gives a fill token back, so that another asker gets one.',
    isProbe: false,
    parameters: [keySegment, { ...query('token', 'The token.'), required: true }],
    answers: { 204: 'Given back.', 409: 'It does not count any more.' },
  },
  {
    id: 'invalidate',
    method: 'POST',
    path: '/v1/invalidate',
    summary: 'Invalidates all keys that bear one of the tags, or removes those that match a pattern.',
    isProbe: false,
    parameters: [],
    body: 'json',
    fields: { tags: 'array', soft: 'boolean', match: 'string' },
    answers: { 200: 'How many tags there were, or keys were removed.' },
  },
  {
    id: 'incrKey',
    method: 'POST',
    path: '/v1/keys/{key}/incr',
    summary: 'Adds to the number stored under a key, 0 when there is none.',
    isProbe: false,
    parameters: [keySegment],
    body: 'optional-json',
    fields: { by: 'number' },
    answers: { 200: 'The new number.', 409: 'The value is no number, or the result would not fit.' },
  },
  {
    id: 'listKeys',
    method: 'GET',
    path: '/v1/keys',
    summary: 'Returns a page of the keys, in no order; what is there throughout all pages is returned.',
    isProbe: false,
    parameters: [
      {
        name: 'match',
        in: 'query',
        required: false,
        type: 'string',
        doc: 'A pattern: * ? [abc] [a-z] [^a], \\ escapes.',
      },
      { name: 'cursor', in: 'query', required: false, type: 'string', doc: 'The cursor of the page before.' },
      {
        name: 'count',
        in: 'query',
        required: false,
        type: 'integer',
        doc: 'About how many keys to look at, 100 if not given.',
      },
    ],
    answers: { 200: 'A page; its cursor is null when it is the last.' },
  },
  {
    id: 'batch',
    method: 'POST',
    path: '/v1/batch',
    summary: 'Runs operations in order; each has a result of its own. Not a transaction.',
    isProbe: false,
    parameters: [],
    body: 'json',
    fields: { 'operations!': 'array' },
    answers: { 200: 'The results, in the order of the operations.' },
  },
  {
    id: 'events',
    method: 'GET',
    path: '/v1/events',
    summary:
      'Streams changes of keys as server-sent events: set, del, expire, expired, evicted, flush, invalidate, gap.',
    isProbe: false,
    parameters: [
      query('match', 'A pattern of the keys to be told of: * ? [abc] [a-z] [^a], \\\\ escapes.'),
      query('types', 'Types of events to be told of, separated by commas; a gap is always told.'),
      query('lastEventId', 'As the header Last-Event-ID.'),
      header(
        'Last-Event-ID',
        'The id of the last event that was taken: those behind it follow, as far as they are held.',
      ),
    ],
    answers: { 200: 'A stream of type text/event-stream.' },
  },
  {
    id: 'redisCommand',
    method: 'POST',
    path: '/',
    summary: 'Runs one command of the command table: the shape that HTTP clients of Redis use.',
    isProbe: false,
    parameters: [encoding],
    body: 'command',
    isRedisShaped: true,
    answers: { 200: 'Its result, as {"result":…}.', 400: 'Its error, as {"error":"…"}.' },
  },
  {
    id: 'redisPipeline',
    method: 'POST',
    path: '/pipeline',
    summary: 'Runs commands in order; each has a result of its own. Not a transaction.',
    isProbe: false,
    parameters: [encoding],
    body: 'commands',
    isRedisShaped: true,
    answers: { 200: 'An array of {"result":…} and {"error":"…"}, in the order of the commands.' },
  },
  {
    id: 'redisTransaction',
    method: 'POST',
    path: '/multi-exec',
    summary: 'Runs commands as a transaction: all of them, with nothing between, or none.',
    isProbe: false,
    parameters: [encoding],
    body: 'commands',
    isRedisShaped: true,
    answers: { 200: 'An array of {"result":…} and {"error":"…"}, in the order of the commands.' },
  },
  subscription('subscribe', 'GET', '/subscribe/{channel}', 'Streams the messages published to a channel.'),
  subscription('subscribeByPost', 'POST', '/subscribe/{channel}', 'As GET.'),
  subscription('psubscribe', 'GET', '/psubscribe/{pattern}', 'Streams the messages of all channels that match.'),
  subscription('psubscribeByPost', 'POST', '/psubscribe/{pattern}', 'As GET.'),
  {
    id: 'nodes',
    method: 'GET',
    path: '/nodes',
    summary: 'Describes the nodes of the cluster: their health, roles and lag, and of this one what it holds.',
    isProbe: false,
    parameters: [],
    answers: { 200: 'The nodes.' },
  },
  {
    id: 'cluster',
    method: 'GET',
    path: '/v1/cluster',
    summary: 'Tells all there is to tell of the cluster: settings, nodes, partitions, and what it lacks.',
    isProbe: false,
    parameters: [query('partitions', 'true: with an entry for each partition.')],
    answers: { 200: 'The report.' },
  },
  {
    id: 'snapshot',
    method: 'POST',
    path: '/v1/snapshot',
    summary: 'Makes a snapshot of all keys on the disk, and answers when it is there.',
    isProbe: false,
    parameters: [query('wait', 'false: answers at once.')],
    answers: {
      200: 'It is on the disk: how many entries and bytes it has, and how long it took.',
      202: 'It is being made.',
      507: 'It could not be made.',
    },
  },
  clusterRequest('clusterDrain', 'drain', 'Moves all copies off a node, which stays a member.', {
    'node!': 'string',
  }),
  clusterRequest(
    'clusterUndrain',
    'undrain',
    'Ends a drain or a failover: the node takes copies and primaries again.',
    {
      'node!': 'string',
    },
  ),
  clusterRequest(
    'clusterRemove',
    'remove',
    'Takes a node out of the cluster for good, once it is drained; its process ends. force gives up the last copies of one that is dead.',
    { 'node!': 'string', force: 'boolean' },
  ),
  clusterRequest(
    'clusterRebalance',
    'rebalance',
    'Says how many partitions are on their way to where they should be.',
    {},
  ),
  clusterRequest(
    'clusterFailover',
    'failover',
    'Has a node give what it is primary of to other in-sync copies, and keep its copies.',
    {
      'node!': 'string',
    },
  ),
  clusterRequest('clusterSettings', 'settings', 'Changes settings of the cluster.', {
    copies: 'integer',
    minInSync: 'integer',
    onLoss: 'string',
  }),
  clusterRequest(
    'clusterReset',
    'reset',
    'Has an offline partition begin empty. givesUp: also when its last copy is on a node that is dead.',
    { 'partition!': 'integer', givesUp: 'boolean' },
  ),
  probe('health', '/health', 'Says whether the node serves, and if not, why.', 503),
  probe('healthz', '/healthz', 'As /health.', 503),
  probe(
    'readyz',
    '/readyz',
    'Says whether to send the node requests: not while it loads or drains, or its copies are filled.',
    503,
  ),
  probe('livez', '/livez', 'Answers as long as the process can.'),
  probe('metrics', '/metrics', 'Metrics in the text format of Prometheus.'),
  {
    id: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description.',
    isProbe: false,
    parameters: [],
    answers: { 200: 'An OpenAPI 3.1 document.' },
  },
  page('dashboard', '/', 'The dashboard, for browsers.'),
  page('dashboardFile', '/dashboard/{file}', 'A file of the dashboard.'),
  {
    id: 'dashboardStream',
    method: 'GET',
    path: '/v1/dashboard',
    summary: 'Streams what the dashboard shows as server-sent events of JSON; what a user may not see is left out.',
    isProbe: false,
    // While it is open, keys are analysed more often, and the other nodes are asked each second.
    isForOwnPages: true,
    parameters: [],
    answers: {
      200: 'A stream of type text/event-stream.',
      403: 'A page of another origin asks.',
      404: 'The node has no dashboard.',
    },
  },
] as const satisfies readonly HttpPath[];

export type HttpPathId = (typeof httpPaths)[number]['id'];

function query(name: string, doc: string): Parameter {
  return { name, in: 'query', required: false, type: 'string', doc };
}

function seconds(name: string, doc: string): Parameter {
  return { name, in: 'query', required: false, type: 'number', doc };
}

function header(name: string, doc: string): Parameter {
  return { name, in: 'header', required: false, type: 'string', doc };
}

function subscription<Id extends string>(id: Id, method: 'GET' | 'POST', path: string, summary: string) {
  const name = path.slice(path.indexOf('{') + 1, -1);
  const parameter: Parameter = { name, in: 'path', required: true, type: 'string', doc: `The ${name}.` };
  const answers: Record<number, string> = { 200: 'A stream of type text/event-stream.' };
  return { id, method, path, summary, isProbe: false, isRedisShaped: true, parameters: [parameter], answers };
}

function page<Id extends string>(id: Id, path: string, summary: string) {
  const file: Parameter = { name: 'file', in: 'path', required: true, type: 'string', doc: 'Its name.' };
  const answers: Record<number, string> = { 200: 'Its bytes.', 304: 'They are those of If-None-Match.' };
  answers[404] = 'There is no such file, or the node has no dashboard.';
  const parameters: readonly Parameter[] = path.includes('{file}') ? [file, ifNoneMatch] : [ifNoneMatch];
  return { id, method: 'GET' as const, path, summary, isProbe: false, isPublic: true, parameters, answers };
}

function clusterRequest<Id extends string>(
  id: Id,
  verb: string,
  summary: string,
  fields: Readonly<Record<string, string>>,
) {
  const hasMust = Object.keys(fields).some((name) => name.endsWith('!'));
  const answers: Record<number, string> = {
    200: 'It is decided; result says whether it is done (applied), goes on (accepted), or was so before (unchanged).',
    409: 'The cluster refuses it.',
    503: 'The cluster cannot decide now.',
  };
  return {
    id,
    method: 'POST' as const,
    path: `/v1/cluster/${verb}`,
    summary,
    isProbe: false,
    parameters: [] as readonly Parameter[],
    body: hasMust ? ('json' as const) : ('optional-json' as const),
    fields,
    answers,
  };
}

function probe<Id extends string>(id: Id, path: string, summary: string, failing?: number) {
  const answers: Record<number, string> = { 200: 'Yes.' };
  if (failing !== undefined) answers[failing] = 'No; the body says why.';
  return { id, method: 'GET' as const, path, summary, isProbe: true, parameters: [] as readonly Parameter[], answers };
}

/** The methods a path takes, HEAD and OPTIONS included, as Allow lists them; empty when there is no such path. */
export function methodsAt(path: string): readonly string[] {
  const methods = new Set<string>();
  for (const row of httpPaths as readonly HttpPath[]) {
    if (!matches(row.path, path)) continue;
    methods.add(row.method);
    if (row.method === 'GET') methods.add('HEAD');
  }
  if (methods.size > 0) methods.add('OPTIONS');
  return [...methods].sort();
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return false;
  return wanted.every((segment, at) => (segment.startsWith('{') ? given[at] !== '' : segment === given[at]));
}
