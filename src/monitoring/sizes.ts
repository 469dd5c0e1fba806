/** How much the collections hold, asked of the store no more than once a minute. */
import type { CollectionCounts, VectorStore } from '../stores/port.js';
import { OTHER } from './labels.js';
import type { BoundedLabels } from './labels.js';

export interface CollectionSize extends CollectionCounts {
  /** Null where the store does not tell. */
  readonly indexBytes: number | null;
}

export interface Sizes {
  /** Of all collections, with those that are not counted one by one. */
  readonly total: number;
  readonly collections: ReadonlyMap<string, CollectionSize>;
}

export interface SizesOptions {
  readonly store: Pick<VectorStore, 'listCollections' | 'countCollection' | 'indexBytes'>;
  readonly labels: BoundedLabels;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** A collection is there no more. */
  readonly onGone: (collection: string) => void;
}

const FRESH_MS = 60_000;
/** A scrape waits no longer for the store; it then has the sizes of the time before. */
const TIMEOUT_MS = 3000;

/** Answers the latest sizes known; null where the store never told. */
export function createSizes(options: SizesOptions): () => Promise<Sizes | null> {
  let known: Sizes | null = null;
  let askedAt = -Infinity;
  let asking: Promise<void> | null = null;

  const ask = async (): Promise<void> => {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const names = (await options.store.listCollections({ signal })).map(({ name }) => name);
      for (const gone of options.labels.retain(new Set(names))) options.onGone(gone);
      const collections = new Map<string, CollectionSize>();
      for (const name of names) {
        if (options.labels.of(name) === OTHER) continue;
        const size = await sizeIfThere(options.store, name, signal);
        if (size !== null) collections.set(name, size);
      }
      known = { total: names.length, collections };
    } catch {
      // The store is away, which other figures tell.
    }
  };

  return async () => {
    if (options.now() - askedAt >= FRESH_MS) {
      askedAt = options.now();
      asking = ask();
    }
    await asking;
    return known;
  };
}

/** Null when it was deleted since it was listed. */
async function sizeIfThere(
  store: SizesOptions['store'],
  name: string,
  signal: AbortSignal,
): Promise<CollectionSize | null> {
  try {
    const counts = await store.countCollection(name, { signal });
    return { ...counts, indexBytes: (await store.indexBytes?.(name, { signal })) ?? null };
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}
