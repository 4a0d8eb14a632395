import { snapshotFailure, snapshotsOrRefusal } from '../../command/administration/snapshot-refusal.ts';
import { Args } from '../../command/args.ts';
import { commandTable } from '../../command/table.ts';
import { isRefusal, parseQuery } from '../../protocol/http/query.ts';
import { refuse } from '../../protocol/http/refusal.ts';
import type { Exchange } from './exchange.ts';
import type { HttpShared } from './shared.ts';

const saveCommand = commandTable.named('save');
const noArgs = new Args();

/** `POST /v1/snapshot`: for whoever may run SAVE. One that is being made is followed by another. */
export function makeSnapshot(exchange: Exchange, shared: HttpShared): void {
  const query = parseQuery(exchange.query, ['wait']);
  if (isRefusal(query)) {
    exchange.refuse(query);
    return;
  }
  const word = query.get('wait');
  const wait = word === undefined ? 'true' : Buffer.from(word).toString('latin1');
  if (wait !== 'true' && wait !== 'false') {
    exchange.refuse(refuse('invalid-argument', 'The parameter "wait" must be true or false.', 'wait'));
    return;
  }
  const denial = exchange.user.denialOf(saveCommand, noArgs);
  if (denial !== null) {
    exchange.refuse(refuse(denial.code, denial.message));
    return;
  }
  const snapshots = snapshotsOrRefusal(shared.node.snapshots);
  if ('code' in snapshots) {
    exchange.refuse(refuse(snapshots.code, snapshots.message));
    return;
  }
  const taking = snapshots.take();
  if (wait === 'false') {
    exchange.json(202, { ok: true });
    return;
  }
  void taking.then((taken) => {
    exchange.guard(() => {
      if (taken.kind === 'failed') {
        const { code, message } = snapshotFailure(taken.reason);
        exchange.refuse(refuse(code, message));
        return;
      }
      const { entries, bytes, tookMs } = taken;
      exchange.json(200, { ok: true, entries, bytes, tookMs: Math.round(tookMs) });
    });
  });
}
