/**
 * Fills a generation from the documents that the collection holds. What is missing is asked of the
 * store each time, so a build that was stopped goes on, and one that finished has little to do.
 */
import { chunkWith } from '../chunking/chunkers.js';
import type { Embedder } from '../embedders/port.js';
import { RetrievalError, throwIfCancelled } from '../errors.js';
import { embedChunks } from '../ingest/embed-chunks.js';
import { createDocumentWriter } from '../ingest/writer.js';
import type { DocumentWriter } from '../ingest/writer.js';
import type { Collection, Generation } from '../model.js';
import { assertSamePin, canonicalPin } from '../pin.js';
import type { GenerationStore } from '../stores/generations-port.js';
import type { CallOptions, DocumentWrite, GenerationRef, VectorStore } from '../stores/port.js';
import type { BuildProgress, BuildSummary } from './types.js';

export interface BuildPorts {
  readonly store: VectorStore;
  readonly generations: GenerationStore;
  openEmbedder(name: string): Promise<Embedder>;
}

/** Documents looked up together. */
const PAGE = 64;
/** Rounds in which documents were left out because they changed under the build, in a row. */
const MAX_ROUNDS = 20;

interface Build {
  readonly ports: BuildPorts;
  readonly ref: GenerationRef;
  readonly generation: Generation;
  readonly embedder: Embedder;
  /** Where vectors can be taken over from: a generation of the same model. */
  readonly donor: GenerationRef | null;
  readonly writer: DocumentWriter;
  readonly options: CallOptions;
  embedded: number;
  reused: number;
}

/**
 * @throws RetrievalError `model_mismatch` when the embedder is no longer the one the generation is
 *   pinned to, `generation_conflict` when documents change faster than they are built, `cancelled`,
 *   and what the embedder or the store rejects with; what was built until then is kept.
 */
export async function buildGeneration(
  ports: BuildPorts,
  collection: Collection,
  generation: Generation,
  options: CallOptions & {
    /** Counts at the start, for progress. */
    readonly counts: { readonly documents: number; readonly missing: number };
    readonly onProgress?: ((progress: BuildProgress) => void) | undefined;
  },
): Promise<BuildSummary> {
  const began = performance.now();
  const { signal, counts, onProgress } = options;
  const call: CallOptions = signal === undefined ? {} : { signal };
  const ref: GenerationRef = { collection: collection.name, generation: generation.id };
  const embedder = await ports.openEmbedder(generation.embedder);
  assertSamePin(collection.name, generation.pin, embedder.pin);

  let documents = 0;
  let chunks = 0;
  const writer = createDocumentWriter({
    write: async (batch) => {
      const writes = batch.map(({ document, contentHash, chunks: own }) => ({
        documentId: document.id,
        contentHash,
        chunks: own,
      }));
      const written = new Set(await ports.generations.putChunks(ref, embedder.pin, writes, call));
      documents += written.size;
      for (const write of writes) chunks += written.has(write.documentId) ? write.chunks.length : 0;
    },
    onWritten: () => {
      onProgress?.({
        totalDocuments: counts.documents + counts.missing,
        documents: counts.documents + documents,
        chunks,
        embedded: build.embedded,
        elapsedMs: performance.now() - began,
      });
    },
    onRefused: (_id, error) => {
      throw error;
    },
  });
  const { generation: active } = collection;
  const sameModel = active.id !== generation.id && canonicalPin(active.pin) === canonicalPin(generation.pin);
  const build: Build = {
    ports,
    ref,
    generation,
    embedder,
    donor: sameModel ? { ...ref, generation: active.id } : null,
    writer,
    options: call,
    embedded: 0,
    reused: 0,
  };
  await buildUntilComplete(build);
  await ports.store.finishLoad(ref, call);
  return {
    generation: generation.id,
    documents,
    chunks,
    embedded: build.embedded,
    reused: build.reused,
    elapsedMs: performance.now() - began,
  };
}

/** Documents that change meanwhile are missing again afterwards: so until a round finds none. */
async function buildUntilComplete(build: Build): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    let found = 0;
    try {
      for await (const id of missingIds(build)) {
        found += 1;
        // Chunking is synchronous: let timers and sockets have their turn between documents.
        await new Promise(setImmediate);
        throwIfCancelled(build.options.signal);
        await buildDocument(build, id);
      }
    } catch (error) {
      await build.writer.finish().catch(() => undefined);
      throw error;
    }
    await build.writer.finish();
    if (found === 0) return;
  }
  throw new RetrievalError(
    'generation_conflict',
    `Documents of collection "${build.ref.collection}" change faster than generation ${String(build.generation.id)} is built; go on when fewer are written`,
  );
}

async function* missingIds({ ports, ref, options }: Build): AsyncGenerator<string> {
  let after: string | undefined;
  for (;;) {
    const query = { limit: PAGE, ...(after === undefined ? {} : { after }) };
    const page = await ports.generations.missing(ref, query, options);
    for (const { id } of page) yield id;
    after = page.at(-1)?.id;
    if (page.length < PAGE || after === undefined) return;
  }
}

async function buildDocument(build: Build, id: string): Promise<void> {
  const { ports, ref, generation, embedder, options } = build;
  const stored = await ports.store.getDocument(ref.collection, id, options);
  // Deleted since it was listed.
  if (stored === null) return;
  const { chunks, embedded } = await chunkWith(stored.document, generation.chunker, embedder, options.signal);
  build.embedded += embedded;
  const kept =
    build.donor === null
      ? new Map<string, Float32Array>()
      : await ports.store.documentVectors(build.donor, id, options);
  const embedding = (async (): Promise<DocumentWrite> => {
    const made = await embedChunks(embedder, chunks, kept, options);
    build.embedded += made.embedded;
    build.reused += made.reused;
    const { document, contentHash } = stored;
    return { document, contentHash, values: {}, chunks: made.chunks };
  })();
  await build.writer.add(chunks.length, embedding);
}
