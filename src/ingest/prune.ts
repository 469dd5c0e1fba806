/** Removing what a source no longer has. */
import { RetrievalError } from '../errors.js';
import type { CallOptions, VectorStore } from '../stores/port.js';
import type { DeleteCeiling } from './types.js';

const PAGE = 1000;

export interface PruneOptions {
  readonly ceiling?: DeleteCeiling;
  /** Of vanished documents, those that the source has by now; asked in pages, just before they go. */
  readonly stillThere: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
}

type PruneStore = Pick<VectorStore, 'listDocuments' | 'deleteDocuments'>;

/**
 * Deletes every document of the collection whose id is not in `keep`; answers how many went.
 * @throws RetrievalError `prune_refused` when that would be more than the ceiling; nothing is removed then.
 */
export async function prune(
  store: PruneStore,
  collection: string,
  keep: ReadonlySet<string>,
  call: CallOptions,
  { ceiling, stillThere }: PruneOptions,
): Promise<number> {
  const vanished: string[] = [];
  let total = 0;
  for await (const ids of pages(store, collection, call)) {
    total += ids.length;
    for (const id of ids) if (!keep.has(id)) vanished.push(id);
  }
  if (ceiling !== undefined && vanished.length > mostOf(ceiling, total)) {
    throw refused(vanished.length, total, ceiling);
  }
  let removed = 0;
  for (let start = 0; start < vanished.length; start += PAGE) {
    const ids = vanished.slice(start, start + PAGE);
    const kept = await stillThere(ids);
    const gone = ids.filter((id) => !kept.has(id));
    if (gone.length > 0) removed += await store.deleteDocuments(collection, gone, call);
  }
  return removed;
}

async function* pages(
  store: PruneStore,
  collection: string,
  call: CallOptions,
): AsyncGenerator<readonly string[]> {
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<VectorStore['listDocuments']>> = await store.listDocuments(
      collection,
      { filter: { kind: 'all' }, limit: PAGE, ...(after === null ? {} : { after }) },
      call,
    );
    yield page.items.map((item) => item.id);
    after = page.next;
  } while (after !== null);
}

function mostOf(ceiling: DeleteCeiling, total: number): number {
  switch (ceiling.kind) {
    case 'documents':
      return ceiling.documents;
    case 'share':
      // A share of 10 % is 0.1, of which floating point makes 30.000…4 of 300.
      return Math.floor(ceiling.share * total + 1e-9);
    default:
      return ceiling satisfies never;
  }
}

function refused(vanished: number, total: number, ceiling: DeleteCeiling): RetrievalError {
  const allowed =
    ceiling.kind === 'share'
      ? `${String(Number((ceiling.share * 100).toFixed(6)))}%`
      : String(ceiling.documents);
  return new RetrievalError(
    'prune_refused',
    `Pruning would remove ${String(vanished)} of ${String(total)} documents, more than the ${allowed} that --max-delete allows. ` +
      'Nothing was removed; all that was read is written. If the source is complete, raise --max-delete or pass --force',
    { field: 'max_delete', details: { vanished, documents: total, allowed: mostOf(ceiling, total) } },
  );
}
