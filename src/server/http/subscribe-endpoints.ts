import type { Command } from '../../command/command.ts';
import { ReplyKind, ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { refuse } from '../../protocol/http/refusal.ts';
import { ConnectionSubscriptions } from '../pubsub/connection-subscriptions.ts';
import type { Exchange } from './exchange.ts';
import { messageFrame } from './message-frame.ts';
import { MessageStream } from './message-stream.ts';
import { beginWithPathKey } from './request-key.ts';
import type { HttpShared } from './shared.ts';
import { streamHeaders, streamRefusal } from './stream-head.ts';

const channelCommand = commandTable.named('subscribe');
const patternCommand = commandTable.named('psubscribe');

/** `/subscribe/{channel}` and `/psubscribe/{pattern}`: messages as server-sent events, as long as the client listens. */
export class SubscribeEndpoints {
  readonly #shared: HttpShared;
  readonly #builder = new ArgsBuilder();
  readonly #streams = new Set<MessageStream>();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(shared: HttpShared) {
    this.#shared = shared;
    this.#heartbeat = setInterval(() => {
      for (const stream of this.#streams) stream.beat();
    }, shared.options.events.heartbeatMs).unref();
  }

  channel(exchange: Exchange): void {
    this.#subscribe(exchange, channelCommand);
  }

  pattern(exchange: Exchange): void {
    this.#subscribe(exchange, patternCommand);
  }

  /** Ends all streams. */
  close(): void {
    clearInterval(this.#heartbeat);
    for (const stream of this.#streams) stream.end();
  }

  #subscribe(exchange: Exchange, command: Command): void {
    const shared = this.#shared;
    const { args } = this.#builder;
    const refusal = beginWithPathKey(exchange, this.#builder) ?? streamRefusal(shared);
    const denial = refusal === null ? exchange.user.denialOf(command, args) : null;
    if (refusal !== null || denial !== null) {
      exchange.refuse(refusal ?? refuse(denial?.code ?? 'forbidden', denial?.message ?? ''));
      return;
    }
    const stream = new MessageStream(shared, exchange.user, () => {
      subscriptions.clear();
      this.#streams.delete(stream);
    });
    const subscriptions = new ConnectionSubscriptions(shared.node.channels, stream);
    const reply = new ReplyWriter();
    const reader = new ReplyReader();
    if (command === channelCommand) subscriptions.subscribe(args, reply);
    else subscriptions.psubscribe(args, reply);
    if (reader.openWritten(reply) === ReplyKind.error) {
      stream.gone();
      exchange.refuse(refuse(reader.errorCode, reader.text));
      return;
    }
    const first = messageFrame(reader);
    const response = exchange.stream('text/event-stream', streamHeaders, first, () => stream.gone());
    if (response === null) {
      stream.gone();
      return;
    }
    this.#streams.add(stream);
    stream.start(response);
  }
}
