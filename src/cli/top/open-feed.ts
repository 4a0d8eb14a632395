import { splitAddress } from '../../base/addresses.ts';
import { readReport } from '../cluster-report.ts';
import { Connection, ConnectionError } from '../connection.ts';
import { RefusedError } from '../key-pages.ts';
import { bytesOf } from '../run.ts';
import { infoFields } from '../stat.ts';
import { addressText, type Target } from '../target.ts';
import { HttpFeed, type OpenFeed } from './http-feed.ts';
import { InfoFeed } from './info-feed.ts';
import type { Source } from './state.ts';

/** Where a node speaks HTTP unless it says otherwise. */
const HTTP_PORT = 8081;
/** What INFO says of the start is to the second. */
const START_MS_APART_MAX = 2000;

/** Where to look: at the node at `target`, by HTTP at `http` if that is said, else where the node says. */
export interface Place {
  readonly target: Target;
  readonly http: { readonly host: string | null; readonly port: number } | null;
  readonly usesHttp: boolean;
}

/** What the node says of itself over RESP. */
interface Told {
  /** When it was started; null: not known. */
  readonly startedAtMs: number | null;
  /** Its name in its cluster. */
  readonly self: string | null;
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Why nothing is known of it; '' when something is. */
  readonly refusal: string;
}

/**
 * Opens what a node tells of itself: what its dashboard is fed by, or INFO where that cannot be reached. Throws a
 * {@link ConnectionError} or {@link RefusedError} when there is neither.
 * `onWarning` is told what is not as wanted and can be lived with.
 */
export async function openFeed(
  place: Place,
  onWarning: (text: string) => void = () => undefined,
): Promise<{ feed: OpenFeed; source: Source }> {
  const { target, http, usesHttp } = place;
  if (http !== null) return openHttp({ ...target, host: http.host ?? target.host, port: http.port });
  const connection = await Connection.open(target, 2, onWarning);
  const failures: string[] = [];
  try {
    const told = await ask(connection, target);
    for (const address of usesHttp ? told.addresses : []) {
      try {
        const opened = await openHttp({ ...target, ...address });
        if (isOf(opened.feed, told)) {
          connection.close();
          return opened;
        }
        opened.feed.close();
        failures.push(`HTTP at ${addressText(address)} is of another node.`);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        failures.push(error.message);
      }
    }
    if (told.refusal !== '') throw new RefusedError([told.refusal, ...failures].join(' '));
  } catch (error) {
    connection.close();
    throw error;
  }
  const source: Source = { address: addressText(target), way: 'RESP', missing: missingText(usesHttp, failures) };
  return { feed: new InfoFeed(connection), source };
}

async function openHttp(target: Target): Promise<{ feed: HttpFeed; source: Source }> {
  const feed = await HttpFeed.open(target);
  return { feed, source: { address: addressText(target), way: 'HTTP', missing: '' } };
}

async function ask(connection: Connection, target: Target): Promise<Told> {
  const info = await connection.request(['INFO', 'server']);
  // A user who may not ask for INFO may still look at the dashboard.
  if (info.kind === 'error') {
    const addresses = [{ host: target.host, port: HTTP_PORT }];
    return { startedAtMs: null, self: null, addresses, refusal: `INFO was refused: ${info.text}` };
  }
  const fields = infoFields(Buffer.from(bytesOf(info) ?? []).toString('utf8'));
  const own = Number(fields.get('http_port') ?? 0);
  const nowMs = Number(fields.get('server_time_usec') ?? 0) / 1000;
  const startedAtMs = nowMs === 0 ? null : nowMs - Number(fields.get('uptime_in_seconds') ?? 0) * 1000;
  const { self, advertised } = own > 0 ? await askCluster(connection) : { self: null, advertised: null };
  // What is advertised comes first: behind NAT, ports of several nodes are the same to each, and others from outside.
  const addresses = [
    ...(advertised === null ? [] : [{ host: target.host, port: advertised.port }, advertised]),
    ...(own > 0 ? [{ host: target.host, port: own }] : []),
  ];
  return { startedAtMs, self, addresses: withoutRepeats(addresses), refusal: '' };
}

async function askCluster(connection: Connection) {
  const reply = await connection.request(['CLUSTER', 'REPORT']);
  const nothing = { self: null, advertised: null };
  if (reply.kind === 'error') return nothing;
  const { self, nodes } = readReport(Buffer.from(bytesOf(reply) ?? []).toString('utf8'));
  const address = splitAddress(nodes.find(({ isSelf }) => isSelf)?.http ?? '');
  return { self, advertised: address === null || address.port === 0 ? null : address };
}

function withoutRepeats(addresses: Told['addresses']): Told['addresses'] {
  const texts = addresses.map(addressText);
  return addresses.filter((_, at) => texts.indexOf(texts[at] ?? '') === at);
}

/** Whether it is the same node that speaks: by its name in the cluster, and by when it was started. */
function isOf({ hello, self }: HttpFeed, told: Told): boolean {
  if (told.self !== null && self !== null && told.self !== self) return false;
  return told.startedAtMs === null || Math.abs(hello.startedAtMs - told.startedAtMs) <= START_MS_APART_MAX;
}

function missingText(usesHttp: boolean, failures: readonly string[]): string {
  const what = 'Shards, hot keys and failovers are told over HTTP only';
  if (!usesHttp) return `${what}.`;
  if (failures.length === 0) return `${what}, which this server does not speak.`;
  return `${what}: ${failures[0]} --http says where it is.`;
}
