/**
 * The one way into a collection: source → document → chunks → vectors → store.
 *
 * What the store holds is the journal. A document is written with its hash and all its chunks in
 * one step, so a run that was killed is continued by running it again.
 */
import { textHash } from '../chunking/text-hash.js';
import type { Embedder } from '../embedders/port.js';
import { ERRORS, RetrievalError, hasCode, throwIfCancelled } from '../errors.js';
import { readMetadata } from '../metadata/read-metadata.js';
import type { Chunk, Collection, EmbeddedChunk, RawDocument } from '../model.js';
import { assertSamePin } from '../pin.js';
import type { CallOptions, DocumentWrite, GenerationRef, VectorStore } from '../stores/port.js';
import { contentHash } from './content-hash.js';
import { chunkRawDocument } from './prepare.js';
import { createProgress } from './progress.js';
import type { ProgressLog } from './progress.js';
import { prune } from './prune.js';
import type { IngestOptions, IngestSummary, Source, SourceItem } from './types.js';
import { createDocumentWriter } from './writer.js';
import type { DocumentWriter } from './writer.js';

export interface IngestPorts {
  readonly store: VectorStore;
  getCollection(name: string, options: CallOptions): Promise<Collection>;
  openEmbedder(name: string): Promise<Embedder>;
}

/** Items looked up in the store together. */
const LOOKUP_ITEMS = 64;
/** Content held while looking up, in UTF-16 code units. */
const LOOKUP_CHARACTERS = 4 * 1024 * 1024;

/** What one run carries from step to step. */
interface Run {
  readonly ports: IngestPorts;
  readonly embedder: Embedder;
  readonly ref: GenerationRef;
  readonly options: CallOptions;
  readonly log: ProgressLog;
  readonly writer: DocumentWriter;
  /** Ids the source has yielded: for duplicates, and for pruning. */
  readonly seen: Set<string>;
  /** As it now is; inferred fields are added on the way. */
  collection: Collection;
}

/**
 * Ingests a source into a collection. What is wrong with one document is that document's failure;
 * what is wrong with the embedder or the store ends the run, with all finished work kept.
 * @throws RetrievalError `model_mismatch`, `collection_not_found`, `cancelled`, or the backend's.
 */
export async function ingest(
  ports: IngestPorts,
  name: string,
  source: Source,
  options: IngestOptions = {},
): Promise<IngestSummary> {
  const call: CallOptions = options.signal === undefined ? {} : { signal: options.signal };
  const collection = await ports.getCollection(name, call);
  const { generation } = collection;
  const embedder = await ports.openEmbedder(generation.embedder);
  assertSamePin(name, generation.pin, embedder.pin);

  const ref: GenerationRef = { collection: name, generation: generation.id };
  const log = createProgress(source.total, options.onProgress);
  const existed = new Set<string>();
  const writer = createDocumentWriter(
    {
      store: ports.store,
      ref,
      pin: embedder.pin,
      onWritten: (documents) => {
        for (const { document, chunks } of documents) {
          log.written(existed.delete(document.id), chunks.length);
        }
      },
      onRefused: (id, error) => {
        log.failed(id, error);
      },
    },
    call,
  );
  const run: Run = { ports, embedder, ref, options: call, log, writer, seen: new Set(), collection };

  try {
    for await (const group of groups(source.items(options.signal))) {
      throwIfCancelled(options.signal);
      await ingestGroup(run, group, existed);
    }
  } catch (error) {
    // What was finished is written before the run ends, and nothing goes on behind its back.
    await writer.finish().catch(() => undefined);
    throw error;
  }
  await writer.finish();

  // A source of nothing is a mistake more often than a wish; a collection can be deleted by name.
  const pruneSkipped = options.prune === true && (log.hasFailures() || run.seen.size === 0);
  if (options.prune === true && !pruneSkipped) {
    log.stage('prune');
    log.removed(await prune(ports.store, name, run.seen, call));
  }
  log.stage('index');
  await ports.store.finishLoad(ref, call);
  log.stage('done');
  return log.summary(pruneSkipped);
}

