/** Generations beside the active one: each has an index of its own, with the documents it has chunks of. */
import { RetrievalError, hasCode } from '../../errors.js';
import type { Generation } from '../../model.js';
import type { ChunksWrite, GenerationRecord, GenerationSpec, GenerationStore } from '../generations-port.js';
import type { CallOptions, GenerationRef } from '../port.js';
import { cannotActivate, generationInProgress, isActive, noGeneration } from '../refusals.js';
import { activateGeneration } from './activate.js';
import { assertCapable } from './capabilities.js';
import type { Catalog, Located, Whole } from './catalog.js';
import { generationsOf, withOther, withStage } from './collection-record.js';
import type { DatedGeneration } from './collection-record.js';
import type { CollectionTurn } from './collection-turn.js';
import { compare, isMissing } from './compare.js';
import { held, newHolder } from '../holder.js';
import type { VectorEngine } from './mappings.js';
import { readDocuments } from './read-whole.js';
import type { Searcher } from './search.js';
import type { Change } from './transaction.js';
import { assertVectors } from '../validate.js';
import { changeOf } from './write-documents.js';
import type { WriteParts } from './write-documents.js';

export interface GenerationParts extends WriteParts {
  readonly catalog: Catalog;
  readonly engine: VectorEngine;
}

export function createGenerations(parts: GenerationParts): GenerationStore {
  const { catalog, searcher, turns } = parts;
  return {
    async create(name, spec, options) {
      assertCapable(spec, parts.engine);
      // What was cut off is in nobody's way.
      await catalog.changes.endAbandoned(name);
      return createGeneration(catalog, name, spec, options);
    },

    async list(name, options) {
      const whole = await catalog.whole(name, options);
      const records: GenerationRecord[] = [];
      for (const dated of generationsOf(whole.record)) {
        const described = await describe(searcher, whole, dated, options);
        if (described !== null) records.push(described);
      }
      return records;
    },

    known: async (name, options) =>
      generationsOf((await catalog.whole(name, options)).record).map(({ generation }) => generation),

    async missing(ref, { limit, after }, options) {
      const whole = await catalog.whole(ref.collection, options);
      const located = findIn(whole, ref);
      if (located === whole.active) return [];
      const found: { id: string; contentHash: string }[] = [];
      const paging = { ...options, ...(after === undefined ? {} : { after }), page: pageFor(limit) };
      for await (const compared of compare(searcher, whole.active.index, located.index, paging)) {
        if (found.length >= limit) break;
        if (isMissing(compared)) found.push({ id: compared.id, contentHash: compared.active.contentHash });
      }
      return found;
    },

    async putChunks(ref, pin, writes, options) {
      const { generation } = (await catalog.getGeneration(ref, options)).collection;
      if (generation.state === 'active') throw isActive(ref);
      assertVectors(
        ref.collection,
        generation,
        pin,
        writes.flatMap(({ chunks }) => chunks),
      );
      const written = await turns.run(
        ref.collection,
        (turn) => putChunks(parts, turn, ref, writes, options),
        options,
      );
      if (written === null) throw isActive(ref);
      return written;
    },

    async activate(ref, from, options) {
      const refusal = await turns.run(
        ref.collection,
        (turn) => activateGeneration(parts, turn, findIn(turn.whole, ref), from, options),
        options,
      );
      if (refusal !== null) throw cannotActivate(ref, refusal);
    },

    async drop(ref, options) {
      const outcome = await turns.run(
        ref.collection,
        async ({ whole: { active, record } }): Promise<'active' | 'none' | 'dropped'> => {
          if (active.collection.generation.id === ref.generation) return 'active';
          const own = record.others.find(({ generation }) => generation.id === ref.generation);
          // One that is being made is not there yet; one whose dropping was cut off is dropped now.
          if (own === undefined || own.stage === 'making') return 'none';
          await catalog.changes.end(ref.collection, ref.generation);
          return 'dropped';
        },
        options,
      );
      if (outcome === 'active') throw isActive(ref);
      return outcome === 'dropped';
    },
  };
}

/** @throws RetrievalError `collection_not_found` */
function findIn({ generations }: Whole, ref: GenerationRef): Located {
  const located = generations.find(({ collection }) => collection.generation.id === ref.generation);
  if (located === undefined) throw noGeneration(ref);
  return located;
}

