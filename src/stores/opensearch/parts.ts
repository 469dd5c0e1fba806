/** A document's parts, indexed and deleted by id. */
import { bulk, bulkItem } from './bulk.js';
import type { BulkItem } from './bulk.js';
import type { Connection } from './connection.js';
import { partId } from './records.js';
import type { Entry } from './records.js';

/** The same part again, when an answer was lost, is the same part. */
export function partItem(token: number, place: number, part: Entry): BulkItem {
  return bulkItem('index', { _id: partId(token, place), ...external(token) }, part);
}

/**
 * Deletes parts by id. The version keeps a request of an earlier turn, which may still be on its
 * way, from bringing them back.
 * @param options `also`: Lucene counts something that is deleted even if there is no part to delete
 */
export async function removeParts(
  connection: Connection,
  index: string,
  token: number,
  ids: readonly string[],
  options: { readonly also: boolean; readonly keep: () => Promise<void> },
): Promise<void> {
  const items = ids.map((id) => bulkItem('delete', { _id: id, ...external(token) }));
  // From now on Lucene's statistics count chunks that are gone (see keyword-leg.ts).
  const mark = bulkItem('index', { _id: 'mark' }, { kind: 'mark', removed: 1 });
  if (items.length > 0 || options.also) await bulk(connection, index, [mark, ...items], {}, options.keep);
}

function external(token: number): { readonly version: number; readonly version_type: string } {
  return { version: token, version_type: 'external_gte' };
}
