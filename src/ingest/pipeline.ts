/**
 * The one way into a collection: source → document → chunks → vectors → store.
 *
 * What the store holds is the journal. A document is written with its hash and all its chunks in
 * one step, so a run that was killed is continued by running it again.
 */
import type { Embedder } from '../embedders/port.js';
import { ERRORS, RetrievalError, hasCode, throwIfCancelled } from '../errors.js';
import { inTurns } from '../chunking/steps.js';
import { readMetadata } from '../metadata/read-metadata.js';
import type { Chunk, Collection, RawDocument } from '../model.js';
import type { CallOptions, DocumentWrite, VectorStore } from '../stores/port.js';
import { contentHash, splitHash, withVersion } from './content-hash.js';
import { NOTHING_KEPT, embedChunks } from './embed-chunks.js';
import { metered } from './metered.js';
import { chunkRawDocument, documentIdError } from './prepare.js';
import { createProgress } from './progress.js';
import type { ProgressLog } from './progress.js';
import { prune } from './prune.js';
import { openTargets } from './target.js';
import type { Target, Targets } from './target.js';
import type { IngestOptions, IngestSummary, Source, SourceItem, StoredVersions } from './types.js';
import { createDocumentWriter } from './writer.js';
import type { DocumentWriter } from './writer.js';

export interface IngestPorts {
  readonly store: VectorStore;
  getCollection(name: string, options: CallOptions): Promise<Collection>;
  openEmbedder(name: string): Promise<Embedder>;
  /** Generations that somebody builds now. */
  readonly beingBuilt?: (collection: string, options: CallOptions) => Promise<ReadonlySet<number>>;
  /** Runs the chunking of a document, for whoever watches it. */
  readonly onChunking?: <T>(chunk: () => Promise<T>) => Promise<T>;
}

/** Items looked up in the store together. */
const LOOKUP_ITEMS = 64;
/** Content held while looking up, in UTF-16 code units. */
const LOOKUP_CHARACTERS = 4 * 1024 * 1024;

/** What one run carries from step to step. */
interface Run {
  readonly ports: IngestPorts;
  readonly targets: Targets;
  readonly options: CallOptions;
  readonly log: ProgressLog;
  readonly writer: DocumentWriter;
  /** Ids the source has yielded: for duplicates, and for pruning. */
  readonly seen: Set<string>;
  /** Ids whose content is the stored one, and that are written only to keep their new version. */
  readonly refreshed: Set<string>;
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
  const log = createProgress(source.total, options.onProgress);
  const openEmbedder = async (embedder: string): Promise<Embedder> =>
    metered(await ports.openEmbedder(embedder), log.meter);
  const targets = await openTargets({ ...ports, openEmbedder }, collection, call);
  const existed = new Set<string>();
  const refreshed = new Set<string>();
  const writer = createDocumentWriter({
    write: (batch) => targets.write(batch),
    onWritten: (documents) => {
      for (const { document, chunks } of documents) {
        if (refreshed.delete(document.id)) log.unchanged();
        else log.written(document.id, existed.delete(document.id), chunks.length);
      }
    },
    onRefused: (id, error) => {
      log.failed(id, error);
    },
  });
  const run: Run = {
    ports,
    targets,
    options: call,
    log,
    writer,
    refreshed,
    seen: new Set(),
    collection,
  };

  try {
    for await (const group of groups(source.items(options.signal, storedVersions(run)))) {
      throwIfCancelled(options.signal);
      await ingestGroup(run, group, existed);
    }
  } catch (error) {
    // What was finished is written before the run ends, and nothing goes on behind its back.
    await writer.finish().catch(() => undefined);
    throw error;
  }
  await writer.finish();

  const finishLoad = (): Promise<void> => targets.follow(({ ref }) => ports.store.finishLoad(ref, call));
  // A source of nothing is a mistake more often than a wish; a collection can be deleted by name.
  const pruneSkipped = options.prune === true && (log.hasFailures() || run.seen.size === 0);
  if (options.prune === true && !pruneSkipped) {
    log.stage('prune');
    const ceiling = options.maxDelete;
    try {
      log.removed(
        await prune(ports.store, name, run.seen, call, {
          ...(ceiling === undefined ? {} : { ceiling }),
          stillThere: async (ids) => source.stillThere?.(ids, options.signal) ?? new Set<string>(),
        }),
      );
    } catch (error) {
      // What was written stays, so its index is due all the same.
      if (hasCode(error, 'prune_refused')) await finishLoad();
      throw error;
    }
  }
  log.stage('index');
  await finishLoad();
  log.stage('done');
  return log.summary(pruneSkipped);
}

