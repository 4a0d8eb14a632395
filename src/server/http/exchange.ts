import { errors } from '../../base/errors.ts';
import type { Command } from '../../command/command.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import type { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { problemContentType, problemOf } from '../../protocol/http/problem.ts';
import { redisError } from '../../protocol/http/redis-result.ts';
import { type Refusal, refuse } from '../../protocol/http/refusal.ts';
import { isPassing, statusLineOf } from '../../protocol/http/status.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import { type AccessUser, everybody } from '../access/rights.ts';
import { OrderedSession } from '../dispatch/ordered-session.ts';
import { endAnswer, endBodiless, type WaitPort } from './answer.ts';
import type { HttpCaller } from './http-caller.ts';
import { bodyTimeout, RequestBody } from './request-body.ts';
import type { HttpShared } from './shared.ts';
import type { UwsRequest, UwsResponse } from './uws.ts';

/** Header fields as pairs: name, value, name, value. */
export type Headers = readonly string[];

export interface RefusalOptions {
  /** The connection is of no further use. */
  readonly closes?: boolean;
  /** Told where the error is one that passes. */
  readonly retryAfterMs?: number;
  /** The methods that the path takes. */
  readonly allow?: string;
  /** More header fields. */
  readonly headers?: Headers;
}

/**
 * One request that is answered in its own time: its parts, copied out of the engine, and the one answer it gets.
 * Every way ends in exactly one of: an answer, or the client gone. What comes after that is passed over.
 */
export class Exchange implements WaitPort {
  readonly shared: HttpShared;
  readonly method: string;
  readonly isHead: boolean;
  readonly path: string;
  readonly query: string;
  /** The path's parameter, still percent-encoded. */
  readonly parameter: string;
  user: AccessUser = everybody;
  body: Uint8Array = new Uint8Array(0);
  /** Who sent it, where slow commands are logged. */
  readonly caller: HttpCaller | null;
  /** Errors are told as Redis tells them, in the shape its clients read, and not as problem documents. */
  tellsRedisErrors = false;
  readonly #response: UwsResponse;
  readonly #headers: ReadonlyMap<string, string>;
  #state: 'open' | 'answered' | 'gone' = 'open';
  #onGone: (() => void) | null = null;
  #onStreamGone: (() => void) | null = null;
  #body: RequestBody | null = null;
  /** Of commands that end when the client goes. */
  #session: OrderedSession | null = null;

  /** `headerNames`: those that will be asked for, in lower case. */
  constructor(shared: HttpShared, response: UwsResponse, request: UwsRequest, headerNames: readonly string[]) {
    this.shared = shared;
    this.#response = response;
    this.method = request.getCaseSensitiveMethod();
    this.isHead = this.method === 'HEAD';
    this.path = request.getUrl();
    this.query = request.getQuery() ?? '';
    this.parameter = request.getParameter(0) ?? '';
    const headers = new Map<string, string>();
    for (const name of headerNames) headers.set(name, request.getHeader(name));
    this.#headers = headers;
    this.caller = shared.callerOf(response, request);
    shared.inFlight++;
    response.onAborted(() => this.#gone());
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Empty when absent. */
  header(name: string): string {
    return this.#headers.get(name) ?? '';
  }

  /** Collects the request's body and then calls `then`, with `body` set, unless the request was refused or lost. */
  receive(then: () => void): void {
    // The engine answers `Expect: 100-continue` by itself when it is asked for the body.
    const { bodyBytesMax } = this.shared.options;
    if (Number(this.header('content-length')) > bodyBytesMax) {
      this.refuse(refuse('request-too-large', `The body would have more than ${bodyBytesMax} bytes.`));
      return;
    }
    const body = new RequestBody(this.shared, () => {
      if (this.isOpen) this.refuse(bodyTimeout(), { closes: true });
    });
    this.#body = body;
    this.shared.awaitBody(body);
    this.#response.onData((chunk, isLast) => {
      this.shared.countReceived(chunk.byteLength);
      this.guard(() => {
        this.shared.bodyBegan(body);
        const refusal = body.add(chunk, isLast);
        if (refusal !== null) this.refuse(refusal);
        else if (isLast) {
          this.body = body.bytes;
          then();
        }
      });
    });
  }

  /**
   * Does a part of the request's work, in whatever turn, unless the request is answered or lost. What it throws costs
   * this request alone: the engine and the dispatcher, which call it, would pass it on to the whole process.
   */
  guard(work: () => void): void {
    if (!this.isOpen) return;
    try {
      work();
    } catch (error) {
      this.defect(error);
    }
  }

  /** Answers a request that met a defect of ours. */
  defect(error: unknown): void {
    this.refuse(this.shared.defect(error, this.path));
  }

