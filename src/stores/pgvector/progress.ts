/** How far the writes of a generation have come, as this process knows it from the writer. */

/**
 * A generation's two counters. Both come from one row that every write of chunks changes: `nextKey`
 * grows with chunks that are written, and `chunks` then only falls, by those that are removed.
 */
export interface Version {
  readonly nextKey: number;
  readonly chunks: number;
}

/** Whether everything that `needed` stands for is in `found`, too. */
export function includes(found: Version, needed: Version): boolean {
  return (
    found.nextKey > needed.nextKey || (found.nextKey === needed.nextKey && found.chunks <= needed.chunks)
  );
}

export interface Progress {
  /** The moment at which a question about a generation is put to the writer. */
  now(): number;
  /** The writer's answer. @param asked the moment when it was asked */
  heard(generation: number, version: Version, asked: number): void;
  /** What a write of this process, acknowledged now, has led to. */
  wrote(generation: number, version: Version): void;
  of(generation: number): Version | undefined;
}

/** Remembers the newest version of each generation. */
export function createProgress(): Progress {
  const known = new Map<number, { readonly version: Version; readonly at: number }>();
  let moments = 0;
  const heard = (generation: number, version: Version, asked: number): void => {
    const before = known.get(generation);
    // An older version is news only if it was asked for later: a failover can lose the last writes of
    // another process. Else the answer was merely long on its way.
    if (before === undefined || includes(version, before.version) || asked > before.at) {
      known.set(generation, { version, at: Math.max(asked, before?.at ?? 0) });
    }
  };
  const now = (): number => (moments += 1);
  return {
    now,
    heard,
    wrote: (generation, version) => {
      heard(generation, version, now());
    },
    of: (generation) => known.get(generation)?.version,
  };
}
