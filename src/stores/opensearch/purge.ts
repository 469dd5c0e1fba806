/** Removes the heads of documents that were deleted; a turn may need them, and no turn is on. */
import type { CallOptions } from '../port.js';
import { bulk, bulkItem } from './bulk.js';
import type { Catalog, Located } from './catalog.js';
import type { Connection } from './connection.js';
import { headId } from './records.js';
import { both, ofKind, text } from './search.js';
import type { Searcher } from './search.js';
import { EVERYTHING, versionOf } from './state.js';
import type { Writer } from './transaction.js';

export async function purge(
  connection: Connection,
  searcher: Searcher,
  writer: Writer,
  catalog: Pick<Catalog, 'changes'>,
  { index, collection }: Located,
  options: CallOptions | undefined,
): Promise<void> {
  await writer.run(
    index,
    [],
    async () => {
      const { hits } = await searcher.search(
        index,
        {
          query: both(ofKind('gone')),
          _source: false,
          docvalue_fields: ['document_id'],
          seq_no_primary_term: true,
          size: EVERYTHING,
        },
        options,
      );
      const items = hits.map((hit) =>
        bulkItem('delete', { _id: headId(text(hit, 'document_id')), ...versionOf(hit) }),
      );
      await bulk(connection, index, items, options);
    },
    { ...options, fence: () => catalog.changes.fence(collection.name) },
  );
}
