/**
 * A collection's entry in the catalog is there before its index and goes after it, so that no crash
 * leaves an index that nobody knows. Its kind says how far it is: `creating` and `deleting` are no
 * collections, and whoever finds one whose maker is gone brings it to an end. Every step is made by
 * compare and set: a maker who was only slow learns that his entry was ended, and takes his index back.
 */
import { z } from 'zod';
import { RetrievalError } from '../../errors.js';
import { collectionExists } from '../refusals.js';
import type { CallOptions } from '../port.js';
import type { Connection } from './connection.js';
import { held, holderSchema, isDead, newHolder } from '../holder.js';
import type { Holder } from '../holder.js';
import {
  ABANDONED_MS,
  collectionRecordSchema,
  hasPending,
  idOf,
  indexedBy,
  readRecord,
} from './collection-record.js';
import type { CollectionRecord } from './collection-record.js';
import { ofKind, parse, both, text } from './search.js';
import type { Searcher } from './search.js';
import type { Version } from './state.js';
import { versionOf } from './state.js';

export interface CatalogEntry {
  readonly kind: 'collection' | 'creating' | 'deleting';
  /** The record's JSON. */
  readonly record: string;
  readonly version: Version;
}

export interface Entries {
  read(name: string, options?: CallOptions): Promise<CatalogEntry | null>;
  /**
   * Changes an entry; null when another version was there. With `repeated`, an attempt whose answer
   * was lost may have been the one that changed it.
   */
  replace(
    name: string,
    kind: CatalogEntry['kind'],
    record: string,
    version: Version,
    options?: CallOptions,
  ): Promise<{ readonly version: Version | null; readonly repeated: boolean }>;
  /**
   * Takes the name for a collection that is being made.
   * @throws RetrievalError `collection_exists`
   */
  reserve(record: CollectionRecord, options?: CallOptions): Promise<Reservation>;
  /** Removes what an entry names, and the entry; does nothing where it has changed since. */
  end(name: string, entry: CatalogEntry): Promise<void>;
  /**
   * Ends all whose makers are gone. The index has to be refreshed.
   * @param pending ends what was begun with the generations of a collection, and cut off
   */
  sweep(pending: (name: string) => Promise<void>): Promise<void>;
}

export interface Reservation {
  readonly version: Version;
  /** Without it, others may end what was not made to the end. */
  release(): void;
}

const MAX_CONFLICTS = 100;
/** More than a cluster can hold. */
const MOST_ENTRIES = 10_000;

const documentSchema = z.looseObject({
  _source: z.object({ kind: z.enum(['collection', 'creating', 'deleting']), record: z.string() }),
});
const makerSchema = collectionRecordSchema.pick({ createdAt: true }).extend({ maker: holderSchema });
const generationSchema = z.object({ generation: z.object({ id: z.number().int() }) });

export function createEntries(
  connection: Connection,
  searcher: Searcher,
  index: string,
  what: {
    readonly dropIndex: (generation: number) => Promise<void>;
    /** Removes the records that a collection kept. */
    readonly dropRecords: (owner: number) => Promise<void>;
  },
): Entries {
  const path = (name: string): string => `/${index}/_doc/${encodeURIComponent(`collection ${name}`)}`;

  const read: Entries['read'] = async (name, options) => {
    const { status, body } = await connection.send({ method: 'GET', path: path(name) }, options, [404]);
    if (status === 404) return null;
    return { ...parse(documentSchema, body)._source, version: versionOf(body) };
  };

  const replace: Entries['replace'] = async (name, kind, record, version, options) => {
    const { status, body, repeated } = await connection.send(
      {
        method: 'PUT',
        path: path(name),
        query: { ...version, refresh: true },
        body: { kind, name, record, ...(isPending(kind, record) ? { pending: 'generation' } : {}) },
      },
      options,
      [409],
    );
    return { version: status === 409 ? null : versionOf(body), repeated };
  };

  const end: Entries['end'] = async (name, { record, version }) => {
    // Marked first: from here on its maker can no longer finish it.
    const marked = await replace(name, 'deleting', record, version);
    if (marked.version === null) return;
    const whole = readRecord(record);
    for (const generation of indexedBy(whole)) await what.dropIndex(generation);
    await what.dropRecords(idOf(whole));
    await connection.send(
      { method: 'DELETE', path: path(name), query: { ...marked.version, refresh: true } },
      {},
      [404, 409],
    );
  };

  return {
    read,
    replace,
    end,

    async reserve(record, options) {
      const maker = newHolder();
      const { name } = record;
      const json = JSON.stringify({ ...record, maker });
      const release = (): void => {
        held.delete(maker.id);
      };
      held.add(maker.id);
      try {
        for (let attempt = 1; attempt <= MAX_CONFLICTS; attempt += 1) {
          const { status, body } = await connection.send(
            {
              method: 'PUT',
              path: path(name),
              query: { op_type: 'create' },
              body: { kind: 'creating', name, record: json },
            },
            options,
            [409],
          );
          if (status !== 409) return { version: versionOf(body), release };
          const there = await read(name, options);
          if (there === null) continue;
          // An attempt whose answer was lost had come through.
          if (there.record === json) return { version: there.version, release };
          if (!isAbandoned(there, Date.now())) throw collectionExists(name);
          await end(name, there);
        }
      } catch (error) {
        release();
        throw error;
      }
      release();
      throw contended(name);
    },

    async sweep(pending) {
      const unfinished = [ofKind('creating', 'deleting'), { exists: { field: 'pending' } }];
      const { hits } = await searcher.search(index, {
        query: both({ bool: { should: unfinished, minimum_should_match: 1 } }),
        _source: false,
        docvalue_fields: ['name'],
        size: MOST_ENTRIES,
      });
      for (const hit of hits) {
        const name = text(hit, 'name');
        const entry = await read(name);
        if (entry === null) continue;
        if (entry.kind === 'collection') await pending(name);
        else if (isAbandoned(entry, Date.now())) await end(name, entry);
      }
    },
  };
}

/** Whether an entry is to be ended by whoever finds it. A deletion always is: nothing else can come of it. */
export function isAbandoned({ kind, record }: Pick<CatalogEntry, 'kind' | 'record'>, now: number): boolean {
  switch (kind) {
    case 'collection':
      return false;
    case 'deleting':
      return true;
    case 'creating': {
      const { maker, createdAt }: { readonly maker: Holder; readonly createdAt: string } = parse(
        makerSchema,
        JSON.parse(record),
      );
      return isDead(maker) || now - Date.parse(createdAt) > ABANDONED_MS;
    }
    default:
      return kind satisfies never;
  }
}

export function generationOf(record: string): number {
  return parse(generationSchema, JSON.parse(record)).generation.id;
}

/** Whether a collection has a generation that somebody has to end: found by it when a store is opened. */
function isPending(kind: CatalogEntry['kind'], record: string): boolean {
  return kind === 'collection' && hasPending(readRecord(record));
}

export function contended(name: string): RetrievalError {
  return new RetrievalError('overloaded', `Collection "${name}" is changed by many at once`);
}
