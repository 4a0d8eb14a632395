import type { HttpPath } from '../../protocol/http/paths.ts';
import { quoted, type Refusal, refuse } from '../../protocol/http/refusal.ts';
import type { HttpShared } from './shared.ts';
import type { UwsRequest } from './uws.ts';

/** Why a request to this path is refused for what its head says, credentials aside; null when it is not. */
export function headRefusal(request: UwsRequest, row: HttpPath, { node, options }: HttpShared): Refusal | null {
  const host = request.getHeader('host');
  if (!node.origin.answersFor(host)) return misdirected(host);
  if (row.method !== 'GET' || row.isForOwnPages === true) {
    const origin = request.getHeader('origin');
    if (!node.origin.mayChange(host, origin, request.getHeader('sec-fetch-site'))) {
      const what = row.method === 'GET' ? 'ask for this' : 'change anything here';
      return refuse('forbidden-origin', `A page of ${quoted(origin)} may not ${what}.`, 'Origin');
    }
  }
  const urlBytes = request.getUrl().length + (request.getQuery()?.length ?? 0);
  if (urlBytes > options.urlBytesMax) {
    return refuse('uri-too-long', `The path and query have ${urlBytes} bytes; the limit is ${options.urlBytesMax}.`);
  }
  if (row.body === undefined || row.body === 'any') return null;
  return jsonTypeRefusal(request.getHeader('content-type'));
}

export function misdirected(host: string): Refusal {
  return refuse('misdirected-host', `This node does not answer for the host ${quoted(host)}.`, 'Host');
}

/** JSON bodies must not be announced as anything else; a page cannot send them as such without being let. */
function jsonTypeRefusal(contentType: string): Refusal | null {
  if (contentType === '') return null;
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/json' || type.endsWith('+json')) return null;
  return refuse(
    'unsupported-media-type',
    `The body must be JSON, and be sent as such, not as ${quoted(contentType)}: with the header Content-Type: application/json.`,
    'Content-Type',
    'application/json',
  );
}
