import type { Source } from '../types.js';

/** Several sources one after the other. */
export function combinedSource(sources: readonly Source[]): Source {
  const totals = sources.map((source) => source.total);
  return {
    total: totals.reduce((sum, total) => (sum === null || total === null ? null : sum + total), 0),
    async *items(signal, stored) {
      for (const source of sources) yield* source.items(signal, stored);
    },
    async stillThere(ids, signal) {
      const found = new Set<string>();
      for (const source of sources) {
        for (const id of (await source.stillThere?.(ids, signal)) ?? []) found.add(id);
      }
      return found;
    },
  };
}
