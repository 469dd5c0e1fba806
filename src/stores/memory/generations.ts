/** Generations beside the active one. */
import { compareCodePoints } from '../../metadata/compare-code-points.js';
import type { Generation } from '../../model.js';
import type { GenerationRecord, GenerationStore } from '../generations-port.js';
import type { CallOptions, GenerationRef } from '../port.js';
import { cannotActivate, generationInProgress, isActive, noGeneration } from '../refusals.js';
import { assertVectors, validateDimensions } from '../validate.js';
import { addChunks, emptyGeneration, removeChunks } from './chunks.js';
import { deepFreeze } from './freeze.js';
import type { MemoryCollection, MemoryGeneration } from './index.js';

export interface MemoryParts {
  readonly step: <T>(options: CallOptions | undefined, run: () => T) => Promise<T>;
  /** @throws RetrievalError `collection_not_found` */
  readonly find: (name: string) => MemoryCollection;
}

export function createMemoryGenerations({
  step,
  find,
  nextId,
  maxDimensions,
}: MemoryParts & { readonly nextId: () => number; readonly maxDimensions: number }): GenerationStore {
  const findIn = (held: MemoryCollection, ref: GenerationRef): MemoryGeneration => {
    const found = held.generations.get(ref.generation);
    if (found === undefined) throw noGeneration(ref);
    return found;
  };
  return {
    create: (name, spec, options) =>
      step(options, () => {
        const held = find(name);
        const building = [...held.generations.values()].find(
          ({ generation }) => generation.state === 'building',
        );
        if (building !== undefined) throw generationInProgress(name, building.generation.id);
        validateDimensions('memory', spec.pin.dimensions, maxDimensions);
        const generation = deepFreeze<Generation>({
          id: nextId(),
          state: 'building',
          ...structuredClone(spec),
        });
        const now = new Date().toISOString();
        held.generations.set(generation.id, {
          generation,
          createdAt: now,
          changedAt: now,
          ...emptyGeneration(generation, held.collection.language),
        });
        return generation;
      }),
    list: (name, options) =>
      step(options, () => {
        const held = find(name);
        return [...held.generations.values()].map((found) => toRecord(held, found));
      }),
    known: (name, options) =>
      step(options, () => [...find(name).generations.values()].map(({ generation }) => generation)),
    missing: (ref, query, options) =>
      step(options, () => {
        const held = find(ref.collection);
        const { after } = query;
        return missingIn(held, findIn(held, ref))
          .filter(({ id }) => after === undefined || compareCodePoints(id, after) > 0)
          .sort((a, b) => compareCodePoints(a.id, b.id))
          .slice(0, query.limit);
      }),
    putChunks: (ref, pin, writes, options) =>
      step(options, () => {
        const held = find(ref.collection);
        const found = findIn(held, ref);
        if (found.generation.state === 'active') throw isActive(ref);
        assertVectors(
          ref.collection,
          found.generation,
          pin,
          writes.flatMap(({ chunks }) => chunks),
        );
        return writes.flatMap(({ documentId, contentHash, chunks }) => {
          const entry = held.documents.get(documentId);
          if (entry?.write.contentHash !== contentHash) return [];
          removeChunks(found, documentId);
          addChunks(found, documentId, deepFreeze(structuredClone(chunks)), entry.write.values);
          return [documentId];
        });
      }),
    activate: (ref, from, options) =>
      step(options, () => {
        const held = find(ref.collection);
        const found = findIn(held, ref);
        const before = held.collection.generation;
        const missing = missingIn(held, found).length;
        if (before.id !== from || missing > 0 || before.id === ref.generation) {
          throw cannotActivate(ref, { active: before.id, missing });
        }
        const now = new Date().toISOString();
        const previous = findIn(held, { ...ref, generation: from });
        previous.generation = deepFreeze({ ...previous.generation, state: 'retired' as const });
        previous.changedAt = now;
        found.generation = deepFreeze({ ...found.generation, state: 'active' as const });
        found.changedAt = now;
        held.collection = deepFreeze({ ...held.collection, generation: found.generation });
      }),
    drop: (ref, options) =>
      step(options, () => {
        const held = find(ref.collection);
        if (held.collection.generation.id === ref.generation) throw isActive(ref);
        return held.generations.delete(ref.generation);
      }),
  };
}

/** Documents with text that have no chunks in a generation. */
function missingIn(
  held: MemoryCollection,
  { chunks }: MemoryGeneration,
): { readonly id: string; readonly contentHash: string }[] {
  return [...held.documents.values()]
    .filter(({ write }) => !chunks.has(write.document.id) && write.document.text.trim() !== '')
    .map(({ write }) => ({ id: write.document.id, contentHash: write.contentHash }));
}

function toRecord(held: MemoryCollection, found: MemoryGeneration): GenerationRecord {
  const { generation, createdAt, changedAt, data, chunks } = found;
  return {
    ...generation,
    createdAt,
    changedAt,
    chunks: data.chunks.size,
    documents: chunks.size,
    missing: missingIn(held, found).length,
  };
}
