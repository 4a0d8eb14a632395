import { AssertionError } from '../../base/assert.ts';
import { errors } from '../../base/errors.ts';
import { ValueType } from '../../base/view.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { BodyFields, Field, setFields } from '../../protocol/http/body-fields.ts';
import { JsonScanner } from '../../protocol/http/json-scanner.ts';
import { writeAscii, writeInteger } from '../../protocol/http/json-text.ts';
import { problemContentType, problemOf } from '../../protocol/http/problem.ts';
import { type Refusal, refuse } from '../../protocol/http/refusal.ts';
import { isPassing, statusLineOf } from '../../protocol/http/status.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import { type AccessUser, everybody } from '../access/rights.ts';
import { endAnswer, type WaitPort, waitPortOf } from './answer.ts';
import type { Exchange } from './exchange.ts';
import type { HttpCaller } from './http-caller.ts';
import { appendWindows } from './lifetime-args.ts';
import { conditionUnmet, missing } from './refusals.ts';
import { bodyTimeout, RequestBody } from './request-body.ts';
import type { HttpShared } from './shared.ts';
import type { UwsRequest, UwsResponse } from './uws.ts';

const setCommand = commandTable.named('set');
const path = '/set';

/** Requests' records kept for the next ones. */
const spareMax = 1024;

/** `POST /set`. */
export class SetEndpoint {
  readonly shared: HttpShared;
  readonly #builder = new ArgsBuilder();
  readonly #scanner: JsonScanner;
  readonly #fields: BodyFields;
  readonly waits: WaitPort;
  readonly #spare: SetRequest[] = [];

  constructor(shared: HttpShared) {
    this.shared = shared;
    this.waits = waitPortOf(shared);
    this.#scanner = new JsonScanner(shared.options.jsonDepthMax);
    this.#fields = new BodyFields(shared.options);
  }

  /** Takes a request whose headers hold nothing unusual: its body is read where it arrives, without a copy. */
  receive(response: UwsResponse, request: UwsRequest, user: AccessUser): void {
    (this.#spare.pop() ?? new SetRequest(this)).begin(response, user, this.shared.callerOf(response, request));
  }

  /** Answers a request that was received otherwise. */
  run(exchange: Exchange): void {
    const { body, user } = exchange;
    const refusal = this.prepare(body, 0, body.length, user);
    if (refusal !== null) {
      exchange.refuse(refusal);
      return;
    }
    exchange.execute(setCommand, this.#builder, (reply) => {
      if (reply.kind === ReplyKind.null) exchange.refuse(conditionUnmet);
      else exchange.json(200, { ok: true, version: reply.version });
    });
  }

