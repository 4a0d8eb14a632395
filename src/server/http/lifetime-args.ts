import type { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import type { Lifetime } from '../../protocol/http/lifetime.ts';

/** Appends the options of SET that stand for a value's time, its tags and its right to be stored. */
export function appendLifetime(builder: ArgsBuilder, lifetime: Lifetime): void {
  const { ttlMs, tags, fill } = lifetime;
  if (ttlMs > 0) {
    builder.word('PX');
    builder.integer(ttlMs);
  }
  appendWindows(builder, lifetime);
  if (tags.length > 0) {
    builder.word('TAGS');
    builder.integer(tags.length);
    for (const tag of tags) builder.copy(tag, 0, tag.length);
  }
  if (fill !== '') {
    builder.word('FILL');
    builder.word(fill);
  }
}

/** Stale window and jitter are in milliseconds beside a time to live; without one there is no jitter, and seconds. */
export function appendWindows(builder: ArgsBuilder, lifetime: Pick<Lifetime, 'ttlMs' | 'staleMs' | 'jitterMs'>): void {
  const { ttlMs, staleMs, jitterMs } = lifetime;
  if (staleMs > 0) {
    builder.word('STALE');
    builder.integer(ttlMs > 0 ? staleMs : Math.ceil(staleMs / 1000));
  }
  if (jitterMs > 0) {
    builder.word('JITTER');
    builder.integer(jitterMs);
  }
}
