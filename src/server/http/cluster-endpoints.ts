import { isUtf8 } from '../../base/utf8.ts';
import { Args } from '../../command/args.ts';
import { commandTable } from '../../command/table.ts';
import { isRefusal, parseQuery } from '../../protocol/http/query.ts';
import { refuse } from '../../protocol/http/refusal.ts';
import type { Exchange } from './exchange.ts';
import type { HttpShared } from './shared.ts';

const reportCommand = commandTable.named('cluster|report');
const controlCommand = commandTable.named('cluster|control');
const noArgs = new Args();

/** `/v1/cluster` and what is below: CLUSTER REPORT and CLUSTER CONTROL over HTTP. */
export class ClusterEndpoints {
  readonly #shared: HttpShared;

  constructor(shared: HttpShared) {
    this.#shared = shared;
  }

  report(exchange: Exchange): void {
    const query = parseQuery(exchange.query, ['partitions']);
    if (isRefusal(query)) {
      exchange.refuse(query);
      return;
    }
    const word = query.get('partitions');
    const wanted = word === undefined ? 'false' : Buffer.from(word).toString('latin1');
    if (wanted !== 'true' && wanted !== 'false') {
      exchange.refuse(refuse('invalid-argument', 'The parameter "partitions" must be true or false.', 'partitions'));
      return;
    }
    const denial = exchange.user.denialOf(reportCommand, noArgs);
    if (denial !== null) {
      exchange.refuse(refuse(denial.code, denial.message));
      return;
    }
    const text = this.#shared.node.cluster.report(wanted === 'true');
    exchange.answer(200, 'application/json', text, ['Cache-Control', 'no-store']);
  }

  /** The path's last segment says what is to be done. */
  control(exchange: Exchange): void {
    const denial = exchange.user.denialOf(controlCommand, noArgs);
    if (denial !== null) {
      exchange.refuse(refuse(denial.code, denial.message));
      return;
    }
    const { body, path } = exchange;
    if (!isUtf8(body, 0, body.length)) {
      exchange.refuse(refuse('bad-request', 'The body must be JSON in UTF-8.'));
      return;
    }
    const verb = path.slice(path.lastIndexOf('/') + 1);
    void this.#shared.node.cluster.control(verb, Buffer.from(body).toString('utf8')).then((answer) => {
      exchange.guard(() => {
        if (answer.type === 'refused') exchange.refuse(refuse(answer.code, answer.message));
        else exchange.json(200, { ok: true, result: answer.result, message: answer.message });
      });
    });
  }
}
