/** Doing many things, a few at a time. */

/** Runs `work` on every item; the first that rejects lets no further one begin, and is what it rejects with. */
export async function inParallel<T>(
  atOnce: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items].reverse();
  const errors: unknown[] = [];
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    while (errors.length === 0) {
      const item = waiting.pop();
      if (item === undefined) return;
      try {
        await work(item);
      } catch (error) {
        errors.push(error);
      }
    }
  });
  // All of them: what is still running must not go on behind the caller's back.
  await Promise.all(workers);
  if (errors.length > 0) throw errors[0];
}
