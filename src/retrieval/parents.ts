/** Hits of a hierarchical generation: the parent passage of the children that matched. */
import { parentKey } from '../chunking/parent-key.js';
import type { ChunkerSettings } from '../model.js';
import type { CallOptions, ChunkRecord, GenerationRef, VectorStore } from '../stores/port.js';
import { VANISHED } from './candidates.js';
import type { ScoredCandidate } from './score.js';

/** A passage as a hit shows it. */
export interface ParentPassage {
  readonly headingPath: readonly string[];
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The sum over its children, whose heading paths count each time. */
  readonly tokens: number;
  /** Ordinals of its first and last child. */
  readonly first: number;
  readonly last: number;
}

/** A parent's best child → all its children among the candidates, best first. */
export type Families = ReadonlyMap<string, readonly ScoredCandidate[]>;

/** Sorted candidates → their parents' best children in the same order, and the families. */
export function groupByParent(sorted: readonly ScoredCandidate[]): {
  readonly best: readonly ScoredCandidate[];
  readonly families: Families;
} {
  const byParent = new Map<string, [ScoredCandidate, ...ScoredCandidate[]]>();
  for (const candidate of sorted) {
    const key = JSON.stringify([candidate.documentId, parentKey(candidate.chunkId)]);
    const family = byParent.get(key);
    if (family === undefined) byParent.set(key, [candidate]);
    else family.push(candidate);
  }
  const families = [...byParent.values()];
  return {
    best: families.map(([best]) => best),
    families: new Map(families.map((family) => [family[0].chunkId, family])),
  };
}

/** Chunks to look at on either side of a child: enough for a parent of the usual make. */
export function reachOf(chunker: ChunkerSettings): number {
  return chunker.kind === 'hierarchical' ? Math.ceil(chunker.parentTokens / chunker.childTokens) + 2 : 0;
}

/**
 * Reads the chunk's siblings and puts its parent together.
 * @param reach chunks looked at on either side at first; more when the parent goes on beyond them
 * @returns `VANISHED` when the document was replaced since the chunk was read
 */
export async function readParent(
  store: Pick<VectorStore, 'documentChunks'>,
  ref: GenerationRef,
  chunk: ChunkRecord,
  reach: number,
  options: CallOptions,
): Promise<ParentPassage | typeof VANISHED> {
  const key = parentKey(chunk.id);
  for (let around = Math.max(1, reach); ; around *= 2) {
    const from = Math.max(0, chunk.ordinal - around);
    const to = chunk.ordinal + around;
    const chunks = await store.documentChunks(ref, chunk.documentId, { ...options, from, to });
    if (!chunks.some(({ id, ordinal }) => id === chunk.id && ordinal === chunk.ordinal)) return VANISHED;
    const children = chunks.filter(({ id }) => parentKey(id) === key);
    const [first] = children;
    const last = children.at(-1);
    if (first === undefined || last === undefined) return VANISHED;
    const mayGoOn = (first.ordinal === from && from > 0) || last.ordinal === to;
    if (mayGoOn) continue;
    return {
      headingPath: sharedPath(children),
      text: children.map(({ text }) => text).join(''),
      start: first.start,
      end: last.end,
      tokens: children.reduce((sum, { tokens }) => sum + tokens, 0),
      first: first.ordinal,
      last: last.ordinal,
    };
  }
}

/** What all the children's paths begin with. */
function sharedPath(children: readonly ChunkRecord[]): readonly string[] {
  const [first, ...others] = children.map(({ headingPath }) => headingPath);
  return others.reduce((path, other) => {
    const differs = path.findIndex((name, at) => name !== other[at]);
    return differs < 0 ? path : path.slice(0, differs);
  }, first ?? []);
}
