/** The collection a data set is measured in: its own, made and kept up to date here, or one that exists. */
import { createHash } from 'node:crypto';
import { chunkerSettings, formatChunker } from '../src/catalog/chunker.js';
import type { ManagedCollection } from '../src/catalog/managed.js';
import type { CollectionDescription, NewCollection } from '../src/catalog/types.js';
import { RetrievalError, hasCode } from '../src/errors.js';
import type { ChunkerSettings } from '../src/model.js';
import type { IngestOptions, IngestSummary } from '../src/ingest/types.js';
import { withoutCanaries } from '../src/pin.js';
import type { Runtime } from '../src/runtime-types.js';
import type { Corpus } from './corpus.js';
import type { DataSet } from './dataset.js';
import type { EvalRecord } from './record.js';

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
  | {
      readonly kind: 'existing';
      readonly collection: string;
      /** This generation instead of the active one. */
      readonly generation?: number;
    };

/** What is measured, as a record tells of it; of a managed collection much is not known. */
export interface Subject {
  readonly name: string;
  readonly store: string;
  readonly embedder: string;
  readonly language: string;
  readonly metric: string;
  readonly index: EvalRecord['pin'];
  readonly chunker: EvalRecord['pin'];
  readonly generation: number;
  readonly modelVersion: string;
  readonly pin: EvalRecord['pin'];
  /** Zero where they are not known. */
  readonly counts: { readonly documents: number; readonly chunks: number };
}

export interface Prepared {
  readonly subject: Subject;
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
    const managed = runtime.managed.find(({ name }) => name === target.collection);
    if (managed !== undefined) return { subject: managedSubject(managed), ingest: null };
    const description = await runtime.catalog.describeCollection(target.collection, call);
    if (target.generation !== undefined) {
      const generations = await runtime.generations.list(target.collection, call);
      const found = generations.find(({ id }) => id === target.generation);
      if (found === undefined) throw noGeneration(target.collection, target.generation);
      const { documents, chunks, modelVersion } = found;
      const described = { ...description, generation: found, modelVersion, counts: { documents, chunks } };
      return { subject: storeSubject(described, runtime.store.kind), ingest: null };
    }
    return { subject: storeSubject(description, runtime.store.kind), ingest: null };
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
  const description = await runtime.catalog.describeCollection(name, call);
  return { subject: storeSubject(description, runtime.store.kind), ingest };
}

function storeSubject(description: CollectionDescription, store: string): Subject {
  const { generation } = description;
  return {
    name: description.name,
    store,
    embedder: generation.embedder,
    language: description.language,
    metric: generation.metric,
    index: toJson(generation.index),
    chunker: toJson(generation.chunker),
    generation: generation.id,
    modelVersion: description.modelVersion,
    pin: toJson(withoutCanaries(generation.pin)),
    counts: description.counts,
  };
}

function managedSubject({
  kind,
  name,
  modelVersion,
  knowledgeBaseId,
  region,
  searchType,
}: ManagedCollection): Subject {
  return {
    name,
    store: kind,
    embedder: kind,
    language: 'none',
    metric: 'none',
    index: {},
    chunker: {},
    generation: 0,
    modelVersion,
    pin: { provider: kind, model: knowledgeBaseId, region, search_type: searchType },
    counts: { documents: 0, chunks: 0 },
  };
}

/** A record is JSON; so is a pin, but its type does not say so. */
function toJson(value: object): EvalRecord['pin'] {
  return JSON.parse(JSON.stringify(value)) as EvalRecord['pin'];
}

async function deleteIfThere(runtime: Runtime, name: string, call: { signal?: AbortSignal }): Promise<void> {
  try {
    await runtime.catalog.deleteCollection(name, call);
  } catch (error) {
    if (!hasCode(error, 'collection_not_found')) throw error;
  }
}

/** Equal for chunkers that come to the same; the default one is as if none was named. */
function decidedChunker(chunker: OwnCollection['chunker']): Partial<ChunkerSettings> | undefined {
  const settings = chunkerSettings(chunker);
  if (settings.kind !== 'structure') return settings;
  if (formatChunker(settings) === formatChunker(chunkerSettings())) return undefined;
  const { targetTokens, overlapTokens } = settings;
  return { targetTokens, overlapTokens };
}

/** `eval-NAME-HASH`, always a valid collection name. */
function ownName(dataSet: string, corpus: Corpus, settings: OwnCollection): string {
  const slug = dataSet
    .toLowerCase()
    .replace(/[^a-z0-9]+/gu, '-')
    .replace(/^-|-$/gu, '')
    .slice(0, 40);
  const { embedder, language, metric, index } = settings;
  const chunker = decidedChunker(settings.chunker);
  const decided = JSON.stringify([corpus.hash, embedder, language, metric, index, chunker], sortedKeys);
  const digest = createHash('sha256').update(decided).digest('hex').slice(0, 12);
  return `eval-${slug === '' ? 'set' : slug}-${digest}`;
}

/** A JSON replacer that writes an object's keys in order. */
function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function noGeneration(collection: string, generation: number): RetrievalError {
  return new RetrievalError(
    'generation_not_found',
    `Collection "${collection}" has no generation ${String(generation)}`,
    { field: 'generation' },
  );
}
