/**
 * The exact store in memory: the reference that every backend is compared with, and enough for
 * experiments that need no second process. Every write is one synchronous step, so readers see
 * all of it or nothing.
 */
import { textHash } from '../../chunking/text-hash.js';
import { RetrievalError, throwIfCancelled } from '../../errors.js';
import { compareCodePoints } from '../../metadata/compare-code-points.js';
import type { Collection, EmbeddedChunk, Generation } from '../../model.js';
import type { StoredRecord } from '../generations-port.js';
import type {
  CallOptions,
  ChunkRecord,
  DocumentSummary,
  DocumentWrite,
  GenerationRef,
  StoreCapabilities,
  VectorStore,
} from '../port.js';
import { newFields } from '../new-fields.js';
import { assertVectors, validateDimensions, validateVector } from '../validate.js';
import { compileFilter } from '../../metadata/evaluate-filter.js';
import { deepFreeze } from './freeze.js';
import { addChunks, emptyGeneration, removeChunks } from './chunks.js';
import type { GenerationData, MemoryChunk } from './generation.js';
import { collectionExists, noCollection, noGeneration, notActive } from '../refusals.js';
import { createMemoryGenerations } from './generations.js';
import { createMemoryRecords } from './records.js';

/** What a document is, whatever generation its chunks are of. */
interface StoredEntry {
  readonly write: Omit<DocumentWrite, 'chunks'>;
  readonly ingestedAt: string;
}

/** One generation's data, with the chunks of each document in order. */
export interface MemoryGeneration {
  generation: Generation;
  readonly createdAt: string;
  changedAt: string;
  readonly data: GenerationData;
  readonly chunks: Map<string, readonly EmbeddedChunk[]>;
}

export interface MemoryCollection {
  collection: Collection;
  readonly documents: Map<string, StoredEntry>;
  readonly generations: Map<number, MemoryGeneration>;
  readonly records: StoredRecord[];
  nextRecord: number;
}

const CAPABILITIES: StoreCapabilities = {
  metrics: ['cosine', 'dot', 'l2'],
  indexes: ['hnsw', 'ivfflat', 'none'],
  languages: ['english', 'none'],
  maxDimensions: 65_536,
};

interface Found extends MemoryGeneration {
  readonly held: MemoryCollection;
}