/** The record names the generation before it has an index, and shows it after. */
async function createGeneration(
  catalog: Catalog,
  name: string,
  spec: GenerationSpec,
  options: CallOptions | undefined,
): Promise<Generation> {
  const { embedder, pin, chunker, metric, index } = spec;
  const id = await catalog.nextNumber(options);
  const generation: Generation = { id, state: 'building', embedder, pin, chunker, metric, index };
  const now = new Date().toISOString();
  const maker = newHolder();
  held.add(maker.id);
  try {
    const record = await catalog.changes.change(
      name,
      (before) => {
        const own = before.others.find((other) => other.generation.id === id);
        if (own !== undefined) return null;
        const building = before.others.find(
          (other) => other.stage !== 'dropping' && other.generation.state === 'building',
        );
        if (building !== undefined) throw generationInProgress(name, building.generation.id);
        return withOther(before, { generation, createdAt: now, changedAt: now, stage: 'making', maker });
      },
      options,
    );
    await catalog.makeIndex(record, generation, options);
    await catalog.changes.change(
      name,
      (before) => {
        const own = before.others.find((other) => other.generation.id === id);
        // Taken for abandoned, for it was slow.
        if (own === undefined || own.stage === 'dropping') throw tooSlow(name);
        return own.stage === 'made' ? null : withStage(before, id, 'made');
      },
      options,
    );
    return generation;
  } catch (error) {
    if (!hasCode(error, 'generation_conflict')) await takeBack(catalog, name, id);
    throw error;
  } finally {
    held.delete(maker.id);
  }
}

/** After a failure: nothing is left but generations that are whole. What cannot be ended now is ended by others. */
async function takeBack(catalog: Catalog, name: string, id: number): Promise<void> {
  try {
    await catalog.changes.end(name, id);
  } catch {
    await catalog.dropIndex(id).catch(() => undefined);
  }
}

function tooSlow(name: string): RetrievalError {
  return new RetrievalError(
    'store_unavailable',
    `The making of a generation of collection "${name}" took so long that it was taken for abandoned; make it again`,
  );
}

/** Writes the chunks of those documents that are as the caller read them. Null where the generation is active. */
async function putChunks(
  { catalog, searcher }: GenerationParts,
  turn: CollectionTurn,
  ref: GenerationRef,
  writes: readonly ChunksWrite[],
  options: CallOptions | undefined,
): Promise<readonly string[] | null> {
  const { active } = turn.whole;
  const located = findIn(turn.whole, ref);
  if (located === active) return null;
  const ids = writes.map(({ documentId }) => documentId);
  const documents = await readDocuments(searcher, active, ids, options);
  const current = writes.flatMap(({ documentId, contentHash, chunks }) => {
    const document = documents.get(documentId);
    return document?.contentHash === contentHash ? [{ document, chunks }] : [];
  });
  if (current.length === 0) return [];
  const changes = current.map(({ document, chunks }): Change => {
    const write = { ...document, chunks };
    return changeOf(located, write, document.ingestedAt, () => located.fields);
  });
  await turn.inOther(located, async (own) => {
    await catalog.mapFields(located, options);
    await own.apply(changes);
  });
  return changes.map(({ documentId }) => documentId);
}

/** Null when it was dropped meanwhile. */
async function describe(
  searcher: Searcher,
  { active, generations }: Whole,
  { generation, createdAt, changedAt }: DatedGeneration,
  options: CallOptions | undefined,
): Promise<GenerationRecord | null> {
  const located = generations.find(({ collection }) => collection.generation.id === generation.id);
  if (located === undefined) return null;
  let [chunks, documents, missing] = [0, 0, 0];
  try {
    for await (const compared of compare(searcher, active.index, located.index, options)) {
      const own = compared.other;
      chunks += own?.chunks ?? 0;
      documents += (own?.chunks ?? 0) > 0 ? 1 : 0;
      missing += isMissing(compared) ? 1 : 0;
    }
  } catch (error) {
    if (hasCode(error, 'collection_not_found') && located !== active) return null;
    throw error;
  }
  return { ...generation, createdAt, changedAt, chunks, documents, missing };
}

/** As much as brings so many missing documents, where most are missing. */
function pageFor(limit: number): number {
  return Math.max(100, Math.min(10_000, 3 * limit));
}
