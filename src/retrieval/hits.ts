/** From ranked groups to the hits of an answer. */
import { RetrievalError } from '../errors.js';
import type { CallOptions, ChunkRecord, GenerationRef, VectorStore } from '../stores/port.js';
import { VANISHED, readChunks } from './candidates.js';
import { readParent } from './parents.js';
import type { Families, ParentPassage } from './parents.js';
import type { Hit, QueryRequest } from './schema.js';
import type { HitGroup, ScoredCandidate } from './score.js';

type Passage = NonNullable<Hit['before']>[number];

/** What a hit or one of its `more` shows of a candidate. */
type Shown = Passage & Pick<Hit, 'matched'>;

/** Of a generation whose chunks are children: hits show their parents. */
export interface Hierarchy {
  readonly families: Families;
  /** Chunks looked at on either side of a child. */
  readonly reach: number;
}

const NO_PARENTS: ReadonlyMap<string, ParentPassage> = new Map();

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
  hierarchy: Hierarchy | null = null,
): Promise<Hit[] | typeof VANISHED> {
  const wanted = page
    .flatMap((group) => [group.best, ...group.more])
    .flatMap((candidate) => hierarchy?.families.get(candidate.chunkId) ?? [candidate])
    .map((candidate) => candidate.chunkId);
  const read = await readChunks(store, ref, wanted, known, options);
  if (read === VANISHED) return VANISHED;

  const parents =
    hierarchy === null ? NO_PARENTS : await readParents(store, ref, page, read, hierarchy, options);
  if (parents === VANISHED) return VANISHED;
  const neighbours =
    request.neighbours === 0
      ? []
      : await Promise.all(
          page.map(({ best }) => {
            const chunk = record(read, best);
            const { first, last } = parents.get(best.chunkId) ?? {
              first: chunk.ordinal,
              last: chunk.ordinal,
            };
            return readNeighbours(store, ref, chunk, first, last, request.neighbours, options);
          }),
        );
  const shown = (candidate: ScoredCandidate): Shown => {
    const chunk = record(read, candidate);
    const parent = parents.get(candidate.chunkId);
    if (parent === undefined || hierarchy === null) return passage(chunk);
    const { headingPath, text, start, end } = parent;
    const family = hierarchy.families.get(candidate.chunkId) ?? [candidate];
    return {
      ...passage(chunk),
      heading_path: [...headingPath],
      text,
      start,
      end,
      matched: family.map((child) => matched(record(read, child), child.score)),
    };
  };
  const hits: Hit[] = [];
  for (const [index, group] of page.entries()) {
    const around = neighbours[index] ?? null;
    if (around === VANISHED) return VANISHED;
    const tokens = parents.get(group.best.chunkId)?.tokens;
    const hit = toHit(group, read, around, request.explain, shown);
    hits.push(tokens === undefined ? hit : { ...hit, tokens });
  }
  return hits;
}

function toHit(
  group: HitGroup,
  read: ReadonlyMap<string, ChunkRecord>,
  around: Neighbours | null,
  explain: boolean,
  shown: (candidate: ScoredCandidate) => Shown,
): Hit {
  const chunk = record(read, group.best);
  return {
    ...shown(group.best),
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
      : { more: group.more.map((other) => ({ ...shown(other), score: other.score })) }),
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

function matched(child: ChunkRecord, score: number): NonNullable<Hit['matched']>[number] {
  return { chunk_id: child.id, ordinal: child.ordinal, start: child.start, end: child.end, score };
}

/** The parent of each candidate that the page shows. */
async function readParents(
  store: Pick<VectorStore, 'documentChunks'>,
  ref: GenerationRef,
  page: readonly HitGroup[],
  read: ReadonlyMap<string, ChunkRecord>,
  { reach }: Hierarchy,
  options: CallOptions,
): Promise<ReadonlyMap<string, ParentPassage> | typeof VANISHED> {
  const parents = new Map<string, ParentPassage>();
  const found = await Promise.all(
    page
      .flatMap((group) => [group.best, ...group.more])
      .map(async (candidate) => {
        const parent = await readParent(store, ref, record(read, candidate), reach, options);
        return [candidate.chunkId, parent] as const;
      }),
  );
  for (const [id, parent] of found) {
    if (parent === VANISHED) return VANISHED;
    parents.set(id, parent);
  }
  return parents;
}

async function readNeighbours(
  store: Pick<VectorStore, 'documentChunks'>,
  ref: GenerationRef,
  chunk: ChunkRecord,
  first: number,
  last: number,
  count: number,
  options: CallOptions,
): Promise<Neighbours | typeof VANISHED> {
  const chunks = await store.documentChunks(ref, chunk.documentId, {
    ...options,
    from: Math.max(0, first - count),
    to: last + count,
  });
  // The document may have been replaced: its neighbours would then be another text's.
  if (!chunks.some((other) => other.id === chunk.id && other.ordinal === chunk.ordinal)) return VANISHED;
  return {
    before: chunks.filter((other) => other.ordinal < first).map(passage),
    after: chunks.filter((other) => other.ordinal > last).map(passage),
  };
}

function record(read: ReadonlyMap<string, ChunkRecord>, candidate: ScoredCandidate): ChunkRecord {
  const found = read.get(candidate.chunkId);
  if (found === undefined) throw new RetrievalError('internal', 'A ranked chunk was not read');
  return found;
}
