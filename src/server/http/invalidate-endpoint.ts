import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { readInvalidation } from '../../protocol/http/invalidation-request.ts';
import { JsonScanner } from '../../protocol/http/json-scanner.ts';
import { isRefusal } from '../../protocol/http/query.ts';
import type { Exchange } from './exchange.ts';
import { emptyBody } from './refusals.ts';
import type { HttpShared } from './shared.ts';

const invalidateCommand = commandTable.named('invalidate');
const deleteCommand = commandTable.named('delmatch');

/** `POST /v1/invalidate`: keys by their tags, or by a pattern. */
export class InvalidateEndpoint {
  readonly #builder = new ArgsBuilder();
  readonly #scanner: JsonScanner;

  constructor(shared: HttpShared) {
    this.#scanner = new JsonScanner(shared.options.jsonDepthMax);
  }

  run(exchange: Exchange): void {
    const { body } = exchange;
    if (body.length === 0) {
      exchange.refuse(emptyBody);
      return;
    }
    const request = readInvalidation(body, this.#scanner);
    if (isRefusal(request)) {
      exchange.refuse(request);
      return;
    }
    const builder = this.#builder;
    builder.clear(body.length);
    if (request.type === 'match') {
      appendText(builder, request.pattern);
      exchange.execute(deleteCommand, builder, (reply) => exchange.json(200, { deleted: reply.number }));
      return;
    }
    builder.word(request.isSoft ? 'SOFT' : 'HARD');
    for (const tag of request.tags) appendText(builder, tag);
    exchange.execute(invalidateCommand, builder, (reply) => exchange.json(200, { tags: reply.number }));
  }
}

function appendText(builder: ArgsBuilder, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  builder.copy(bytes, 0, bytes.length);
}
