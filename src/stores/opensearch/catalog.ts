/** Collections and generations, in an index of their own. */
import { z } from 'zod';
import { RetrievalError } from '../../errors.js';
import type { Collection, Fields } from '../../model.js';
import type { CallOptions, CollectionSpec, GenerationRef } from '../port.js';
import type { Connection } from './connection.js';
import { FaultError, faultOf, translate } from './errors.js';
import { fieldProperties, toFields, toMapped } from './fields.js';
import type { MappedField } from './fields.js';
import { MAPPING_VERSION, assertKnownMapping, catalogIndex, generationIndex } from './mappings.js';
import type { VectorEngine } from './mappings.js';
import { collectionRecordSchema } from './records.js';
import type { CollectionRecord } from './records.js';
import { both, ofKind, parse, stored } from './search.js';
import type { Searcher } from './search.js';
import { collectionExists, noCollection, noGeneration } from '../refusals.js';

/** A collection with where its active generation is. */
export interface Located {
  readonly collection: Collection;
  readonly fields: readonly MappedField[];
  /** The alias of the generation's index; all requests go by it. */
  readonly index: string;
}

interface Found extends Located {
  readonly version: { readonly if_seq_no: number; readonly if_primary_term: number };
}

export interface Catalog {
  /** Makes the catalog's index where it is missing. @throws RetrievalError `schema_too_new` */
  open(): Promise<void>;
  create(spec: CollectionSpec, options?: CallOptions): Promise<Collection>;
  find(name: string, options?: CallOptions): Promise<Located | null>;
  /** @throws RetrievalError `collection_not_found` */
  get(name: string, options?: CallOptions): Promise<Located>;
  list(options?: CallOptions): Promise<readonly Collection[]>;
  delete(name: string, options?: CallOptions): Promise<boolean>;
  addFields(name: string, fields: Fields, options?: CallOptions): Promise<Collection>;
  /** The generation as it is now. */
  getGeneration(ref: GenerationRef, options?: CallOptions): Promise<Located>;
  /** From memory where it can be: a generation that is gone shows when its index is used. */
  locate(ref: GenerationRef, options?: CallOptions): Promise<Located>;
  /** Sees to it that the generation's mapping has all of these fields; writes need that. */
  mapFields(located: Located, options?: CallOptions): Promise<void>;
}

/** More than a cluster can hold. */
const MOST_COLLECTIONS = 10_000;
const MAX_CONFLICTS = 100;

const mappingSchema = z.record(
  z.string(),
  z.object({ mappings: z.object({ _meta: z.unknown().optional() }) }),
);
const documentSchema = z.object({
  _seq_no: z.number(),
  _primary_term: z.number(),
  _source: z.object({ record: z.string() }),
});
const versionSchema = z.object({ _version: z.number().int().positive() });

