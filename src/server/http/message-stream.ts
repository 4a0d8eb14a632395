import type { Push, PushTarget } from '../pubsub/push.ts';
import { messageFormat } from './message-frame.ts';
import { UnsentStream } from './unsent-stream.ts';

const heartbeat = Buffer.from(': \n\n');

/** The messages of a channel or pattern on their way to one client. */
export class MessageStream extends UnsentStream implements PushTarget {
  readonly id = 0;
  readonly resp = 3;
  // A stream has no commands that replies are owed to.
  readonly taken = 0;
  readonly answered = 0;

  send(push: Push): void {
    this.write(push.encodedAs(messageFormat));
  }

  whenAnswered(task: () => void): void {
    task();
  }

  /** Keeps the connection from being taken for dead, and ends it when it is. */
  beat(): void {
    if (this.isBlocked) this.endIfStuck();
    else this.write(heartbeat);
  }
}
