/** From ranked groups to the hits of an answer. */
import { RetrievalError } from '../errors.js';
import type { CallOptions, ChunkRecord, GenerationRef, VectorStore } from '../stores/port.js';
import { VANISHED } from './candidates.js';
import type { Hit, QueryRequest } from './schema.js';
import type { HitGroup, ScoredCandidate } from './score.js';

type Passage = NonNullable<Hit['before']>[number];

interface Neighbours {
  readonly before: readonly Passage[];
  readonly after: readonly Passage[];
}

/**
 * Reads the page's chunks and makes its hits.
 * @param known chunks that were read already
 * @returns `VANISHED` when a chunk was replaced since it was ranked
 */
export async function buildHits(
  store: Pick<VectorStore, 'getChunks' | 'documentChunks'>,
  ref: GenerationRef,
  page: readonly HitGroup[],
  known: ReadonlyMap<string, ChunkRecord>,
  request: Pick<QueryRequest, 'neighbours' | 'explain'>,
  options: CallOptions,
): Promise<Hit[] | typeof VANISHED> {
  const wanted = page
    .flatMap((group) => [group.best, ...group.more])
    .map((candidate) => candidate.chunkId)
    .filter((id) => !known.has(id));
  const read =
    wanted.length === 0 ? known : new Map([...known, ...(await store.getChunks(ref, wanted, options))]);
  if (wanted.some((id) => !read.has(id))) return VANISHED;

  const neighbours =
    request.neighbours === 0
      ? []
      : await Promise.all(
          page.map((group) =>
            readNeighbours(store, ref, record(read, group.best), request.neighbours, options),
          ),
        );
  const hits: Hit[] = [];
  for (const [index, group] of page.entries()) {
    const around = neighbours[index] ?? null;
    if (around === VANISHED) return VANISHED;
    hits.push(toHit(group, read, around, request.explain));
  }
  return hits;
}

function toHit(
  group: HitGroup,
  read: ReadonlyMap<string, ChunkRecord>,
  around: Neighbours | null,
  explain: boolean,
): Hit {
  const chunk = record(read, group.best);
  return {
    ...passage(chunk),
    document_id: chunk.documentId,
    score: group.best.score,
    title: chunk.title,
    source: chunk.source,
    tokens: chunk.tokens,
    metadata: { ...chunk.metadata },
    ...(explain ? { explain: group.best.explain } : {}),
    ...(around === null ? {} : { before: [...around.before], after: [...around.after] }),
    ...(group.more.length === 0
      ? {}
      : { more: group.more.map((other) => ({ ...passage(record(read, other)), score: other.score })) }),
  };
}

function passage(chunk: ChunkRecord): Passage {
  return {
    chunk_id: chunk.id,
    ordinal: chunk.ordinal,
    heading_path: [...chunk.headingPath],
    text: chunk.text,
    start: chunk.start,
    end: chunk.end,
  };
}

async function readNeighbours(
  store: Pick<VectorStore, 'documentChunks'>,
  ref: GenerationRef,
  chunk: ChunkRecord,
  count: number,
  options: CallOptions,
): Promise<Neighbours | typeof VANISHED> {
  const chunks = await store.documentChunks(ref, chunk.documentId, {
    ...options,
    from: Math.max(0, chunk.ordinal - count),
    to: chunk.ordinal + count,
  });
  // The document may have been replaced: its neighbours would then be another text's.
  if (!chunks.some((other) => other.id === chunk.id && other.ordinal === chunk.ordinal)) return VANISHED;
  return {
    before: chunks.filter((other) => other.ordinal < chunk.ordinal).map(passage),
    after: chunks.filter((other) => other.ordinal > chunk.ordinal).map(passage),
  };
}

function record(read: ReadonlyMap<string, ChunkRecord>, candidate: ScoredCandidate): ChunkRecord {
  const found = read.get(candidate.chunkId);
  if (found === undefined) throw new RetrievalError('internal', 'A ranked chunk was not read');
  return found;
}
