/** Keeps the number of series bounded, however many collections there are. */

/** The label of all collections beyond the limit. */
export const OTHER = 'other';

export interface BoundedLabels {
  /** The name itself, or `other` where the limit is reached. */
  of(name: string): string;
  /** Frees the places of names that are not among these, and answers them. */
  retain(names: ReadonlySet<string>): readonly string[];
}

/** First come, first served: a name that has its place keeps it. */
export function createBoundedLabels(most: number): BoundedLabels {
  const known = new Set<string>();
  return {
    of(name) {
      if (known.has(name)) return name;
      // A collection of that very name must not be counted as all the others.
      if (known.size >= most || name === OTHER) return OTHER;
      known.add(name);
      return name;
    },
    retain(names) {
      const gone = [...known].filter((name) => !names.has(name));
      for (const name of gone) known.delete(name);
      return gone;
    },
  };
}