  /**
   * Runs a command. `then` gets its reply, unless the client has gone meanwhile; what the user may not do and what the
   * command itself refuses is answered here.
   */
  execute(command: Command, builder: ArgsBuilder, then: (reply: ReplyReader) => void): void {
    const denial = this.user.denialOf(command, builder.args);
    if (denial !== null) {
      this.refuse(refuse(denial.code, denial.message));
      return;
    }
    const beganMs = this.shared.counts.begin(command);
    const sink: ReplySink = {
      onReply: (reply) => {
        this.shared.count(command, beganMs, this.caller);
        this.guard(() => {
          if (reply.kind === ReplyKind.error) this.refuse(refuse(reply.errorCode, reply.text));
          else then(reply);
        });
      },
    };
    this.shared.node.commands.execute(command, builder.args, sink, this.sessionOf(command));
  }

  /** What a command needs a session for although it is the only one: to end when the client goes. Null for others. */
  sessionOf(command: Command): OrderedSession | null {
    if (command.kind !== 'steps') return null;
    this.#session = new OrderedSession(this.shared.node.shardCount);
    return this.#session;
  }

  /** To be called with what ends when the client goes. */
  watch(session: OrderedSession): void {
    this.#session = session;
  }

  refuse(refusal: Refusal, options: RefusalOptions = {}): void {
    const { closes = false, retryAfterMs = 1000, allow = '', headers: more = [] } = options;
    this.shared.countError(refusal.code);
    const { httpStatus } = errors[refusal.code];
    const headers: string[] = [...more];
    if (isPassing(refusal.code) || httpStatus === 429) {
      headers.push('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
    }
    if (httpStatus === 401) headers.push('WWW-Authenticate', 'Bearer realm="fluxcache", Basic realm="fluxcache"');
    if (allow !== '') headers.push('Allow', allow);
    const { code, detail } = refusal;
    if (this.tellsRedisErrors) this.answer(httpStatus, 'application/json', redisError(code, detail), headers, closes);
    else this.answer(httpStatus, problemContentType, problemOf(refusal), headers, closes);
  }

  json(status: number, document: object, headers: Headers = []): void {
    this.answer(status, 'application/json', JSON.stringify(document), headers);
  }

  /** Answers with a body, or with its head alone for HEAD. */
  answer(status: number, contentType: string, body: string | Uint8Array, headers: Headers = [], closes = false): void {
    this.#write(status, ['Content-Type', contentType, ...headers], (response) => {
      if (this.isHead) endBodiless(this.shared, response, Buffer.byteLength(body));
      else if (closes) response.end(body, true);
      else endAnswer(this.shared, response, body, this);
    });
  }

  /** 200 or 201 with an empty body. */
  answerEmpty(status: number, headers: Headers): void {
    this.#write(status, headers, (response) => endAnswer(this.shared, response, '', this));
  }

  /** 204, which must not announce a length, or 304, which may announce that of the body there would have been. */
  answerBodiless(status: 204 | 304, headers: Headers = [], bodyBytes: number | null = null): void {
    this.#write(status, headers, (response) => endBodiless(this.shared, response, bodyBytes));
  }

  /**
   * Answers with a body that is written piece by piece, the first here, to the response that is returned; null when
   * there is nothing more to write, because the client has gone or asked for the head only. `onGone` is called when the
   * connection is lost; a response that was ended or closed is not to be used again.
   */
  stream(contentType: string, headers: Headers, first: string, onGone: () => void): UwsResponse | null {
    if (!this.isOpen) return null;
    if (this.isHead) {
      this.#write(200, ['Content-Type', contentType, ...headers], (response) => endBodiless(this.shared, response, 0));
      return null;
    }
    this.#onStreamGone = onGone;
    this.#write(200, ['Content-Type', contentType, ...headers], (response) => response.write(first));
    return this.#response;
  }

  wait(_response: UwsResponse, onGone: () => void): () => void {
    this.shared.inFlight++;
    this.#onGone = onGone;
    return () => {
      this.#onGone = null;
      this.shared.inFlight--;
    };
  }

  #write(status: number, headers: Headers, end: (response: UwsResponse) => void): void {
    if (!this.isOpen) return;
    this.#state = 'answered';
    this.#body?.release();
    this.shared.inFlight--;
    const response = this.#response;
    response.cork(() => {
      try {
        this.#writeHead(response, status, headers);
        end(response);
      } catch (error) {
        // Part of the answer may be written: there is no other to give.
        this.shared.defect(error, this.path);
        response.close();
      }
    });
  }

  #writeHead(response: UwsResponse, status: number, headers: Headers): void {
    response.writeStatus(statusLineOf(status));
    for (let at = 0; at < headers.length; at += 2) {
      response.writeHeader(headers[at] as string, headers[at + 1] as string);
    }
  }

  #gone(): void {
    this.#onStreamGone?.();
    if (this.#onGone !== null) {
      this.shared.inFlight--;
      this.#onGone();
    }
    if (this.#state !== 'open') return;
    this.#state = 'gone';
    if (this.#session !== null) this.#session.isGone = true;
    this.#body?.release();
    this.shared.inFlight--;
  }
}
