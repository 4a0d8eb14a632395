import { openApiDocument } from '../../protocol/http/openapi.ts';
import type { Exchange } from './exchange.ts';
import type { HttpShared } from './shared.ts';

/** Paths that tell of the node rather than of its keys: probes, metrics, the cluster, the description of the paths. */
export class NodeEndpoints {
  readonly #shared: HttpShared;
  readonly #openApi: string;

  constructor(shared: HttpShared) {
    this.#shared = shared;
    this.#openApi = JSON.stringify(openApiDocument(shared.node.version));
  }

  /** Whether the process answers at all. */
  live(exchange: Exchange): void {
    exchange.json(200, { status: 'ok' });
  }

  health(exchange: Exchange): void {
    const { node, isDraining } = this.#shared;
    const report = node.health();
    const reasons = isDraining ? ['draining', ...report.reasons] : report.reasons;
    const isReady = report.ready && !isDraining;
    // It serves, and somebody should look at it.
    const status = !isReady ? 'unavailable' : reasons.length > 0 ? 'degraded' : 'ok';
    const headers = ['Cache-Control', 'no-store'];
    exchange.json(isReady ? 200 : 503, { status, reasons }, headers);
  }

  metrics(exchange: Exchange): void {
    this.#shared.counts.flush();
    const { metrics } = this.#shared.node;
    metrics.text().then(
      (page) => exchange.answer(200, metrics.contentType, page),
      (error: unknown) => exchange.defect(error),
    );
  }

  nodes(exchange: Exchange): void {
    exchange.json(200, this.#shared.node.nodes());
  }

  openApi(exchange: Exchange): void {
    exchange.answer(200, 'application/json', this.#openApi);
  }
}