async function ingestGroup(run: Run, group: readonly SourceItem[], existed: Set<string>): Promise<void> {
  const documents: {
    readonly raw: RawDocument;
    readonly hash: string;
    readonly version: string | undefined;
  }[] = [];
  for (const item of group) {
    if (item.kind === 'failed') {
      run.log.failed(item.name, item.error);
      continue;
    }
    const id = item.kind === 'unchanged' ? item.id : item.document.id;
    const idError = documentIdError(id);
    if (idError !== null) {
      run.log.failed(id, idError);
      continue;
    }
    if (run.seen.has(id)) {
      run.log.failed(id, duplicate());
      continue;
    }
    run.seen.add(id);
    if (item.kind === 'unchanged') run.log.unchanged();
    else {
      const hash = await inTurns(contentHash(item.document), run.options.signal);
      documents.push({ raw: item.document, hash, version: item.version });
    }
  }
  const ids = documents.map(({ raw }) => raw.id);
  const stored = await run.targets.follow(({ ref }) => run.ports.store.contentHashes(ref, ids, run.options));
  for (const { raw, hash, version } of documents) {
    const found = stored.get(raw.id);
    const before = found === undefined ? undefined : splitHash(found);
    if (before?.hash === hash) {
      if (version === undefined || before.version === version) {
        run.log.unchanged();
        continue;
      }
      run.refreshed.add(raw.id);
    } else if (before !== undefined) existed.add(raw.id);
    // Parsing Markdown or HTML is synchronous: let timers and sockets have their turn between documents.
    await new Promise(setImmediate);
    throwIfCancelled(run.options.signal);
    await ingestDocument(run, raw, withVersion(hash, version), before !== undefined);
  }
}

async function ingestDocument(run: Run, raw: RawDocument, hash: string, isStored: boolean): Promise<void> {
  const target = run.targets.current();
  let prepared: Omit<DocumentWrite, 'chunks'> & { readonly chunks: readonly Chunk[] };
  try {
    const chunk = (): ReturnType<typeof chunkRawDocument> =>
      chunkRawDocument(raw, target.generation.chunker, target.embedder, run.options.signal);
    const { document, chunks, embedded } = await (run.ports.onChunking?.(chunk) ?? chunk());
    if (embedded > 0) run.log.embedded(embedded, 0);
    const { metadata, values } = await readFields(run, document);
    prepared = { document: { ...document, metadata }, values, contentHash: hash, chunks };
  } catch (error) {
    if (isRunsFault(error)) throw error;
    run.log.failed(raw.id, documentsFault(error));
    return;
  }
  const kept = isStored ? await keptVectors(run, target, raw.id) : NOTHING_KEPT;
  await run.writer.add(prepared.chunks.length, embedDocument(run, target, prepared, kept));
}

/** None of a generation that has been dropped: those of another are another model's. */
async function keptVectors(
  { ports, options }: Run,
  { ref }: Target,
  id: string,
): Promise<ReadonlyMap<string, Float32Array>> {
  try {
    return await ports.store.documentVectors(ref, id, options);
  } catch (error) {
    if (!hasCode(error, 'collection_not_found')) throw error;
    return NOTHING_KEPT;
  }
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
  target: Target,
  prepared: Omit<DocumentWrite, 'chunks'> & { readonly chunks: readonly Chunk[] },
  kept: ReadonlyMap<string, Float32Array>,
): Promise<DocumentWrite | null> {
  try {
    const { chunks, embedded, reused } = await embedChunks(
      target.embedder,
      prepared.chunks,
      kept,
      run.options,
    );
    run.log.embedded(embedded, reused);
    return run.targets.prepared({ ...prepared, chunks }, target);
  } catch (error) {
    // A remote model may count a text as longer than we do; the other documents are well.
    if (!hasCode(error, 'invalid_request')) throw error;
    run.log.failed(prepared.document.id, error);
    return null;
  }
}

/** What a source may ask, to leave out what it would only read to find it unchanged. */
function storedVersions(run: Run): StoredVersions {
  return async (ids) => {
    const hashes = await run.targets.follow(({ ref }) =>
      run.ports.store.contentHashes(ref, ids, run.options),
    );
    const versions = new Map<string, string>();
    for (const [id, hash] of hashes) {
      const { version } = splitHash(hash);
      if (version !== null) versions.set(id, version);
    }
    return versions;
  };
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
