/** What a source has, the next of it being asked for while the last is worked on. */
export async function* readAhead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  const ask = (): Promise<IteratorResult<T>> => {
    const asked = source.next();
    // Looked at below, unless nobody wants more.
    asked.catch(() => undefined);
    return asked;
  };
  let next = ask();
  for (;;) {
    const result = await next;
    if (result.done === true) return;
    next = ask();
    yield result.value;
  }
}