export function createCatalog(
  connection: Connection,
  searcher: Searcher,
  names: { readonly prefix: string; readonly engine: VectorEngine },
): Catalog {
  const index = `${names.prefix}-catalog`;
  const known = new Map<number, Located>();
  /** Generation → how many of its fields are known to be in the mapping. */
  const mapped = new Map<number, number>();

  const path = (name: string): string => `/${index}/_doc/${encodeURIComponent(`collection ${name}`)}`;
  const aliasOf = (generation: number): string => `${names.prefix}-generation-${String(generation)}`;

  const toLocated = (record: CollectionRecord): Located => {
    const fields = toMapped(record.fields);
    const { name, createdAt, fieldMode, language, generation } = record;
    const collection = { name, createdAt, fieldMode, fields: toFields(fields), language, generation };
    const located = { collection, fields, index: aliasOf(generation.id) };
    known.set(generation.id, located);
    return located;
  };

  const find = async (name: string, options?: CallOptions): Promise<Found | null> => {
    const { status, body } = await connection.send({ method: 'GET', path: path(name) }, options, [404]);
    if (status === 404) return null;
    const document = parse(documentSchema, body);
    return {
      ...toLocated(readRecord(document._source.record)),
      version: { if_seq_no: document._seq_no, if_primary_term: document._primary_term },
    };
  };
  const get = async (name: string, options?: CallOptions): Promise<Found> => {
    const found = await find(name, options);
    if (found === null) throw noCollection(name);
    return found;
  };
  const getGeneration = async (ref: GenerationRef, options?: CallOptions): Promise<Located> => {
    const located = await get(ref.collection, options);
    if (located.collection.generation.id !== ref.generation) throw noGeneration(ref);
    return located;
  };
  const mapFields = async (
    { collection, fields, index: alias }: Located,
    options?: CallOptions,
  ): Promise<void> => {
    const { id } = collection.generation;
    if ((mapped.get(id) ?? 0) >= fields.length) return;
    await connection.send(
      { method: 'PUT', path: `/${alias}/_mapping`, body: { properties: fieldProperties(fields) } },
      options,
    );
    mapped.set(id, fields.length);
  };
  /** The version of a document that is written again and again: a number that nobody else has. */
  const nextGeneration = async (options?: CallOptions): Promise<number> => {
    const { body } = await connection.send(
      { method: 'PUT', path: `/${index}/_doc/counter`, body: { kind: 'counter' } },
      options,
    );
    return parse(versionSchema, body)._version;
  };
  const dropIndex = async (generation: number): Promise<void> => {
    await connection.send({ method: 'DELETE', path: `/${aliasOf(generation)}-1` }, {}, [404]);
  };

  return {
    find,
    get,
    mapFields,

    async open() {
      // Refused where it exists already; what then is there has to be ours.
      await connection.send({ method: 'PUT', path: `/${index}`, body: catalogIndex() }, {}, [400]);
      const { body } = await connection.send({ method: 'GET', path: `/${index}/_mapping` });
      const [found] = Object.values(parse(mappingSchema, body));
      assertKnownMapping(index, found?.mappings._meta);
    },

    async create(spec, options) {
      if ((await find(spec.name, options)) !== null) throw collectionExists(spec.name);
      const { name, fieldMode, language, fields, ...rest } = spec;
      const id = await nextGeneration(options);
      const record: CollectionRecord = {
        mapping: MAPPING_VERSION,
        name,
        createdAt: new Date().toISOString(),
        fieldMode,
        language,
        fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
        generation: { id, state: 'active', ...rest },
      };
      const vectors = { ...spec, dimensions: spec.pin.dimensions, engine: names.engine };
      // The index first: a record is never without one. Its own name is never used but here.
      const made = await connection.send(
        {
          method: 'PUT',
          path: `/${aliasOf(id)}-1`,
          body: generationIndex(aliasOf(id), vectors, toMapped(record.fields)),
        },
        options,
        [400],
      );
      // It is there already where an attempt had come through whose answer was lost.
      if (made.status === 400 && !made.repeated) throw translate(new FaultError(faultOf(400, made.body)));
      try {
        const { status } = await connection.send(
          {
            method: 'PUT',
            path: path(name),
            query: { op_type: 'create', refresh: true },
            body: { kind: 'collection', name, record: JSON.stringify(record) },
          },
          options,
          [409],
        );
        // Ours when an attempt was repeated that had come through.
        const winner = status === 409 ? await find(name, options) : toLocated(record);
        if (winner?.collection.generation.id !== id) throw collectionExists(name);
        mapped.set(id, record.fields.length);
        return winner.collection;
      } catch (error) {
        const there = await find(name).catch(() => null);
        if (there?.collection.generation.id !== id) await dropIndex(id);
        throw error;
      }
    },

    async list(options) {
      const { hits } = await searcher.search(
        index,
        { query: both(ofKind('collection')), sort: ['name'], size: MOST_COLLECTIONS },
        options,
      );
      return hits.map((hit) => toLocated(readRecord(stored(hit, 'record'))).collection);
    },

    async delete(name, options) {
      for (let attempt = 1; attempt <= MAX_CONFLICTS; attempt += 1) {
        const found = await find(name, options);
        if (found === null) return false;
        const { status } = await connection.send(
          { method: 'DELETE', path: path(name), query: { ...found.version, refresh: true } },
          options,
          [404, 409],
        );
        // A field was added in between, or another collection has the name by now: look again.
        if (status === 409) continue;
        await dropIndex(found.collection.generation.id);
        return status === 200;
      }
      throw contended(name);
    },

    async addFields(name, fields, options) {
      for (let attempt = 1; attempt <= MAX_CONFLICTS; attempt += 1) {
        const found = await get(name, options);
        const added = newFields(found.fields, fields);
        if (added.length === 0) return found.collection;
        const { collection, version } = found;
        const record: CollectionRecord = {
          mapping: MAPPING_VERSION,
          ...collection,
          fields: [...found.fields.map(({ name: field, type }) => ({ name: field, type })), ...added],
        };
        const { status } = await connection.send(
          {
            method: 'PUT',
            path: path(name),
            query: { ...version, refresh: true },
            body: { kind: 'collection', name, record: JSON.stringify(record) },
          },
          options,
          [409],
        );
        // Another caller was first, or this one itself in an attempt that was repeated: look again.
        if (status === 409) continue;
        const located = toLocated(record);
        await mapFields(located, options);
        return located.collection;
      }
      throw contended(name);
    },

    getGeneration,
    async locate(ref, options) {
      const remembered = known.get(ref.generation);
      return remembered?.collection.name === ref.collection ? remembered : getGeneration(ref, options);
    },
  };
}

function newFields(known: readonly MappedField[], fields: Fields): CollectionRecord['fields'] {
  const before = new Map(known.map((field) => [field.name, field.type]));
  return Object.entries(fields).flatMap(([name, type]) => {
    const has = before.get(name);
    if (has === undefined) return [{ name, type }];
    if (has === type) return [];
    throw new RetrievalError(
      'field_type_conflict',
      `Field "${name}" is a ${has} in this collection; it cannot also be a ${type}`,
      { field: `metadata.${name}`, details: { expected: has, given: type } },
    );
  });
}

function readRecord(json: string): CollectionRecord {
  const record = parse(collectionRecordSchema, JSON.parse(json));
  assertKnownMapping(record.name, { plumbline: { mapping: record.mapping } });
  return record;
}

function contended(name: string): RetrievalError {
  return new RetrievalError('overloaded', `Collection "${name}" is changed by many at once`);
}
