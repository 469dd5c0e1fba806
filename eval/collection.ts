/** The collection a data set is measured in: its own, made and kept up to date here, or one that exists. */
import { createHash } from 'node:crypto';
import type { CollectionDescription, NewCollection } from '../src/catalog/types.js';
import { RetrievalError, hasCode } from '../src/errors.js';
import type { IngestOptions, IngestSummary } from '../src/ingest/types.js';
import type { Runtime } from '../src/runtime-types.js';
import type { Corpus } from './corpus.js';
import type { DataSet } from './dataset.js';

/** How the data set's own collection is made. */
export type OwnCollection = Pick<NewCollection, 'embedder' | 'language' | 'metric' | 'index' | 'chunker'>;

/** Measure in a collection of the data set's own, or in one that exists, as it is. */
export type Target =
  | {
      readonly kind: 'own';
      readonly settings: OwnCollection;
      /** Delete what an earlier evaluation left and begin again. */
      readonly fresh?: boolean;
    }
  | { readonly kind: 'existing'; readonly collection: string };

export interface Prepared {
  readonly description: CollectionDescription;
  /** Null when nothing was to be ingested. */
  readonly ingest: IngestSummary | null;
}

/**
 * Makes the collection ready to be asked. The data set's own one is named after the corpus and the
 * settings: asked again with the same, it is found and nothing is embedded; documents that the
 * corpus no longer has are pruned (another split of the same corpus shares it).
 */
export async function prepareCollection(
  runtime: Runtime,
  dataSet: DataSet,
  target: Target,
  options: Pick<IngestOptions, 'signal' | 'onProgress'> = {},
): Promise<Prepared> {
  const call = options.signal === undefined ? {} : { signal: options.signal };
  if (target.kind === 'existing') {
    return { description: await runtime.catalog.describeCollection(target.collection, call), ingest: null };
  }
  if (dataSet.corpus === null) {
    throw new RetrievalError('internal', 'A data set loaded without its corpus cannot be ingested');
  }
  const { settings } = target;
  const name = ownName(dataSet.name, dataSet.corpus, settings);
  if (target.fresh === true) await deleteIfThere(runtime, name, call);
  try {
    // No field is declared: the corpus' metadata is not ingested, and its types may clash.
    await runtime.catalog.createCollection({ ...settings, name, fields: {}, fieldMode: 'declared' }, call);
  } catch (error) {
    if (!hasCode(error, 'collection_exists')) throw error;
  }
  const ingest = await runtime.ingest(name, dataSet.corpus.source(), { ...options, prune: true });
  return { description: await runtime.catalog.describeCollection(name, call), ingest };
}

async function deleteIfThere(runtime: Runtime, name: string, call: { signal?: AbortSignal }): Promise<void> {
  try {
    await runtime.catalog.deleteCollection(name, call);
  } catch (error) {
    if (!hasCode(error, 'collection_not_found')) throw error;
  }
}

/** `eval-NAME-HASH`, always a valid collection name. */
function ownName(dataSet: string, corpus: Corpus, settings: OwnCollection): string {
  const slug = dataSet
    .toLowerCase()
    .replace(/[^a-z0-9]+/gu, '-')
    .replace(/^-|-$/gu, '')
    .slice(0, 40);
  const { embedder, language, metric, index, chunker } = settings;
  const decided = JSON.stringify([corpus.hash, embedder, language, metric, index, chunker], sortedKeys);
  const digest = createHash('sha256').update(decided).digest('hex').slice(0, 12);
  return `eval-${slug === '' ? 'set' : slug}-${digest}`;
}

/** A JSON replacer that writes an object's keys in order. */
function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
