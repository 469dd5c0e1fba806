/**
 * Measures what the approximate index loses: some of the live queries are answered once more by
 * comparing every vector, after their answer was handed over.
 */
import type { Filter } from '../model.js';
import type { AnsweredQuery } from '../retrieval/retrieve.js';
import type { CallOptions, LegHit, VectorStore } from '../stores/port.js';

/** How much of a collection a filter lets through. `all`: there was no filter. */
export const SELECTIVITIES = ['all', '>10%', '1-10%', '<1%'] as const;
export type Selectivity = (typeof SELECTIVITIES)[number];

export interface RecallSample {
  readonly collection: string;
  readonly selectivity: Selectivity;
  /** Share of the exact leg that the approximate one had. */
  readonly recall: number;
}

/** What became of a query that was drawn. `dropped`: another one was still being checked. */
export const CHECK_OUTCOMES = ['checked', 'dropped', 'failed'] as const;

export interface RecallCheckOptions {
  readonly store: Pick<VectorStore, 'vectorLeg' | 'countDocuments' | 'countCollection'>;
  /** Share of queries that are checked, 0 to 1. */
  readonly share: number;
  /** From 0 to less than 1. */
  readonly random: () => number;
  readonly onSample: (sample: RecallSample) => void;
  readonly onOutcome: (outcome: (typeof CHECK_OUTCOMES)[number]) => void;
}

export interface RecallCheck {
  /** Draws; returns at once in any case. */
  offer(query: AnsweredQuery): void;
  /** Cancels the check that runs, without waiting for it. */
  close(): void;
  /** Settles when no check runs. */
  idle(): Promise<void>;
}

/** Longest a check may take: the store has live queries to answer. */
const CHECK_TIMEOUT_MS = 60_000;

export function createRecallCheck(options: RecallCheckOptions): RecallCheck {
  const closed = new AbortController();
  let running: Promise<void> | null = null;

  const check = async (query: AnsweredQuery, vector: Float32Array): Promise<void> => {
    // The answer goes out first: what waits for it runs before the next round of the event loop.
    await new Promise(setImmediate);
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
    try {
      signal.throwIfAborted();
      const { ref, filter, depth } = query;
      const exact = await options.store.vectorLeg(ref, { vector, k: depth, filter, exact: true }, { signal });
      const selectivity = await selectivityOf(options.store, ref.collection, filter, { signal });
      options.onSample({
        collection: ref.collection,
        selectivity,
        recall: recallOf(legHits(query.candidates), exact.hits),
      });
      options.onOutcome('checked');
    } catch {
      // A collection that went, a store that is away: the live queries tell of it.
      if (!closed.signal.aborted) options.onOutcome('failed');
    }
  };

  return {
    offer(query) {
      if (closed.signal.aborted || query.vector === null || query.plan?.strategy !== 'approximate') return;
      if (options.random() >= options.share) return;
      if (running !== null) {
        options.onOutcome('dropped');
        return;
      }
      running = check(query, query.vector).finally(() => {
        running = null;
      });
    },
    close() {
      closed.abort();
    },
    async idle() {
      await running;
    },
  };
}

/** The candidates that the vector leg brought itself. */
function legHits(candidates: AnsweredQuery['candidates']): readonly Scored[] {
  return candidates.flatMap(({ chunkId, vector }) =>
    typeof vector?.rank === 'number' ? [{ chunkId, score: vector.score }] : [],
  );
}

type Scored = Pick<LegHit, 'chunkId' | 'score'>;

/** Share of the exact leg that was found. Of hits that score alike, any will do. */
export function recallOf(found: readonly Scored[], exact: readonly Scored[]): number {
  const last = exact.at(-1);
  if (last === undefined) return 1;
  const wanted = new Set(exact.map(({ chunkId }) => chunkId));
  const right = found.filter(({ chunkId, score }) => wanted.has(chunkId) || score >= last.score);
  return Math.min(right.length, exact.length) / exact.length;
}

async function selectivityOf(
  store: Pick<VectorStore, 'countDocuments' | 'countCollection'>,
  collection: string,
  filter: Filter,
  options: CallOptions,
): Promise<Selectivity> {
  if (filter.kind === 'all') return 'all';
  const matching = await store.countDocuments(collection, filter, options);
  const { documents } = await store.countCollection(collection, options);
  return bucketOf(documents === 0 ? 0 : matching / documents);
}

/** The bucket of a filter that lets this share through. */
export function bucketOf(share: number): Selectivity {
  if (share > 0.1) return '>10%';
  return share >= 0.01 ? '1-10%' : '<1%';
}
