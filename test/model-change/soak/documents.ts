/** Documents every word of which says whose it is and of which version, and how each chunker cuts them. */
import type { Embedder } from '../../../src/embedders/port.js';
import { chunkRawDocument } from '../../../src/ingest/prepare.js';
import type { ChunkerSettings, RawDocument } from '../../../src/model.js';

const WORDS = ['engine', 'valve', 'rotor', 'pump', 'gasket', 'nozzle', 'flange', 'cable'];
/** Remembered cuts, of the documents that are asked for now. */
const MOST_KEPT = 4000;

export function documentOf(id: string, version: number): RawDocument {
  // Of two to nine chunks, and another number of them from version to version.
  const length = 12 + ((Number(id.slice(1)) * 7 + version * 5) % 29);
  const words = Array.from(
    { length },
    (_, at) => `${id}v${String(version)}-${WORDS[(at * 3 + version) % WORDS.length] ?? ''}`,
  );
  return { id, format: 'text', content: words.join(' '), metadata: { key: id, version } };
}

/** The version that a passage says it is of. */
export function versionIn(id: string, text: string): number {
  const versions = new Set(
    text.split(/\s+/u).map((word) => new RegExp(`^${id}v(\\d+)-[a-z]+$`, 'u').exec(word)?.[1]),
  );
  const [version] = versions;
  if (versions.size !== 1 || version === undefined) {
    throw new Error(`A passage of ${id} is of versions ${[...versions].join(', ')}`);
  }
  return Number(version);
}

/** A passage with its place: the same in no two chunkers' cuts of the document, but for the shortest. */
export function placeOf(passage: {
  readonly ordinal: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}): string {
  return [passage.ordinal, passage.start, passage.end, passage.text].join(':');
}

export type Cutter = (id: string, version: number, chunker: ChunkerSettings) => Promise<ReadonlySet<string>>;

/** How a document is cut, by the pipeline's own code. */
export function createCutter(embedder: Embedder): Cutter {
  const kept = new Map<string, ReadonlySet<string>>();
  return async (id, version, chunker) => {
    const key = `${id} ${String(version)} ${JSON.stringify(chunker)}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const { chunks } = await chunkRawDocument(documentOf(id, version), chunker, embedder);
    const places = new Set(chunks.map(placeOf));
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(key, places);
    return places;
  };
}
