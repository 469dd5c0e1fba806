/** What `plumbline ingest` does. */
import { RetrievalError, hasCode } from '../errors.js';
import { openFilesSource } from '../ingest/sources/files.js';
import { combinedSource } from '../ingest/sources/combined.js';
import { streamSource } from '../ingest/sources/stdin.js';
import { isS3Url } from '../ingest/sources/s3/location.js';
import type { DeleteCeiling, Source } from '../ingest/types.js';
import type { Runtime } from '../runtime-types.js';
import type { IngestCommandOptions } from './commands/ingest.js';
import { EXIT, printJson, printLine, withRuntime, type Context, type ExitCode } from './context.js';
import { showDryRun } from './dry-run.js';
import { given } from './options.js';
import { createProgressView } from './progress.js';
import { openS3, type OpenedS3 } from './s3.js';
import { showSummary } from './summary.js';
import { toWire } from './wire.js';

const STDIN = '-';

/**
 * @throws RetrievalError `invalid_request` when the options contradict each other, and all that
 *   ingesting throws.
 */
export async function ingestCommand(
  context: Context,
  paths: readonly string[],
  options: IngestCommandOptions,
): Promise<ExitCode> {
  const { collection } = options;
  assertOptions(paths, options);
  const s3 = await openS3(context, paths, options);
  const source = await openSource(context, paths, options, s3);
  try {
    return await withRuntime(context, async (runtime) => {
      if (options.dryRun === true) {
        const target = await dryRunTarget(runtime, options, context.signal);
        return showDryRun(context, runtime.dryRun(target, source, context.signal), options.json === true);
      }
      if (collection === undefined) throw missingCollection();
      await assertCollection(context, runtime, collection, options, paths);
      const synced =
        options.follow !== undefined && options.sync === false
          ? EXIT.ok
          : await runIngest(context, runtime, collection, source, options, ceilingOf(options, s3));
      return s3 === null ? synced : await s3.follow(runtime, collection, synced);
    });
  } finally {
    s3?.close();
  }
}

/** Much of a bucket vanishes more easily by mistake than by intent. */
const S3_CEILING: DeleteCeiling = { kind: 'share', share: 0.1 };

function ceilingOf(
  { maxDelete, force }: IngestCommandOptions,
  s3: OpenedS3 | null,
): DeleteCeiling | undefined {
  if (force === true) return undefined;
  return maxDelete ?? (s3 === null ? undefined : S3_CEILING);
}

async function runIngest(
  context: Context,
  runtime: Runtime,
  collection: string,
  source: Source,
  options: IngestCommandOptions,
  maxDelete: DeleteCeiling | undefined,
): Promise<ExitCode> {
  const progress = createProgressView(context.stderr);
  try {
    const summary = await runtime.ingest(collection, source, {
      prune: options.prune === true,
      ...given({ maxDelete }),
      signal: context.signal,
      onProgress: (now) => {
        progress.update(now);
      },
    });
    progress.stop();
    if (options.json === true) printJson(context.stdout, { collection, ...(toWire(summary) as object) });
    else showSummary(context.stdout, collection, summary);
    return summary.failed.length === 0 ? EXIT.ok : EXIT.someFailed;
  } catch (error) {
    progress.stop();
    if (hasCode(error, 'cancelled')) {
      printLine(
        context.stderr,
        'Stopped. Finished documents are kept; run the same command again to continue.',
      );
    }
    throw error;
  }
}

function assertOptions(paths: readonly string[], options: IngestCommandOptions): void {
  if (options.collection === undefined && (options.dryRun !== true || options.embedder === undefined)) {
    throw missingCollection();
  }
  if (options.chunker !== undefined && options.embedder === undefined) {
    throw new RetrievalError(
      'invalid_request',
      '--chunker is for a new collection: name its --embedder too',
      {
        field: 'chunker',
      },
    );
  }
  assertPruneOptions(options);
  if (options.id !== undefined && !paths.includes(STDIN)) {
    throw new RetrievalError(
      'invalid_request',
      '--id is for standard input; files are called by their paths',
      {
        field: 'id',
      },
    );
  }
}

