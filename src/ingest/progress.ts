/** Counts of a run, for its progress and its summary. */
import type { RetrievalError } from '../errors.js';
import type { Meter } from './metered.js';
import type { IngestFailure, IngestProgress, IngestSummary, Spent } from './types.js';

/** Documents without text that are named. */
const MOST_NAMED = 10;

export interface ProgressLog {
  stage(stage: IngestProgress['stage']): void;
  unchanged(): void;
  written(id: string, replaced: boolean, chunks: number): void;
  failed(name: string, error: RetrievalError): void;
  embedded(texts: number, reused: number): void;
  removed(documents: number): void;
  /** What a remote embedder costs. */
  readonly meter: Meter;
  hasFailures(): boolean;
  summary(pruneSkipped: boolean): IngestSummary;
}

export function createProgress(
  totalDocuments: number | null,
  onProgress: (progress: IngestProgress) => void = () => undefined,
): ProgressLog {
  const began = performance.now();
  const failures: IngestFailure[] = [];
  let blank = 0;
  const blankIds: string[] = [];
  const counts = { added: 0, changed: 0, unchanged: 0, removed: 0, chunks: 0, embedded: 0, reused: 0 };
  let current: IngestProgress['stage'] = 'ingest';

  let spent: Spent | null = null;
  const spentNow = (): { readonly spent?: Spent } => (spent === null ? {} : { spent });

  const report = (): void => {
    onProgress({
      stage: current,
      documents: counts.added + counts.changed + counts.unchanged + failures.length,
      totalDocuments,
      chunks: counts.chunks,
      embedded: counts.embedded,
      failed: failures.length,
      elapsedMs: performance.now() - began,
      ...spentNow(),
    });
  };

  return {
    stage(stage) {
      current = stage;
      report();
    },
    unchanged() {
      counts.unchanged += 1;
      report();
    },
    written(id, replaced, chunks) {
      counts[replaced ? 'changed' : 'added'] += 1;
      counts.chunks += chunks;
      if (chunks === 0) {
        blank += 1;
        if (blankIds.length < MOST_NAMED) blankIds.push(id);
      }
      report();
    },
    failed(name, error) {
      failures.push({ name, code: error.code, reason: error.message });
      report();
    },
    embedded(texts, reused) {
      counts.embedded += texts;
      counts.reused += reused;
      report();
    },
    removed(documents) {
      counts.removed += documents;
      report();
    },
    meter: {
      began({ pricePerThousandTokens }) {
        spent ??= { tokens: 0, cached: 0, cost: pricePerThousandTokens === null ? null : 0 };
      },
      part({ tokens }, { pricePerThousandTokens: price }) {
        if (spent === null) return;
        const { cached, cost } = spent;
        spent =
          tokens === null
            ? { ...spent, cached: cached + 1 }
            : {
                cached,
                tokens: spent.tokens + tokens,
                cost: price === null || cost === null ? null : cost + (tokens / 1000) * price,
              };
      },
    },
    hasFailures: () => failures.length > 0,
    summary: (pruneSkipped) => ({
      ...counts,
      failed: [...failures],
      withoutText: { documents: blank, ids: [...blankIds] },
      pruneSkipped,
      elapsedMs: performance.now() - began,
      ...spentNow(),
    }),
  };
}
