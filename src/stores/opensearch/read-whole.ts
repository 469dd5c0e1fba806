/** Reading documents as they were written, for writing them again elsewhere. */
import type { CallOptions, DocumentWrite } from '../port.js';
import type { Located } from './catalog.js';
import { readBody, readHead } from './records.js';
import { both, ofKind, text } from './search.js';
import type { Searcher } from './search.js';
import { slices } from './state.js';

/** Their texts come with them: a few at a time. */
const FEW = 100;

/** Whole documents by id, without their chunks. */
export async function readDocuments(
  searcher: Searcher,
  { index }: Located,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<ReadonlyMap<string, DocumentWrite & { readonly ingestedAt: string }>> {
  const documents = new Map<string, DocumentWrite & { readonly ingestedAt: string }>();
  for (const some of slices(ids, FEW)) {
    const { hits } = await searcher.search(
      index,
      {
        query: both(ofKind('document', 'body'), { terms: { document_id: some } }),
        _source: ['meta', 'body'],
        docvalue_fields: ['kind', 'document_id'],
        size: 2 * some.length,
      },
      options,
    );
    const bodies = new Map(
      hits.filter((hit) => text(hit, 'kind') === 'body').map((hit) => [text(hit, 'document_id'), hit]),
    );
    for (const head of hits.filter((hit) => text(hit, 'kind') === 'document')) {
      const id = text(head, 'document_id');
      const body = bodies.get(id);
      if (body === undefined) continue;
      const { summary, values } = readHead(head);
      const { title, source, metadata, contentHash, ingestedAt } = summary;
      const document = { id, title, source, ...readBody(body), metadata };
      documents.set(id, { document, values, contentHash, ingestedAt, chunks: [] });
    }
  }
  return documents;
}
