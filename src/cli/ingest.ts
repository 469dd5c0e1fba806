/** What `plumbline ingest` does. */
import { RetrievalError, hasCode } from '../errors.js';
import { openFilesSource } from '../ingest/sources/files.js';
import { combinedSource } from '../ingest/sources/combined.js';
import { streamSource } from '../ingest/sources/stdin.js';
import type { Source } from '../ingest/types.js';
import type { Runtime } from '../runtime-types.js';
import type { IngestCommandOptions } from './commands/ingest.js';
import { EXIT, printJson, printLine, withRuntime, type Context, type ExitCode } from './context.js';
import { showDryRun } from './dry-run.js';
import { given } from './options.js';
import { createProgressView } from './progress.js';
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
  const { collection, embedder } = options;
  assertOptions(paths, options);
  const source = await openSource(context, paths, options);
  return withRuntime(context, async (runtime) => {
    if (options.dryRun === true) {
      const target = await dryRunTarget(runtime, options, context.signal);
      return showDryRun(context, runtime.dryRun(target, source, context.signal), options.json === true);
    }
    if (collection === undefined) throw missingCollection();
    await assertCollection(context, runtime, collection, embedder, paths);
    return runIngest(context, runtime, collection, source, options);
  });
}

async function runIngest(
  context: Context,
  runtime: Runtime,
  collection: string,
  source: Source,
  options: IngestCommandOptions,
): Promise<ExitCode> {
  const progress = createProgressView(context.stderr);
  try {
    const summary = await runtime.ingest(collection, source, {
      prune: options.prune === true,
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
): Promise<Source> {
  const shared = {
    metadata: options.metadata,
    ...given({ format: options.format, maxBytes: options.maxBytes }),
  };
  const files = paths.filter((path) => path !== STDIN);
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
  return combinedSource(sources);
}

async function dryRunTarget(
  runtime: Runtime,
  { collection, embedder }: IngestCommandOptions,
  signal: AbortSignal,
): Promise<Parameters<Runtime['dryRun']>[0]> {
  if (collection === undefined) return { embedder: embedder ?? '' };
  const isThere = embedder === undefined || (await embedderOf(runtime, collection, signal)) !== null;
  return isThere ? collection : { embedder };
}

/** Makes the collection when there is none and an embedder is named; a model is never chosen for the user. */
async function assertCollection(
  context: Context,
  runtime: Runtime,
  name: string,
  embedder: string | undefined,
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
  if (embedder === undefined || embedder === made) return;
  if (made !== null) {
    throw new RetrievalError(
      'model_mismatch',
      `Collection "${name}" is made with ${made}, not ${embedder}. Leave --embedder out, or name another collection`,
      { field: 'embedder', details: { pinned: made, given: embedder } },
    );
  }
  await runtime.catalog.createCollection({ name, embedder }, { signal });
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