  /** Reads a body into the arguments of SET; why it cannot be, or null. */
  prepare(bytes: Uint8Array, start: number, end: number, user: AccessUser): Refusal | null {
    const fields = this.#fields;
    const builder = this.#builder;
    if (start === end) return refuse('bad-request', 'The body is empty; it must be a JSON object with key and value.');
    const { bodyBytesMax } = this.shared.options;
    if (end - start > bodyBytesMax) return refuse('request-too-large', `The body has more than ${bodyBytesMax} bytes.`);
    builder.clear(end - start);
    this.#scanner.open(bytes, start, end);
    if (!fields.readBody(this.#scanner, builder, setFields)) return fields.refusal;
    if ((fields.seen & Field.key) === 0) return missing('key');
    if ((fields.seen & Field.value) === 0) return missing('value');
    appendSetArgs(builder, fields);
    const denial = user.denialOf(setCommand, builder.args);
    return denial === null ? null : refuse(denial.code, denial.message);
  }

  execute(sink: ReplySink): void {
    this.shared.node.commands.execute(setCommand, this.#builder.args, sink);
  }

  spare(request: SetRequest): void {
    if (this.#spare.length < spareMax) this.#spare.push(request);
  }
}

/** Makes the arguments of SET of a request's fields, whose texts are in the builder. */
export function appendSetArgs(builder: ArgsBuilder, fields: BodyFields): void {
  const { args } = builder;
  args.push(fields.keyStart, fields.keyEnd);
  args.push(fields.valueStart, fields.valueEnd);
  if (fields.ttlMs > 0) {
    builder.word('PX');
    builder.integer(fields.ttlMs);
  }
  if (fields.staleMs > 0 || fields.jitterMs > 0) appendWindows(builder, fields);
  if (fields.tagStarts.length > 0) {
    builder.word('TAGS');
    builder.integer(fields.tagStarts.length);
    for (const [index, start] of fields.tagStarts.entries()) args.push(start, fields.tagEnds[index] as number);
  }
  if (fields.fill !== '') {
    builder.word('FILL');
    builder.word(fields.fill);
  }
  if (fields.valueType !== ValueType.string) {
    builder.word('TYPE');
    builder.word(fields.valueType === ValueType.number ? 'number' : 'json');
  }
  if (fields.nx) builder.word('NX');
  else if (fields.xx) builder.word('XX');
  else if (fields.ifVersion > 0) {
    builder.word('IFVERSION');
    builder.integer(fields.ifVersion);
  }
}

const answerStart = '{"ok":true,"version":';
const answerBytes = new Uint8Array(64);
writeAscii(answerStart, answerBytes, 0);
const answerViews = Array.from({ length: answerBytes.length }, (_, length) => answerBytes.subarray(0, length));

/**
 * One `POST /set` on its way. Records are used again, with the functions they hand to the engine, so that a request
 * allocates nothing here. A record whose request did not end the usual way may still be called by the engine, and is
 * left to it.
 */
class SetRequest implements ReplySink {
  readonly #endpoint: SetEndpoint;
  readonly #shared: HttpShared;
  #response: UwsResponse | null = null;
  #user: AccessUser = everybody;
  #caller: HttpCaller | null = null;
  #body: RequestBody | null = null;
  #beganMs = 0;
  /** Handling a part of the body: answers need no cork. */
  #isCorked = false;
  /** The whole body has come: the engine keeps none of this record's functions once it is answered. */
  #isReceived = false;
  #version = 0;
  #refusal: Refusal | null = null;
  readonly #onData = (chunk: ArrayBuffer, isLast: boolean): void => this.#receive(chunk, isLast);
  readonly #onAborted = (): void => this.#gone();
  readonly #write = (): void => this.#answer();
  readonly #timeLimit = {
    dueMs: 0,
    onDue: (): void => this.#late(),
  };

  constructor(endpoint: SetEndpoint) {
    this.#endpoint = endpoint;
    this.#shared = endpoint.shared;
  }

  begin(response: UwsResponse, user: AccessUser, caller: HttpCaller | null): void {
    const shared = this.#shared;
    this.#response = response;
    this.#user = user;
    this.#caller = caller;
    this.#isReceived = false;
    this.#refusal = null;
    this.#timeLimit.dueMs = shared.bodyDueMs;
    shared.inFlight++;
    shared.awaitBody(this.#timeLimit);
    response.onAborted(this.#onAborted);
    response.onData(this.#onData);
  }

  onReply(reply: ReplyReader): void {
    const response = this.#response;
    this.#shared.count(setCommand, this.#beganMs, this.#caller);
    if (response === null) {
      // The client has gone; the command was run all the same.
      this.#endpoint.spare(this);
      return;
    }
    try {
      if (reply.kind === ReplyKind.status) this.#version = reply.version;
      else this.#refusal = this.#refusalIn(reply);
    } catch (error) {
      this.#refusal = this.#shared.defect(error, path);
    }
    if (this.#isCorked) this.#answer();
    else response.cork(this.#write);
  }

  #refusalIn(reply: ReplyReader): Refusal {
    if (reply.kind === ReplyKind.null) return conditionUnmet;
    if (reply.kind === ReplyKind.error) return refuse(reply.errorCode, reply.text);
    throw new AssertionError(`SET does not reply with kind ${reply.kind}`);
  }

  #receive(chunk: ArrayBuffer, isLast: boolean): void {
    this.#shared.countReceived(chunk.byteLength);
    if (this.#response === null) return;
    this.#isCorked = true;
    try {
      if (isLast && this.#body === null) {
        this.#shared.bodyBegan(this.#timeLimit);
        this.#isReceived = true;
        this.#run(new Uint8Array(chunk));
      } else this.#collect(chunk, isLast);
    } catch (error) {
      const refusal = this.#shared.defect(error, path);
      // The command may have been sent, and this record be called again with its reply.
      this.#isReceived = false;
      if (this.#response !== null) this.#refuse(refusal);
    }
    this.#isCorked = false;
  }

  #collect(chunk: ArrayBuffer, isLast: boolean): void {
    this.#shared.bodyBegan(this.#timeLimit);
    this.#body ??= new RequestBody(this.#shared, () => this.#late());
    const refusal = this.#body.add(chunk, isLast);
    if (refusal !== null) this.#refuse(refusal);
    else if (isLast) {
      this.#isReceived = true;
      const { bytes } = this.#body;
      this.#run(bytes);
    }
  }

  #run(bytes: Uint8Array): void {
    const refusal = this.#endpoint.prepare(bytes, 0, bytes.length, this.#user) ?? this.#shared.admit();
    this.#body?.release();
    this.#body = null;
    if (refusal !== null) this.#refuse(refusal);
    else {
      this.#beganMs = this.#shared.counts.begin(setCommand);
      this.#endpoint.execute(this);
    }
  }

  #late(): void {
    const response = this.#response;
    if (response === null) return;
    this.#refusal = bodyTimeout();
    response.cork(this.#write);
  }

  #refuse(refusal: Refusal): void {
    this.#refusal = refusal;
    this.#answer();
  }

  #answer(): void {
    const response = this.#response as UwsResponse;
    const shared = this.#shared;
    this.#response = null;
    shared.inFlight--;
    const refusal = this.#refusal;
    try {
      if (refusal === null) {
        const at = writeInteger(this.#version, answerBytes, answerStart.length);
        answerBytes[at] = 0x7d;
        response.writeHeader('Content-Type', 'application/json');
        endAnswer(shared, response, answerViews[at + 1] as Uint8Array, this.#endpoint.waits);
      } else this.#answerProblem(response, refusal);
    } catch (error) {
      // Part of the answer may be written: there is no other to give.
      shared.defect(error, path);
      response.close();
    }
    if (this.#isReceived) this.#endpoint.spare(this);
    else this.#body?.release();
  }

  #answerProblem(response: UwsResponse, refusal: Refusal): void {
    this.#shared.countError(refusal.code);
    const { httpStatus } = errors[refusal.code];
    response.writeStatus(statusLineOf(httpStatus)).writeHeader('Content-Type', problemContentType);
    if (isPassing(refusal.code)) response.writeHeader('Retry-After', '1');
    // The rest of a late request may never come, so its connection is of no further use.
    if (refusal.code === 'request-timeout') response.end(problemOf(refusal), true);
    else endAnswer(this.#shared, response, problemOf(refusal), this.#endpoint.waits);
  }

  #gone(): void {
    if (this.#response === null) return;
    this.#response = null;
    this.#shared.inFlight--;
    this.#shared.bodyBegan(this.#timeLimit);
    this.#body?.release();
    this.#body = null;
  }
}
