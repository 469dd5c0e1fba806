/** What is asked: each leg, with and without a filter. */
import type { Filter } from '../../src/model.js';
import type { GenerationRef, LegHit, VectorStore } from '../../src/stores/port.js';
import { FIELDS } from '../load/corpus.js';
import type { Question } from '../load/corpus.js';

export interface Case {
  readonly name: string;
  /** The hits and, of the vector leg, how they were found. */
  ask(store: VectorStore, ref: GenerationRef, question: Question): Promise<Asked>;
}

export interface Asked {
  readonly hits: readonly LegHit[];
  readonly strategy: string | null;
}

/** What a query takes from each leg when nothing else is said. */
const K = 100;

/** Three documents in ten, spread over all topics: many enough for the approximate index. */
const RECENT: Filter = {
  kind: 'compare',
  field: { name: 'year', type: FIELDS.year },
  operator: 'gte',
  value: 2015,
};

export const CASES: readonly Case[] = [
  vectorCase('vector', { kind: 'all' }),
  vectorCase('vector, filtered', RECENT),
  keywordCase('keyword', { kind: 'all' }),
  keywordCase('keyword, filtered', RECENT),
];

function vectorCase(name: string, filter: Filter): Case {
  return {
    name,
    async ask(store, ref, { vector }) {
      const { hits, plan } = await store.vectorLeg(ref, { vector, k: K, filter });
      return { hits, strategy: plan.strategy };
    },
  };
}

function keywordCase(name: string, filter: Filter): Case {
  return {
    name,
    ask: async (store, ref, { text }) => ({
      hits: await store.keywordLeg(ref, { text, k: K, filter }),
      strategy: null,
    }),
  };
}
