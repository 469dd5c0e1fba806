/** A collection's own records: documents of the catalog that name the collection they belong to. */
import { z } from 'zod';
import type { RecordStore, StoredRecord } from '../generations-port.js';
import { metadataSchema } from '../record-schemas.js';
import { noCollection } from '../refusals.js';
import type { CallOptions } from '../port.js';
import type { Catalog } from './catalog.js';
import { idOf } from './collection-record.js';
import type { Connection } from './connection.js';
import { both, integer, ofKind, parse, stored, text } from './search.js';
import type { Hit, Query, Searcher } from './search.js';

const PAGE = 1000;
const MAX_CONFLICTS = 100;
const COUNT = "ctx._source.kind = 'counter'; ctx._source.number = ctx._now";

const countedSchema = z.object({
  _version: z.number().int().positive(),
  get: z.object({ _source: z.object({ number: z.number().int() }) }),
});
const recordSchema = z.object({ at: z.string(), value: metadataSchema });

export function createRecords(
  connection: Connection,
  searcher: Searcher,
  catalog: Pick<Catalog, 'index' | 'whole'>,
): RecordStore {
  const ownerOf = async (name: string, options?: CallOptions): Promise<number> =>
    idOf((await catalog.whole(name, options)).record);

  return {
    async append(collection, kind, value, options) {
      const owner = await ownerOf(collection, options);
      const { id, at } = await nextRecord(connection, catalog.index, options);
      await connection.send(
        {
          method: 'PUT',
          path: pathOf(catalog.index, id),
          // Its number is nobody else's: the same again is the same record.
          query: { refresh: true },
          body: { kind: 'record', owner, number: id, topic: kind, record: JSON.stringify({ at, value }) },
        },
        options,
      );
      // The collection may have gone meanwhile, and another one may have its name.
      const now = await ownerOf(collection).catch(() => null);
      if (now !== owner) {
        await removeAll(connection, catalog.index, [id]);
        throw noCollection(collection);
      }
      return { id, kind, at, value };
    },

    async list(collection, { kinds, limit, before }, options) {
      const owner = await ownerOf(collection, options);
      const found: StoredRecord[] = [];
      let last = before;
      while (found.length < limit) {
        const size = Math.min(PAGE, limit - found.length);
        const { hits } = await searcher.search(
          catalog.index,
          {
            query: both(
              ofRecords(owner),
              { terms: { topic: kinds } },
              ...(last === undefined ? [] : [{ range: { number: { lt: last } } }]),
            ),
            sort: [{ number: 'desc' }],
            _source: ['record'],
            docvalue_fields: ['number', 'topic'],
            size,
          },
          options,
        );
        found.push(...hits.map(toRecord));
        last = found.at(-1)?.id;
        if (hits.length < size) break;
      }
      return found;
    },

    async remove(collection, ids, options) {
      const owner = await ownerOf(collection, options);
      const numbers = await numbersOf(
        searcher,
        catalog.index,
        both(ofRecords(owner), { terms: { number: [...new Set(ids)] } }),
        ids.length,
        options,
      );
      return removeAll(connection, catalog.index, numbers);
    },
  };
}

/** A record's number, and the cluster's time: clocks of those who write may differ. */
async function nextRecord(
  connection: Connection,
  index: string,
  options?: CallOptions,
): Promise<Pick<StoredRecord, 'id' | 'at'>> {
  const { body } = await connection.send(
    {
      method: 'POST',
      path: `/${index}/_update/record-counter`,
      query: { retry_on_conflict: MAX_CONFLICTS, _source: 'number' },
      body: { script: { source: COUNT }, upsert: {}, scripted_upsert: true },
    },
    options,
  );
  const { _version, get } = parse(countedSchema, body);
  return { id: _version, at: new Date(get._source.number).toISOString() };
}

/** All that a collection kept, when it goes. */
export async function removeRecords(
  connection: Connection,
  searcher: Searcher,
  index: string,
  owner: number,
): Promise<void> {
  for (;;) {
    const numbers = await numbersOf(searcher, index, ofRecords(owner), PAGE);
    await removeAll(connection, index, numbers);
    if (numbers.length < PAGE) return;
  }
}

async function numbersOf(
  searcher: Searcher,
  index: string,
  query: Query,
  size: number,
  options?: CallOptions,
): Promise<readonly number[]> {
  const body = { query, _source: false, docvalue_fields: ['number'], size };
  const { hits } = await searcher.search(index, body, options);
  return hits.map((hit) => integer(hit, 'number'));
}

/** Answers how many there were. */
async function removeAll(connection: Connection, index: string, numbers: readonly number[]): Promise<number> {
  let count = 0;
  for (const number of numbers) {
    const { status, repeated } = await connection.send(
      { method: 'DELETE', path: pathOf(index, number), query: { refresh: true } },
      {},
      [404],
    );
    // One whose deletion was not answered at first was there.
    if (status !== 404 || repeated) count += 1;
  }
  return count;
}

function pathOf(index: string, id: number): string {
  return `/${index}/_doc/record-${String(id)}`;
}

function ofRecords(owner: number): Query {
  return both(ofKind('record'), { term: { owner } });
}

function toRecord(hit: Hit): StoredRecord {
  const { at, value } = parse(recordSchema, JSON.parse(stored(hit, 'record')));
  return { id: integer(hit, 'number'), kind: text(hit, 'topic'), at, value };
}
