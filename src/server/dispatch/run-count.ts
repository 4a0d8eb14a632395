/** Counts what a dispatcher has under way though no shard owes it a reply: a node that stops waits for it. */
export interface RunCount {
  runBegan(): void;
  /** Once for each that began. */
  runEnded(): void;
}
