/**
 * Fills a generation from the documents that the collection holds. What is missing is asked of the
 * store each time, so a build that was stopped goes on, and one that finished has little to do.
 */
import { setMaxListeners } from 'node:events';
import { chunkWith } from '../chunking/chunkers.js';
import type { Embedder } from '../embedders/port.js';
import { RetrievalError, throwIfCancelled } from '../errors.js';
import { NOTHING_KEPT, embedChunks } from '../ingest/embed-chunks.js';
import { readAhead } from '../ingest/read-ahead.js';
import { DEEP, createDocumentWriter } from '../ingest/writer.js';
import type { DocumentWriter, WriterLimits } from '../ingest/writer.js';
import type { Collection, Generation } from '../model.js';
import { assertSamePin, canonicalPin } from '../pin.js';
import type { GenerationStore, RecordStore } from '../stores/generations-port.js';
import type {
  CallOptions,
  DocumentWrite,
  GenerationRef,
  StoredDocument,
  VectorStore,
} from '../stores/port.js';
import { createBuildLease } from './lease.js';
import type { BuildLease } from './lease.js';
import type { BuildProgress, BuildSummary } from './types.js';

export interface BuildPorts {
  readonly store: VectorStore;
  readonly generations: GenerationStore;
  readonly records: RecordStore;
  openEmbedder(name: string): Promise<Embedder>;
}

/** Documents looked up together. */
const PAGE = 64;
/** Documents that are read while others are embedded; each may be large. */
const READ_AHEAD = 4;
/** Rounds in which documents were left out because they changed under the build, in a row. */
const MAX_ROUNDS = 20;
/**
 * A model of this machine is busy with few texts, and a crash may cost no more than these. What a
 * provider has embedded is in the cache of vectors when the build goes on.
 */
const SHALLOW: WriterLimits = { inFlight: 256, batch: 128 };

interface Build {
  readonly ports: BuildPorts;
  readonly ref: GenerationRef;
  readonly generation: Generation;
  readonly embedder: Embedder;
  /** Where vectors can be taken over from: a generation of the same model. */
  readonly donor: GenerationRef | null;
  readonly writer: DocumentWriter;
  readonly lease: BuildLease;
  readonly options: CallOptions;
  embedded: number;
  reused: number;
}

/**
 * @throws RetrievalError `model_mismatch` when the embedder is no longer the one the generation is
 *   pinned to, `generation_conflict` when another process builds it, or documents change faster than
 *   they are built, `cancelled`, and what the embedder or the store rejects with; what was built until
 *   then is kept.
 */
export async function buildGeneration(
  ports: BuildPorts,
  collection: Collection,
  generation: Generation,
  options: CallOptions & {
    /** Counts at the start, for progress. */
    readonly counts: { readonly documents: number; readonly missing: number };
    readonly onProgress?: ((progress: BuildProgress) => void) | undefined;
    /** The caller's, who gives it up. */
    readonly lease?: BuildLease;
  },
): Promise<BuildSummary> {
  const began = performance.now();
  const { signal, counts, onProgress } = options;
  const call: CallOptions = signal === undefined ? {} : { signal: forMany(signal) };
  const ref: GenerationRef = { collection: collection.name, generation: generation.id };
  const embedder = await ports.openEmbedder(generation.embedder);
  assertSamePin(collection.name, generation.pin, embedder.pin);

  let documents = 0;
  let chunks = 0;
  const lease = options.lease ?? createBuildLease(ports.records, ref, call);
  const write = async (batch: readonly DocumentWrite[]): Promise<void> => {
    await lease.check();
    const writes = batch.map(({ document, contentHash, chunks: own }) => ({
      documentId: document.id,
      contentHash,
      chunks: own,
    }));
    const written = new Set(await ports.generations.putChunks(ref, embedder.pin, writes, call));
    documents += written.size;
    for (const own of writes) chunks += written.has(own.documentId) ? own.chunks.length : 0;
  };
  const onWritten = (): void => {
    onProgress?.({
      totalDocuments: counts.documents + counts.missing,
      documents: counts.documents + documents,
      chunks,
      embedded: build.embedded,
      elapsedMs: performance.now() - began,
    });
  };
  const onRefused = (_id: string, error: RetrievalError): never => {
    throw error;
  };
  const limits = embedder.remote === undefined ? SHALLOW : DEEP;
  const writer = createDocumentWriter({ write, onWritten, onRefused }, limits);
  const { generation: active } = collection;
  const sameModel = active.id !== generation.id && canonicalPin(active.pin) === canonicalPin(generation.pin);
  const build: Build = {
    ports,
    ref,
    generation,
    embedder,
    donor: sameModel ? { ...ref, generation: active.id } : null,
    writer,
    lease,
    options: call,
    embedded: 0,
    reused: 0,
  };
  try {
    // One that lacks nothing is in nobody's way. What it lacks is asked again under the lease.
    if ((await ports.generations.missing(ref, { limit: 1 }, call)).length > 0) {
      await lease.take();
      await buildUntilComplete(build);
    }
    await ports.store.finishLoad(ref, call);
  } finally {
    if (options.lease === undefined) await lease.release();
  }
  return {
    generation: generation.id,
    documents,
    chunks,
    embedded: build.embedded,
    reused: build.reused,
    elapsedMs: performance.now() - began,
  };
}

