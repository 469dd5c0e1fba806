/** Collections and generations, in an index of their own. */
import { z } from 'zod';
import { RetrievalError } from '../../errors.js';
import type { Collection, Fields, Generation } from '../../model.js';
import type { CallOptions, CollectionSpec, GenerationRef } from '../port.js';
import type { Connection } from './connection.js';
import { FaultError, faultOf, translate } from './errors.js';
import { fieldProperties, toFields, toMapped } from './fields.js';
import type { MappedField } from './fields.js';
import { assertRefreshes } from './serverless.js';
import { createChanges } from './changes.js';
import type { Changes } from './changes.js';
import { generationsOf, readRecord, replaced } from './collection-record.js';
import type { CollectionRecord } from './collection-record.js';
import { removeRecords } from './collection-records.js';
import {
  MAPPING_VERSION,
  assertKnownMapping,
  catalogIndex,
  catalogMapping,
  generationIndex,
} from './mappings.js';
import type { VectorEngine } from './mappings.js';
import { contended, createEntries, generationOf } from './reservations.js';
import { both, ofKind, parse, stored } from './search.js';
import type { Searcher } from './search.js';
import { newFields } from '../new-fields.js';
import { collectionExists, noCollection, noGeneration } from '../refusals.js';

/** A generation of a collection, and where it is. */
export interface Located {
  /** Its `generation` is the one that is located. */
  readonly collection: Collection;
  readonly fields: readonly MappedField[];
  /** The alias of the generation's index; all requests go by it. */
  readonly index: string;
}

/** A collection with all of its generations. */
export interface Whole {
  readonly record: CollectionRecord;
  readonly active: Located;
  /** All that are there, the active one among them, by id. */
  readonly generations: readonly Located[];
}

export interface Catalog {
  /** The catalog's own index. */
  readonly index: string;
  /**
   * Makes the catalog's index where it is missing.
   * @throws RetrievalError `schema_too_new`, `unsupported_capability`
   */
  open(): Promise<void>;
  create(spec: CollectionSpec, options?: CallOptions): Promise<Collection>;
  /** The active generation. */
  find(name: string, options?: CallOptions): Promise<Located | null>;
  /** The same. @throws RetrievalError `collection_not_found` */
  get(name: string, options?: CallOptions): Promise<Located>;
  list(options?: CallOptions): Promise<readonly Collection[]>;
  delete(name: string, options?: CallOptions): Promise<boolean>;
  addFields(name: string, fields: Fields, options?: CallOptions): Promise<Collection>;
  /** As it is now. @throws RetrievalError `collection_not_found` */
  whole(name: string, options?: CallOptions): Promise<Whole>;
  readonly changes: Changes;
  /** A number that nobody else has, greater than those before. */
  nextNumber(options?: CallOptions): Promise<number>;
  /** Makes the index of a generation, which the collection's record has to name by then. */
  makeIndex(record: CollectionRecord, generation: Generation, options?: CallOptions): Promise<void>;
  dropIndex(generation: number): Promise<void>;
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

  const aliasOf = (generation: number): string => `${names.prefix}-generation-${String(generation)}`;

  const toWhole = (record: CollectionRecord): Whole => {
    const fields = toMapped(record.fields);
    const { name, createdAt, fieldMode, language } = record;
    const generations = generationsOf(record).map(({ generation }): Located => {
      const collection = { name, createdAt, fieldMode, fields: toFields(fields), language, generation };
      const located = { collection, fields, index: aliasOf(generation.id) };
      known.set(generation.id, located);
      return located;
    });
    const active = generations.find(({ collection }) => collection.generation.id === record.generation.id);
    if (active === undefined) throw new RetrievalError('internal', 'A collection has no active generation');
    return { record, active, generations };
  };

  const dropIndex = async (generation: number): Promise<void> => {
    await connection.send({ method: 'DELETE', path: `/${aliasOf(generation)}-1` }, {}, [404]);
  };
  const entries = createEntries(connection, searcher, index, {
    dropIndex,
    dropRecords: (owner) => removeRecords(connection, searcher, index, owner),
  });
  const changes = createChanges(entries, dropIndex);

