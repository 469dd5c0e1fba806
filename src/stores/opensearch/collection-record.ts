/**
 * A collection's record in the catalog: what it is, and which generations it has. Changing this one
 * document is what makes, activates and drops a generation.
 */
import { z } from 'zod';
import type { Generation } from '../../model.js';
import { chunkerSchema, fieldListSchema, pinSchema, vectorIndexSchema } from '../record-schemas.js';
import { holderSchema, isDead } from '../holder.js';
import { MAPPING_VERSION, assertKnownMapping } from './mappings.js';
import { parse } from './search.js';

const generationSchema = z.object({
  id: z.number().int(),
  state: z.enum(['building', 'active', 'retired']),
  embedder: z.string(),
  pin: pinSchema,
  chunker: chunkerSchema,
  metric: z.enum(['cosine', 'dot', 'l2']),
  index: vectorIndexSchema,
});

const otherSchema = z.object({
  generation: generationSchema,
  createdAt: z.string(),
  changedAt: z.string(),
  /** Only one that is `made` is there for anybody; the others have an index, or may have one. */
  stage: z.enum(['making', 'made', 'dropping']),
  maker: holderSchema.exactOptional(),
});

export const collectionRecordSchema = z.object({
  mapping: z.number().int(),
  name: z.string(),
  createdAt: z.string(),
  fieldMode: z.enum(['declared', 'inferred']),
  language: z.enum(['english', 'none']),
  /** In the order of their columns. */
  fields: fieldListSchema,
  /** The active one. */
  generation: generationSchema,
  /** What the collection's own records know it by; in older entries the generation's. */
  id: z.number().int().exactOptional(),
  /** When the active generation was made and became active; with the collection where absent. */
  active: z.object({ createdAt: z.string(), changedAt: z.string() }).exactOptional(),
  /** Those that are not active. */
  others: z.array(otherSchema).readonly().default([]),
});

export type CollectionRecord = z.infer<typeof collectionRecordSchema>;
type Other = z.infer<typeof otherSchema>;

/** A making is abandoned after so long on another machine; on this one, when its process is gone. */
export const ABANDONED_MS = 600_000;

/** @throws RetrievalError `schema_too_new`, `store_invalid_response` */
export function readRecord(json: string): CollectionRecord {
  const record = parse(collectionRecordSchema, JSON.parse(json));
  assertKnownMapping(record.name, { plumbline: { mapping: record.mapping } });
  return record;
}

export function idOf({ id, generation }: CollectionRecord): number {
  return id ?? generation.id;
}

/** Ids of all generations that may have an index. */
export function indexedBy({ generation, others }: CollectionRecord): readonly number[] {
  return [generation.id, ...others.map((other) => other.generation.id)];
}

export interface DatedGeneration {
  readonly generation: Generation;
  readonly createdAt: string;
  readonly changedAt: string;
}

/** The generations that are there, by id. */
export function generationsOf(record: CollectionRecord): readonly DatedGeneration[] {
  const made = record.others.filter(({ stage }) => stage === 'made');
  return [{ generation: record.generation, ...activeTimes(record) }, ...made].sort(
    (a, b) => a.generation.id - b.generation.id,
  );
}

/** Whether something was begun that somebody has to end. */
export function hasPending({ others }: Pick<CollectionRecord, 'others'>): boolean {
  return others.some(({ stage }) => stage !== 'made');
}

/** Generations that nobody is going to make or drop to the end. */
export function abandonedIn({ others }: CollectionRecord, now: number): readonly number[] {
  return others.filter((other) => isAbandoned(other, now)).map(({ generation }) => generation.id);
}

function isAbandoned({ stage, maker, createdAt }: Other, now: number): boolean {
  switch (stage) {
    case 'made':
      return false;
    case 'dropping':
      return true;
    case 'making':
      return maker === undefined || isDead(maker) || now - Date.parse(createdAt) > ABANDONED_MS;
    default:
      return stage satisfies never;
  }
}

export function withOther(record: CollectionRecord, other: Other): CollectionRecord {
  return replaced(record, { others: [...record.others, other] });
}

export function withStage(record: CollectionRecord, id: number, stage: Other['stage']): CollectionRecord {
  return replaced(record, {
    others: record.others.map(({ maker, ...other }) => {
      if (other.generation.id === id) return { ...other, stage };
      return { ...other, ...(maker === undefined ? {} : { maker }) };
    }),
  });
}

export function without(record: CollectionRecord, id: number): CollectionRecord {
  return replaced(record, { others: record.others.filter(({ generation }) => generation.id !== id) });
}

/** The record with another generation active and the one that was retired; null when there is none of that id. */
export function activated(record: CollectionRecord, id: number, at: string): CollectionRecord | null {
  const next = record.others.find(({ generation, stage }) => generation.id === id && stage === 'made');
  if (next === undefined) return null;
  const retired: Other = {
    generation: { ...record.generation, state: 'retired' },
    createdAt: activeTimes(record).createdAt,
    changedAt: at,
    stage: 'made',
  };
  return {
    ...withOther(without(record, id), retired),
    generation: { ...next.generation, state: 'active' },
    active: { createdAt: next.createdAt, changedAt: at },
  };
}

/** As this code writes it: older code that would lose a part of it refuses to read it. */
export function replaced(record: CollectionRecord, part: Partial<CollectionRecord>): CollectionRecord {
  return { ...record, id: idOf(record), mapping: MAPPING_VERSION, ...part };
}

function activeTimes(record: CollectionRecord): { readonly createdAt: string; readonly changedAt: string } {
  return record.active ?? { createdAt: record.createdAt, changedAt: record.createdAt };
}