async function ingestGroup(run: Run, group: readonly SourceItem[], existed: Set<string>): Promise<void> {
  const documents: { readonly raw: RawDocument; readonly hash: string }[] = [];
  for (const item of group) {
    if (item.kind === 'failed') run.log.failed(item.name, item.error);
    else if (run.seen.has(item.document.id)) run.log.failed(item.document.id, duplicate());
    else {
      run.seen.add(item.document.id);
      documents.push({ raw: item.document, hash: contentHash(item.document) });
    }
  }
  const stored = await run.ports.store.contentHashes(
    run.ref,
    documents.map(({ raw }) => raw.id),
    run.options,
  );
  for (const { raw, hash } of documents) {
    const before = stored.get(raw.id);
    if (before === hash) {
      run.log.unchanged();
      continue;
    }
    if (before !== undefined) existed.add(raw.id);
    // Parsing is synchronous: let timers and sockets have their turn between documents.
    await new Promise(setImmediate);
    throwIfCancelled(run.options.signal);
    await ingestDocument(run, raw, hash, before !== undefined);
  }
}

async function ingestDocument(run: Run, raw: RawDocument, hash: string, isStored: boolean): Promise<void> {
  let prepared: Omit<DocumentWrite, 'chunks'> & { readonly chunks: readonly Chunk[] };
  try {
    const { document, chunks } = chunkRawDocument(
      raw,
      run.collection.generation.chunker,
      run.embedder.tokenizer,
    );
    const { metadata, values } = await readFields(run, document);
    prepared = { document: { ...document, metadata }, values, contentHash: hash, chunks };
  } catch (error) {
    if (isRunsFault(error)) throw error;
    run.log.failed(raw.id, documentsFault(error));
    return;
  }
  const kept = isStored
    ? await run.ports.store.documentVectors(run.ref, raw.id, run.options)
    : new Map<string, Float32Array>();
  await run.writer.add(prepared.chunks.length, embedDocument(run, prepared, kept));
}

/** Types the metadata; in `inferred` mode the collection first gets the fields it does not have. */
async function readFields(
  run: Run,
  document: Parameters<typeof readMetadata>[0],
): Promise<Pick<ReturnType<typeof readMetadata>, 'metadata' | 'values'>> {
  const first = readMetadata(document, run.collection);
  if (Object.keys(first.newFields).length === 0) return first;
  run.collection = await run.ports.store.addFields(run.collection.name, first.newFields, run.options);
  return readMetadata(document, run.collection);
}

async function embedDocument(
  run: Run,
  prepared: Omit<DocumentWrite, 'chunks'> & { readonly chunks: readonly Chunk[] },
  kept: ReadonlyMap<string, Float32Array>,
): Promise<DocumentWrite> {
  const known = new Map<string, Float32Array>();
  const missing = new Map<string, string>();
  for (const { indexedText } of prepared.chunks) {
    const key = textHash(indexedText);
    const vector = kept.get(key);
    if (vector === undefined) missing.set(key, indexedText);
    else known.set(key, vector);
  }
  const vectors =
    missing.size === 0
      ? []
      : await run.embedder.embed([...missing.values()], { inputType: 'document', ...run.options });
  for (const [index, key] of [...missing.keys()].entries()) {
    const vector = vectors[index];
    if (vector === undefined) {
      throw new RetrievalError('embedder_invalid_response', 'The embedder answered fewer vectors than texts');
    }
    known.set(key, vector);
  }
  run.log.embedded(missing.size, prepared.chunks.length - missing.size);
  const chunks = prepared.chunks.map((chunk): EmbeddedChunk => {
    const vector = known.get(textHash(chunk.indexedText));
    if (vector === undefined) throw new RetrievalError('internal', 'A chunk has no vector');
    return { ...chunk, vector };
  });
  return { ...prepared, chunks };
}

/** Reads ahead a little, so that unchanged documents cost one look-up for many. */
async function* groups(items: AsyncIterable<SourceItem>): AsyncGenerator<readonly SourceItem[]> {
  let group: SourceItem[] = [];
  let characters = 0;
  for await (const item of items) {
    group.push(item);
    characters += item.kind === 'document' ? item.document.content.length : 0;
    if (group.length < LOOKUP_ITEMS && characters < LOOKUP_CHARACTERS) continue;
    yield group;
    group = [];
    characters = 0;
  }
  if (group.length > 0) yield group;
}

function duplicate(): RetrievalError {
  return new RetrievalError(
    'invalid_document',
    'The source has yielded a document of this id already; give each its own',
    { field: 'id' },
  );
}

/** Whether the error is not about this document, so that the others would meet it too. */
function isRunsFault(error: unknown): boolean {
  return (
    error instanceof RetrievalError &&
    (ERRORS[error.code].fault !== 'caller' ||
      hasCode(error, 'cancelled') ||
      hasCode(error, 'collection_not_found'))
  );
}

/** A parser that breaks on one file must not stop the others. */
function documentsFault(error: unknown): RetrievalError {
  return error instanceof RetrievalError
    ? error
    : new RetrievalError('internal', 'The document could not be parsed; please report it', { cause: error });
}
