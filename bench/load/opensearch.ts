/**
 * OpenSearch: the store's port against `_bulk` by the bare client into an index of the same settings
 * and mapping. The bare side sends the chunks only, each as the store would, made beforehand; it
 * knows nothing of documents, replacing, or turns of writers.
 */
import type { Client } from '@opensearch-project/opensearch';
import { createAnalyzer } from '../../src/analysis/analyzer.js';
import { toMapped } from '../../src/stores/opensearch/fields.js';
import { generationIndex } from '../../src/stores/opensearch/mappings.js';
import { partEntries } from '../../src/stores/opensearch/records.js';
import type { DocumentWrite } from '../../src/stores/port.js';
import { DIMENSIONS } from '../ann/vectors.js';
import { untilAtRest, withScratchIndexes } from '../support/scratch-opensearch.js';
import type { ScratchIndexes } from '../support/scratch-opensearch.js';
import { withStore } from '../support/store.js';
import { createStopwatch, takeTurns } from '../support/turns.js';
import { FIELDS, HNSW, putAll, slicesOf, specOf } from './corpus.js';
import type { Corpus } from './corpus.js';
import type { Comparison } from './types.js';

/** Chunks in one request of the bare side. */
const BULK = 1000;

export function compareOpenSearch(server: string, corpus: Corpus, slices: number): Promise<Comparison> {
  return withScratchIndexes(server, (scratch) =>
    withStore(scratch.url, async (store) => {
      const { name, generation } = await store.createCollection(specOf('bench-load'));
      const ref = { collection: name, generation: generation.id };
      const ours = { load: createStopwatch(), index: createStopwatch() };
      const bare = { load: createStopwatch(), index: createStopwatch() };
      const index = await createFloor(scratch);
      const rest = (): Promise<void> => untilAtRest(scratch);
      await takeTurns(slicesOf(corpus.documents, slices), [
        async (documents) => {
          await ours.load.time(() => putAll(store, ref, documents));
          await ours.index.time(rest);
        },
        async (documents) => {
          const entries = toEntries(documents);
          await bare.load.time(() => bulk(scratch.client, index, entries));
          await bare.index.time(rest);
        },
      ]);
      await ours.index.time(async () => {
        await store.finishLoad(ref);
        await rest();
      });
      await bare.index.time(async () => {
        await scratch.client.indices.refresh({ index });
        await rest();
      });
      const { chunks } = await store.countCollection(name);
      if (chunks !== corpus.chunks) throw new Error(`${String(chunks)} chunks arrived`);
      return {
        server: scratch.server,
        ours: { loadSeconds: ours.load.seconds, indexSeconds: ours.index.seconds },
        floors: {
          'with the same mapping': { loadSeconds: bare.load.seconds, indexSeconds: bare.index.seconds },
        },
        target: 'with the same mapping',
      };
    }),
  );
}

async function createFloor({ client, prefix, engine }: ScratchIndexes): Promise<string> {
  const name = `${prefix}-floor`;
  const body = generationIndex(
    `${name}-alias`,
    { dimensions: DIMENSIONS, metric: 'cosine', index: HNSW, engine },
    toMapped(Object.entries(FIELDS).map(([field, type]) => ({ name: field, type }))),
  );
  await client.indices.create({ index: name, body });
  return name;
}

interface Identified {
  readonly id: string;
  readonly entry: object;
}

const analyze = createAnalyzer('english');

function toEntries(documents: readonly DocumentWrite[]): readonly Identified[] {
  const fields = toMapped(Object.entries(FIELDS).map(([name, type]) => ({ name, type })));
  return documents.flatMap((write) => {
    const entries = partEntries(write, 1, fields, analyze).filter((entry) => entry['kind'] === 'chunk');
    return entries.map((entry) => ({ id: String(entry['chunk_id']), entry }));
  });
}

async function bulk(client: Client, index: string, entries: readonly Identified[]): Promise<void> {
  for (let at = 0; at < entries.length; at += BULK) {
    const body = entries.slice(at, at + BULK).flatMap(({ id, entry }) => [{ index: { _id: id } }, entry]);
    const answer = await client.bulk({ index, body });
    if (answer.body.errors) throw new Error('The bare side was refused');
  }
}
