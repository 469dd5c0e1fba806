/** What one generation has of the collection's documents, compared with what the active one has. */
import { z } from 'zod';
import { compareCodePoints } from '../../metadata/compare-code-points.js';
import type { CallOptions } from '../port.js';
import { ofKind, both, parse } from './search.js';
import type { Searcher } from './search.js';

/** A document in a generation. */
export interface Held {
  readonly id: string;
  readonly contentHash: string;
  readonly chunks: number;
}

export interface Compared {
  readonly id: string;
  /** As the active generation has it, which is how the document is. */
  readonly active: Held | null;
  readonly other: Held | null;
}

export interface CompareOptions extends CallOptions {
  /** Only documents of greater ids. */
  readonly after?: string;
  /** How much is asked for at first; then more and more. */
  readonly page?: number;
}

/** Below the server's limit of buckets by far. */
const PAGE = 10_000;

/** A document has chunks in the active generation, and not those of the same text in the other one. */
export function isMissing(compared: Compared): compared is Compared & { readonly active: Held } {
  const { active, other } = compared;
  if (active === null || active.chunks === 0) return false;
  return other === null || other.chunks === 0 || other.contentHash !== active.contentHash;
}

/** The documents of two generations' indexes, by id. */
export async function* compare(
  searcher: Searcher,
  active: string,
  other: string,
  options: CompareOptions = {},
): AsyncGenerator<Compared> {
  const left = documentsIn(searcher, active, options);
  const right = documentsIn(searcher, other, options);
  let here = await next(left);
  let there = await next(right);
  while (here !== null || there !== null) {
    const order = here === null ? 1 : there === null ? -1 : compareCodePoints(here.id, there.id);
    const [a, b] = [order <= 0 ? here : null, order >= 0 ? there : null];
    yield { id: a?.id ?? b?.id ?? '', active: a, other: b };
    if (a !== null) here = await next(left);
    if (b !== null) there = await next(right);
  }
}

async function next(documents: AsyncGenerator<Held>): Promise<Held | null> {
  const result = await documents.next();
  return result.done === true ? null : result.value;
}

const bucketsSchema = z.object({
  documents: z.object({
    after_key: z.record(z.string(), z.unknown()).optional(),
    buckets: z.array(
      z.object({
        key: z.object({ id: z.string(), hash: z.string().nullable() }),
        doc_count: z.number().int(),
      }),
    ),
  }),
});

/**
 * All documents in an index, by id. Heads have a hash, chunks have none: grouped by both, one search
 * tells of a document what it is and how many chunks it has.
 */
async function* documentsIn(
  searcher: Searcher,
  index: string,
  { after, page = PAGE, ...options }: CompareOptions = {},
): AsyncGenerator<Held> {
  let size = page;
  let current: Grouped | null = null;
  let afterKey: Readonly<Record<string, unknown>> | undefined;
  let from: Readonly<Record<string, string>> = after === undefined ? {} : { gt: after };
  for (;;) {
    const { aggregations } = await searcher.search(
      index,
      {
        size: 0,
        query: both(ofKind('document', 'chunk'), { range: { document_id: from } }),
        aggs: {
          documents: {
            composite: {
              size,
              sources: [
                { id: { terms: { field: 'document_id' } } },
                { hash: { terms: { field: 'content_hash', missing_bucket: true } } },
              ],
              ...(afterKey === undefined ? {} : { after: afterKey }),
            },
          },
        },
      },
      options,
    );
    const { buckets, after_key } = parse(bucketsSchema, aggregations).documents;
    for (const { key, doc_count } of buckets) {
      if (current !== null && current.id !== key.id) {
        yield* toHeld(current);
        current = null;
      }
      current ??= { id: key.id, contentHash: null, chunks: 0 };
      if (key.hash === null) current.chunks += doc_count;
      else current.contentHash = key.hash;
    }
    if (buckets.length < size || after_key === undefined) break;
    size = Math.min(PAGE, 4 * size);
    afterKey = after_key;
    from = { gte: current?.id ?? '' };
  }
  if (current !== null) yield* toHeld(current);
}

interface Grouped {
  readonly id: string;
  contentHash: string | null;
  chunks: number;
}

function toHeld({ id, contentHash, chunks }: Grouped): readonly Held[] {
  return contentHash === null ? [] : [{ id, contentHash, chunks }];
}