  const findWhole = async (name: string, options?: CallOptions): Promise<Whole | null> => {
    const entry = await entries.read(name, options);
    return entry?.kind === 'collection' ? toWhole(readRecord(entry.record)) : null;
  };
  const find = async (name: string, options?: CallOptions): Promise<Located | null> =>
    (await findWhole(name, options))?.active ?? null;
  const whole = async (name: string, options?: CallOptions): Promise<Whole> => {
    const found = await findWhole(name, options);
    if (found === null) throw noCollection(name);
    return found;
  };
  const get = async (name: string, options?: CallOptions): Promise<Located> =>
    (await whole(name, options)).active;
  const getGeneration = async (ref: GenerationRef, options?: CallOptions): Promise<Located> => {
    const { generations } = await whole(ref.collection, options);
    const located = generations.find(({ collection }) => collection.generation.id === ref.generation);
    if (located === undefined) throw noGeneration(ref);
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
  /** After a failure: nothing is left but a collection that is whole. */
  const takeBack = async (name: string, generation: number): Promise<void> => {
    const there = await entries.read(name).catch(() => null);
    if (there === null || generationOf(there.record) !== generation) {
      // Ended by another caller, who may have come before the index. Or it cannot be known, and is swept.
      await dropIndex(generation).catch(() => undefined);
    } else if (there.kind !== 'collection') await entries.end(name, there).catch(() => undefined);
  };
  /** The version of a document that is written again and again. */
  const nextNumber = async (options?: CallOptions): Promise<number> => {
    const { body } = await connection.send(
      { method: 'PUT', path: `/${index}/_doc/counter`, body: { kind: 'counter' } },
      options,
    );
    return parse(versionSchema, body)._version;
  };
  const makeIndex = async (
    record: CollectionRecord,
    { id, metric, pin, index: vectorIndex }: Generation,
    options?: CallOptions,
  ): Promise<void> => {
    const vectors = { dimensions: pin.dimensions, metric, index: vectorIndex, engine: names.engine };
    // Its own name is never used but here.
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
    mapped.set(id, record.fields.length);
  };

  return {
    index,
    find,
    get,
    whole,
    changes,
    nextNumber,
    makeIndex,
    dropIndex,
    mapFields,

    async open() {
      await assertRefreshes(connection, index);
      // Refused where it exists already; what then is there has to be ours.
      await connection.send({ method: 'PUT', path: `/${index}`, body: catalogIndex() }, {}, [400]);
      const { body } = await connection.send({ method: 'GET', path: `/${index}/_mapping` });
      const [found] = Object.values(parse(mappingSchema, body));
      if (assertKnownMapping(index, found?.mappings._meta) < MAPPING_VERSION) {
        await connection.send({ method: 'PUT', path: `/${index}/_mapping`, body: catalogMapping() });
      }
      // What cannot be swept now is at the next start, and keeps nobody from this one.
      await entries.sweep((name) => changes.endAbandoned(name)).catch(() => undefined);
    },

    async create(spec, options) {
      if ((await find(spec.name, options)) !== null) throw collectionExists(spec.name);
      const { name, fieldMode, language, fields, ...rest } = spec;
      const id = await nextNumber(options);
      const record: CollectionRecord = {
        mapping: MAPPING_VERSION,
        id,
        name,
        createdAt: new Date().toISOString(),
        fieldMode,
        language,
        fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
        generation: { id, state: 'active', ...rest },
        others: [],
      };
      const reservation = await entries.reserve(record, options);
      try {
        await makeIndex(record, record.generation, options);
        const json = JSON.stringify(record);
        const { version } = await entries.replace(name, 'collection', json, reservation.version, options);
        if (version === null) {
          // Ours when an attempt was repeated that had come through.
          const winner = await find(name, options);
          if (winner?.collection.generation.id !== id) throw contended(name);
        }
        return toWhole(record).active.collection;
      } catch (error) {
        await takeBack(name, id);
        throw error;
      } finally {
        reservation.release();
      }
    },

    async list(options) {
      const { hits } = await searcher.search(
        index,
        { query: both(ofKind('collection')), sort: ['name'], size: MOST_COLLECTIONS },
        options,
      );
      return hits.map((hit) => toWhole(readRecord(stored(hit, 'record'))).active.collection);
    },

    async delete(name, options) {
      let isMine = false;
      for (let attempt = 1; attempt <= MAX_CONFLICTS; attempt += 1) {
        const entry = await entries.read(name, options);
        if (entry === null || entry.kind === 'creating') return isMine;
        if (entry.kind === 'deleting') {
          await entries.end(name, entry);
          return isMine;
        }
        const { version, repeated } = await entries.replace(
          name,
          'deleting',
          entry.record,
          entry.version,
          options,
        );
        // Another caller was first, or a field was added in between, or this one's answer was lost: look again.
        isMine = version !== null || repeated;
        if (version !== null) {
          // From here on it goes, whoever waits for it.
          await entries.end(name, { ...entry, kind: 'deleting', version });
          return true;
        }
      }
      throw contended(name);
    },

    async addFields(name, fields, options) {
      let added: CollectionRecord['fields'] = [];
      const record = await changes.change(
        name,
        (before) => {
          added = newFields(before.fields, fields);
          return added.length > 0 ? replaced(before, { fields: [...before.fields, ...added] }) : null;
        },
        options,
      );
      // The others' mappings get them when a document is written there.
      const { active } = toWhole(record);
      if (added.length > 0) await mapFields(active, options);
      return active.collection;
    },

    getGeneration,
    async locate(ref, options) {
      const remembered = known.get(ref.generation);
      return remembered?.collection.name === ref.collection ? remembered : getGeneration(ref, options);
    },
  };
}
