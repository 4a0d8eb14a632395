import { type ErrorCode, errors } from '../../base/errors.ts';

/** Status lines by code: what follows `HTTP/1.1 `. */
const statusLines: Readonly<Record<number, string>> = {
  200: '200 OK',
  201: '201 Created',
  204: '204 No Content',
  304: '304 Not Modified',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  408: '408 Request Timeout',
  409: '409 Conflict',
  412: '412 Precondition Failed',
  413: '413 Content Too Large',
  414: '414 URI Too Long',
  415: '415 Unsupported Media Type',
  421: '421 Misdirected Request',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
  507: '507 Insufficient Storage',
};

export function statusLineOf(status: number): string {
  return statusLines[status] ?? `${status} Unknown`;
}

/** The standard phrase of a status: `Not Found`. */
export function statusPhraseOf(status: number): string {
  return statusLineOf(status).slice(4);
}

/** Whether the same request is worth sending again soon, which `Retry-After` says. */
export function isPassing(code: ErrorCode): boolean {
  return errors[code].httpStatus === 503 || code === 'disk-failed';
}