/** A signal that as many may listen to as there are documents under way. */
function forMany(signal: AbortSignal): AbortSignal {
  const own = AbortSignal.any([signal]);
  setMaxListeners(0, own);
  return own;
}

/** Documents that change meanwhile are missing again afterwards: so until a round finds none. */
async function buildUntilComplete(build: Build): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    let found = 0;
    try {
      for await (const { stored, kept } of missingDocuments(build)) {
        found += 1;
        // Many small documents are one long turn otherwise: timers and sockets have theirs between them.
        await new Promise(setImmediate);
        throwIfCancelled(build.options.signal);
        if (stored !== null) await buildDocument(build, stored, kept);
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

/** What a document's chunks are made from. */
interface Found {
  /** Null: deleted since it was listed. */
  readonly stored: StoredDocument | null;
  /** Vectors that can be taken over, by the hash of their text. */
  readonly kept: ReadonlyMap<string, Float32Array>;
}

/** The documents that are missing, read a few at a time ahead of their embedding. */
async function* missingDocuments(build: Build): AsyncGenerator<Found> {
  const { ports, ref, options } = build;
  let after: string | undefined;
  for (;;) {
    const query = { limit: PAGE, ...(after === undefined ? {} : { after }) };
    const page = await ports.generations.missing(ref, query, options);
    const jobs = page.map(({ id }) => ({
      size: 0,
      run: (signal: AbortSignal) => readDocument(build, id, { signal }),
    }));
    yield* readAhead(jobs, { jobs: READ_AHEAD, bytes: 0 }, options.signal);
    after = page.at(-1)?.id;
    if (page.length < PAGE || after === undefined) return;
  }
}

async function readDocument({ ports, ref, donor }: Build, id: string, call: CallOptions): Promise<Found> {
  const [stored, kept] = await Promise.all([
    ports.store.getDocument(ref.collection, id, call),
    donor === null ? NOTHING_KEPT : ports.store.documentVectors(donor, id, call),
  ]);
  return { stored, kept };
}

async function buildDocument(build: Build, stored: StoredDocument, kept: Found['kept']): Promise<void> {
  const { generation, embedder, options } = build;
  const { chunks, embedded } = await chunkWith(stored.document, generation.chunker, embedder, options.signal);
  build.embedded += embedded;
  const embedding = (async (): Promise<DocumentWrite> => {
    const made = await embedChunks(embedder, chunks, kept, options);
    build.embedded += made.embedded;
    build.reused += made.reused;
    const { document, contentHash } = stored;
    return { document, contentHash, values: {}, chunks: made.chunks };
  })();
  await build.writer.add(chunks.length, embedding);
}