export function createMemoryStore(): VectorStore {
  const collections = new Map<string, MemoryCollection>();
  let nextGeneration = 1;

  const find = (name: string): MemoryCollection => {
    const found = collections.get(name);
    if (found === undefined) {
      throw noCollection(name);
    }
    return found;
  };
  const findGeneration = (ref: GenerationRef): Found => {
    const held = find(ref.collection);
    const generation = held.generations.get(ref.generation);
    if (generation === undefined) throw noGeneration(ref);
    return { held, ...generation };
  };
  const active = (held: MemoryCollection): MemoryGeneration => {
    const found = held.generations.get(held.collection.generation.id);
    if (found === undefined) throw new RetrievalError('internal', 'A collection has no active generation');
    return found;
  };
  const removeDocument = (held: MemoryCollection, id: string): boolean => {
    for (const generation of held.generations.values()) removeChunks(generation, id);
    return held.documents.delete(id);
  };
  /** Every call is one synchronous step behind a promise. */
  const step = <T>(options: CallOptions | undefined, run: () => T): Promise<T> =>
    new Promise((resolve) => {
      throwIfCancelled(options?.signal);
      resolve(run());
    });

  return {
    kind: 'memory',
    capabilities: CAPABILITIES,
    generations: createMemoryGenerations({
      step,
      find,
      nextId: () => nextGeneration++,
      maxDimensions: CAPABILITIES.maxDimensions,
    }),
    records: createMemoryRecords({ step, find }),
    ping: (options) => step(options, () => undefined),
    close: () => Promise.resolve(),

    createCollection: (spec, options) =>
      step(options, () => {
        if (collections.has(spec.name)) {
          throw collectionExists(spec.name);
        }
        validateDimensions('memory', spec.pin.dimensions, CAPABILITIES.maxDimensions);
        const { name, fieldMode, fields, language, ...rest } = deepFreeze(structuredClone(spec));
        const generation = { id: nextGeneration, state: 'active', ...rest } as const;
        nextGeneration += 1;
        const createdAt = new Date().toISOString();
        const collection = deepFreeze<Collection>({
          name,
          fieldMode,
          fields,
          language,
          generation,
          createdAt,
        });
        const first = {
          generation,
          createdAt,
          changedAt: createdAt,
          ...emptyGeneration(generation, language),
        };
        collections.set(name, {
          collection,
          documents: new Map(),
          generations: new Map([[generation.id, first]]),
          records: [],
          nextRecord: 1,
        });
        return collection;
      }),
    getCollection: (name, options) => step(options, () => collections.get(name)?.collection ?? null),
    listCollections: (options) =>
      step(options, () =>
        [...collections.values()]
          .map(({ collection }) => collection)
          .sort((a, b) => compareCodePoints(a.name, b.name)),
      ),
    deleteCollection: (name, options) => step(options, () => collections.delete(name)),
    countCollection: (name, options) =>
      step(options, () => {
        const held = find(name);
        return { documents: held.documents.size, chunks: active(held).data.chunks.size };
      }),
    addFields: (name, fields, options) =>
      step(options, () => {
        const held = find(name);
        const { fields: before } = held.collection;
        const known = Object.entries(before).map(([field, type]) => ({ name: field, type }));
        const added = newFields(known, fields).map((field) => [field.name, field.type] as const);
        held.collection = deepFreeze({
          ...held.collection,
          fields: { ...before, ...Object.fromEntries(added) },
        });
        return held.collection;
      }),

    putDocuments: (ref, pin, documents, options) =>
      step(options, () => {
        const { held, generation } = findGeneration(ref);
        if (held.collection.generation.id !== ref.generation) throw notActive(ref);
        assertVectors(
          ref.collection,
          generation,
          pin,
          documents.flatMap(({ chunks }) => chunks),
        );
        const beside = options?.beside ?? [];
        for (const other of beside) {
          const known = held.generations.get(other.generation);
          if (known === undefined) continue;
          assertVectors(ref.collection, known.generation, other.pin, [...other.chunks.values()].flat());
        }
        const ingestedAt = new Date().toISOString();
        // Readers are given what is kept here, so nobody may change it: neither they nor the writer.
        for (const { chunks, ...write } of documents.map((given) => deepFreeze(structuredClone(given)))) {
          const { id } = write.document;
          removeDocument(held, id);
          held.documents.set(id, { write, ingestedAt });
          const all = [
            { generation: ref.generation, chunks },
            ...beside.map((other) => ({
              generation: other.generation,
              chunks: deepFreeze(structuredClone(other.chunks.get(id) ?? [])),
            })),
          ];
          for (const part of all) {
            const found = held.generations.get(part.generation);
            if (found !== undefined) addChunks(found, id, part.chunks, write.values);
          }
        }
      }),
    contentHashes: (ref, ids, options) =>
      step(options, () => {
        const { documents } = findGeneration(ref).held;
        return new Map(
          ids.flatMap((id) => {
            const entry = documents.get(id);
            return entry === undefined ? [] : [[id, entry.write.contentHash] as const];
          }),
        );
      }),
    documentVectors: (ref, id, options) =>
      step(options, () => {
        const chunks = findGeneration(ref).chunks.get(id) ?? [];
        return new Map(chunks.map((chunk) => [textHash(chunk.indexedText), chunk.vector.slice()]));
      }),
    getDocument: (name, id, options) =>
      step(options, () => {
        const held = find(name);
        const entry = held.documents.get(id);
        if (entry === undefined) return null;
        const { document, contentHash } = entry.write;
        return {
          document,
          contentHash,
          ingestedAt: entry.ingestedAt,
          chunkCount: chunkCount(active(held), id),
        };
      }),
    documentChunks: (ref, id, options) =>
      step(options, () => {
        const { held, chunks, data } = findGeneration(ref);
        const from = options?.from ?? 0;
        const to = options?.to ?? Infinity;
        return (chunks.get(id) ?? [])
          .filter(({ ordinal }) => ordinal >= from && ordinal <= to)
          .flatMap((chunk) => toRecord(held, data.chunks.get(chunk.id)) ?? []);
      }),
    listDocuments: (name, query, options) =>
      step(options, () => {
        const { after } = query;
        const accept = compileFilter(query.filter);
        const held = find(name);
        const matching = [...held.documents.values()]
          .filter(
            ({ write }) =>
              accept(write.values) &&
              (after === undefined || compareCodePoints(write.document.id, after) > 0),
          )
          .sort((a, b) => compareCodePoints(a.write.document.id, b.write.document.id));
        const items = matching
          .slice(0, query.limit)
          .map((entry) => toSummary(entry, chunkCount(active(held), entry.write.document.id)));
        return { items, next: matching.length > query.limit ? (items.at(-1)?.id ?? null) : null };
      }),
    countDocuments: (name, filter, options) =>
      step(options, () => {
        const accept = compileFilter(filter);
        return [...find(name).documents.values()].filter(({ write }) => accept(write.values)).length;
      }),
    deleteDocuments: (name, ids, options) =>
      step(options, () => {
        const held = find(name);
        return ids.filter((id) => removeDocument(held, id)).length;
      }),
    deleteByFilter: (name, filter, options) =>
      step(options, () => {
        const held = find(name);
        const accept = compileFilter(filter);
        const ids = [...held.documents.values()]
          .filter(({ write }) => accept(write.values))
          .map(({ write }) => write.document.id);
        return ids.filter((id) => removeDocument(held, id)).length;
      }),
    finishLoad: (ref, options) =>
      step(options, () => {
        findGeneration(ref);
      }),

    vectorLeg: (ref, query, options) =>
      step(options, () => {
        const { data } = findGeneration(ref);
        validateVector(query.vector, data.generation.pin.dimensions, data.generation.metric);
        const accept = compileFilter(query.filter);
        let matching = 0;
        const hits = data.nearest(query.vector, query.k, (values) => {
          const accepted = accept(values);
          if (accepted) matching += 1;
          return accepted;
        });
        return { hits, plan: { strategy: 'exact', matches: matching } };
      }),
    keywordLeg: (ref, query, options) =>
      step(options, () =>
        findGeneration(ref).data.bestKeywords(query.text, query.k, compileFilter(query.filter)),
      ),
    scoreChunks: (ref, query, options) =>
      step(options, () => {
        const { data } = findGeneration(ref);
        if (query.vector !== undefined) {
          validateVector(query.vector, data.generation.pin.dimensions, data.generation.metric);
        }
        return data.score(query.chunkIds, query.vector, query.text);
      }),
    getChunks: (ref, ids, options) =>
      step(options, () => {
        const { held, data } = findGeneration(ref);
        return new Map(
          ids.flatMap((id) => {
            const record = toRecord(held, data.chunks.get(id));
            return record === null ? [] : [[id, record] as const];
          }),
        );
      }),
  };
}

function chunkCount(generation: MemoryGeneration, id: string): number {
  return generation.chunks.get(id)?.length ?? 0;
}

function toRecord(held: MemoryCollection, entry: MemoryChunk | undefined): ChunkRecord | null {
  const stored = entry === undefined ? undefined : held.documents.get(entry.chunk.documentId);
  if (entry === undefined || stored === undefined) return null;
  const { vector: _, ...chunk } = entry.chunk;
  const { title, source, metadata } = stored.write.document;
  return { ...chunk, title, source, metadata, values: entry.values };
}

function toSummary({ write, ingestedAt }: StoredEntry, chunks: number): DocumentSummary {
  const { id, title, source, metadata } = write.document;
  return {
    id,
    title,
    source,
    metadata,
    contentHash: write.contentHash,
    ingestedAt,
    chunkCount: chunks,
  };
}
