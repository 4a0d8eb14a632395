import type { Clock, Random } from '../base/ports.ts';
import type { ControlPort } from './control.ts';
import type { PublisherPort } from './publisher.ts';

/** What commands are told of the node they run on. */
export interface NodePort {
  readonly clock: Clock;
  readonly random: Random;
  /** The sections of INFO in order. */
  readonly infoSections: readonly InfoSection[];
  /** What administrators look at and change. */
  readonly control: ControlPort;
  /** Its channels. */
  readonly publisher: PublisherPort;
}

export interface InfoSection {
  /** As its heading says: `Server`, `Memory`. Asked for in any case. */
  readonly name: string;
  /** Whether INFO without arguments shows it. */
  readonly shownByDefault: boolean;
  fields(): Iterable<readonly [name: string, value: string | number]>;
}
