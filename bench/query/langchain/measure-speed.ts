/** Loading and searching, in turns. */
import type { Filter } from '../../../src/model.js';
import type { DocumentWrite, GenerationRef } from '../../../src/stores/port.js';
import { FIELDS, putAll, slicesOf } from '../../load/corpus.js';
import type { Corpus } from '../../load/corpus.js';
import { quantile, sum } from '../../support/stats.js';
import { createStopwatch, takeTurns } from '../../support/turns.js';
import type { Backend } from './backends.js';
import type { PeerRow } from './peer.js';

const K = 10;
const TURN = 10;
const WARM_UP_ROUNDS = 1;
/** What the peer inserts by one statement of its own. */
const PEER_BATCH = 500;

export interface LoadRow {
  readonly ours: number;
  readonly peer: number;
}

export async function measureLoad(
  backend: Backend,
  ref: GenerationRef,
  corpus: Corpus,
  slices: number,
): Promise<LoadRow> {
  const { store, peer } = backend;
  const ours = createStopwatch();
  const theirs = createStopwatch();
  await takeTurns(slicesOf(corpus.documents, slices), [
    (documents) =>
      ours.time(async () => {
        await putAll(store, ref, documents);
        await backend.atRest();
      }),
    async (documents) => {
      const rows = documents.flatMap(toRows);
      await theirs.time(async () => {
        for (let at = 0; at < rows.length; at += PEER_BATCH) await peer.add(rows.slice(at, at + PEER_BATCH));
        await backend.atRest();
      });
    },
  ]);
  // At once: both meet the same disturbances.
  await Promise.all([ours.time(() => store.finishLoad(ref)), theirs.time(() => peer.finish())]);
  return { ours: ours.seconds, peer: theirs.seconds };
}

export interface QueryRow {
  readonly name: string;
  readonly ours: { readonly p50_ms: number; readonly recall_10: number };
  readonly peer: { readonly p50_ms: number; readonly recall_10: number };
}

const QUERIES: readonly { readonly name: string; readonly filter: Filter; readonly peer?: object }[] = [
  { name: 'no filter', filter: { kind: 'all' } },
  {
    name: 'three in ten match',
    filter: { kind: 'compare', field: { name: 'year', type: FIELDS.year }, operator: 'gte', value: 2015 },
    peer: { year: { gte: 2015 } },
  },
  {
    name: 'one in forty matches',
    filter: {
      kind: 'compare',
      field: { name: 'shelf', type: FIELDS.shelf },
      operator: 'eq',
      value: 'shelf-3',
    },
    peer: { shelf: 'shelf-3' },
  },
];

export async function measureQueries(
  { store, peer }: Backend,
  ref: GenerationRef,
  corpus: Corpus,
  rounds: number,
): Promise<readonly QueryRow[]> {
  const rows: QueryRow[] = [];
  for (const { name, filter, peer: said } of QUERIES) {
    const ours: Answers = { times: [], recalls: [] };
    const theirs: Answers = { times: [], recalls: [] };
    const items: { readonly vector: Float32Array; readonly wanted: ReadonlySet<string> }[] = [];
    for (const { vector } of corpus.questions) {
      const { hits } = await store.vectorLeg(ref, { vector, k: K, filter, exact: true });
      items.push({ vector, wanted: new Set(hits.map(({ chunkId }) => chunkId)) });
    }
    const side =
      (answers: Answers, isTimed: boolean, search: (vector: Float32Array) => Promise<readonly string[]>) =>
      async (turn: typeof items): Promise<void> => {
        for (const { vector, wanted } of turn) {
          const began = performance.now();
          const found = await search(vector);
          if (!isTimed) continue;
          answers.times.push(performance.now() - began);
          answers.recalls.push(found.filter((id) => wanted.has(id)).length / Math.max(1, wanted.size));
        }
      };
    for (let round = 0; round < WARM_UP_ROUNDS + rounds; round += 1) {
      const isTimed = round >= WARM_UP_ROUNDS;
      await takeTurns(slicesOf(items, Math.ceil(items.length / TURN)) as (typeof items)[], [
        // The peer answers texts and metadata, so ours has to read them too.
        side(ours, isTimed, async (vector) => {
          const { hits } = await store.vectorLeg(ref, { vector, k: K, filter });
          const ids = hits.map(({ chunkId }) => chunkId);
          await store.getChunks(ref, ids);
          return ids;
        }),
        side(theirs, isTimed, (vector) => peer.search(Array.from(vector), K, said)),
      ]);
    }
    rows.push({ name, ours: summary(ours), peer: summary(theirs) });
  }
  return rows;
}

interface Answers {
  readonly times: number[];
  readonly recalls: number[];
}

function summary({ times, recalls }: Answers): QueryRow['ours'] {
  return { p50_ms: quantile(times, 0.5), recall_10: sum(recalls) / recalls.length };
}

function toRows({ chunks, values }: DocumentWrite): readonly PeerRow[] {
  return chunks.map(({ id, documentId, ordinal, text, vector }) => ({
    // The peer's ids are UUIDs.
    id: id.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, '$1-$2-$3-$4-$5'),
    vector: Array.from(vector),
    text,
    metadata: { ...values, chunkId: id, documentId, ordinal },
  }));
}
