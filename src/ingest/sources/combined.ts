import type { Source } from '../types.js';

/** Several sources one after the other. */
export function combinedSource(sources: readonly Source[]): Source {
  const totals = sources.map((source) => source.total);
  return {
    total: totals.reduce((sum, total) => (sum === null || total === null ? null : sum + total), 0),
    async *items(signal) {
      for (const source of sources) yield* source.items(signal);
    },
  };
}
