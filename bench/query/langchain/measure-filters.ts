/** Whether each side answers a filter with what matches it, and with as much of it as there is. */
import type { Filter } from '../../../src/model.js';
import { compileFilter } from '../../../src/metadata/evaluate-filter.js';
import type { GenerationRef, VectorStore } from '../../../src/stores/port.js';
import type { Corpus } from '../../load/corpus.js';
import { sum } from '../../support/stats.js';
import type { Backend } from './backends.js';
import { FILTERS } from './filters.js';

/** From the worst to the best. */
export const OUTCOMES = ['cannot say it', 'error', 'wrong hits', 'too few hits', 'right'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface FilterAnswer {
  readonly outcome: Outcome;
  /** Share of the exact answer's hits that were found, over all questions; null where none was asked. */
  readonly recall: number | null;
}

export interface FilterRow {
  readonly name: string;
  readonly ours: FilterAnswer;
  readonly peer: FilterAnswer;
}

const K = 10;

type Search = (vector: Float32Array) => Promise<readonly string[]>;

export async function measureFilters(
  { kind, store, peer }: Backend,
  ref: GenerationRef,
  corpus: Corpus,
  questions: number,
): Promise<readonly FilterRow[]> {
  const values = new Map(
    corpus.documents.flatMap((document) => document.chunks.map(({ id }) => [id, document.values] as const)),
  );
  const vectors = corpus.questions.slice(0, questions).map(({ vector }) => vector);
  const rows: FilterRow[] = [];
  for (const { name, filter, ...said } of FILTERS) {
    const matches = compileFilter(filter);
    const isMatch = (id: string): boolean => {
      const found = values.get(id);
      return found !== undefined && matches(found);
    };
    const exact = await Promise.all(vectors.map((vector) => exactly(store, ref, vector, filter)));
    const wording = said[kind];
    const ask = (search: Search): Promise<FilterAnswer> => judge(search, vectors, exact, isMatch);
    rows.push({
      name,
      ours: await ask(async (vector) => {
        const { hits } = await store.vectorLeg(ref, { vector, k: K, filter });
        return hits.map(({ chunkId }) => chunkId);
      }),
      peer:
        wording === null
          ? { outcome: 'cannot say it', recall: null }
          : await ask((vector) => peer.search(Array.from(vector), K, wording)),
    });
  }
  return rows;
}

async function exactly(
  store: VectorStore,
  ref: GenerationRef,
  vector: Float32Array,
  filter: Filter,
): Promise<ReadonlySet<string>> {
  const { hits } = await store.vectorLeg(ref, { vector, k: K, filter, exact: true });
  return new Set(hits.map(({ chunkId }) => chunkId));
}

async function judge(
  search: Search,
  vectors: readonly Float32Array[],
  exact: readonly ReadonlySet<string>[],
  isMatch: (id: string) => boolean,
): Promise<FilterAnswer> {
  let worst: Outcome = 'right';
  const recalls: number[] = [];
  for (const [index, vector] of vectors.entries()) {
    const wanted = exact[index] ?? new Set<string>();
    let found: readonly string[];
    try {
      found = await search(vector);
    } catch {
      return { outcome: 'error', recall: null };
    }
    recalls.push(wanted.size === 0 ? 1 : found.filter((id) => wanted.has(id)).length / wanted.size);
    worst = worse(worst, outcomeOf(found, wanted, isMatch));
  }
  return { outcome: worst, recall: sum(recalls) / recalls.length };
}

function outcomeOf(
  found: readonly string[],
  wanted: ReadonlySet<string>,
  isMatch: (id: string) => boolean,
): Outcome {
  if (!found.every(isMatch)) return 'wrong hits';
  return found.length < wanted.size ? 'too few hits' : 'right';
}

function worse(a: Outcome, b: Outcome): Outcome {
  return OUTCOMES.indexOf(a) < OUTCOMES.indexOf(b) ? a : b;
}
