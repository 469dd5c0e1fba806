/** Removing what a source no longer has. */
import type { CallOptions, VectorStore } from '../stores/port.js';

const PAGE = 1000;

/** Deletes every document of the collection whose id is not in `keep`; answers how many went. */
export async function prune(
  store: Pick<VectorStore, 'listDocuments' | 'deleteDocuments'>,
  collection: string,
  keep: ReadonlySet<string>,
  options: CallOptions,
): Promise<number> {
  let removed = 0;
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<VectorStore['listDocuments']>> = await store.listDocuments(
      collection,
      { filter: { kind: 'all' }, limit: PAGE, ...(after === null ? {} : { after }) },
      options,
    );
    const vanished = page.items.map((item) => item.id).filter((id) => !keep.has(id));
    if (vanished.length > 0) removed += await store.deleteDocuments(collection, vanished, options);
    after = page.next;
  } while (after !== null);
  return removed;
}