/** What makes sense only beside something else. */
function assertPruneOptions(options: IngestCommandOptions): void {
  for (const name of ['maxDelete', 'force'] as const) {
    if (options[name] === undefined || options.prune === true) continue;
    const flag = name === 'force' ? '--force' : '--max-delete';
    throw new RetrievalError('invalid_request', `${flag} is about what --prune removes; pass --prune too`, {
      field: name === 'force' ? 'force' : 'max_delete',
    });
  }
}

function missingCollection(): RetrievalError {
  return new RetrievalError(
    'invalid_request',
    'Say which collection: --collection NAME (for a --dry-run, --embedder NAME will do)',
    { field: 'collection' },
  );
}

async function openSource(
  context: Context,
  paths: readonly string[],
  options: IngestCommandOptions,
  s3: OpenedS3 | null,
): Promise<Source> {
  const shared = {
    metadata: options.metadata,
    ...given({ format: options.format, maxBytes: options.maxBytes }),
  };
  const files = paths.filter((path) => path !== STDIN && !isS3Url(path));
  const sources: Source[] = [];
  if (paths.includes(STDIN)) {
    sources.push(streamSource(context.stdin, { ...shared, ...given({ id: options.id }) }));
  }
  if (files.length > 0) {
    sources.push(
      await openFilesSource(files, {
        ...shared,
        cwd: context.cwd,
        fileDates: options.fileDates === true,
        // Only an estimate of the time left needs the number beforehand.
        countLines: context.stderr.isTerminal && options.dryRun !== true,
        signal: context.signal,
      }),
    );
  }
  if (s3 !== null) sources.push(s3.source);
  return combinedSource(sources);
}

async function dryRunTarget(
  runtime: Runtime,
  { collection, embedder, chunker }: IngestCommandOptions,
  signal: AbortSignal,
): Promise<Parameters<Runtime['dryRun']>[0]> {
  const made = { embedder: embedder ?? '', ...given({ chunker }) };
  if (collection === undefined) return made;
  const isThere = embedder === undefined || (await embedderOf(runtime, collection, signal)) !== null;
  return isThere ? collection : made;
}

/** Makes the collection when there is none and an embedder is named; a model is never chosen for the user. */
async function assertCollection(
  context: Context,
  runtime: Runtime,
  name: string,
  { embedder, chunker }: Pick<IngestCommandOptions, 'embedder' | 'chunker'>,
  paths: readonly string[],
): Promise<void> {
  const { signal } = context;
  const made = await embedderOf(runtime, name, signal);
  if (made === null && embedder === undefined) {
    throw new RetrievalError(
      'collection_not_found',
      `There is no collection "${name}". To make it, name its embedder (${runtime.embedders.join(', ')}): ` +
        `plumbline ingest ${paths.map(quoted).join(' ')} --collection ${name} --embedder ${runtime.embedders[0] ?? 'NAME'}`,
      { field: 'collection', details: { embedders: runtime.embedders } },
    );
  }
  if (made !== null && chunker !== undefined) {
    throw new RetrievalError(
      'invalid_request',
      `Collection "${name}" has its chunker already; leave --chunker out, or name another collection`,
      { field: 'chunker' },
    );
  }
  if (embedder === undefined || embedder === made) return;
  if (made !== null) {
    throw new RetrievalError(
      'model_mismatch',
      `Collection "${name}" is made with ${made}, not ${embedder}. Leave --embedder out, or name another collection`,
      { field: 'embedder', details: { pinned: made, given: embedder } },
    );
  }
  await runtime.catalog.createCollection({ name, embedder, ...given({ chunker }) }, { signal });
  const message = `Made collection "${name}" with ${embedder}.`;
  if (context.stderr.isTerminal) printLine(context.stderr, message);
  else printJson(context.stderr, { stage: 'create', collection: name, embedder });
}

/** The embedder of a collection; null when there is no such collection. */
async function embedderOf(runtime: Runtime, name: string, signal: AbortSignal): Promise<string | null> {
  try {
    return (await runtime.catalog.getCollection(name, { signal })).generation.embedder;
  } catch (error) {
    if (hasCode(error, 'collection_not_found')) return null;
    throw error;
  }
}

/** As a POSIX shell takes it. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/u.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
