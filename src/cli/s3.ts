/** `plumbline ingest` on S3: the source, and following its events. */
import { RetrievalError } from '../errors.js';
import type { ApplyPorts } from '../ingest/sources/s3/apply.js';
import type { BatchResult, BatchScope } from '../ingest/sources/s3/batch.js';
import { isS3Url, parseS3Url } from '../ingest/sources/s3/location.js';
import { applyPorts } from '../ingest/sources/s3/ports.js';
import type { EventQueue } from '../ingest/sources/s3/queue.js';
import { createSequencers } from '../ingest/sources/s3/sequencers.js';
import type { S3Options } from '../ingest/sources/s3/source.js';
import type { Source } from '../ingest/types.js';
import type { Runtime } from '../runtime-types.js';
import type { IngestCommandOptions } from './commands/ingest.js';
import { EXIT, printJson, printLine, type Context, type ExitCode } from './context.js';
import { given } from './options.js';
import { oneLine, paint, plural } from './text.js';

export interface OpenedS3 {
  readonly source: Source;
  /** Follows the queue if one is named; else answers what the first reading did. */
  follow(runtime: Runtime, collection: string, synced: ExitCode): Promise<ExitCode>;
  close(): void;
}

/**
 * Null where no path means S3.
 * @throws RetrievalError `invalid_request` for a path or a queue that is none.
 */
export async function openS3(
  context: Context,
  paths: readonly string[],
  options: IngestCommandOptions,
): Promise<OpenedS3 | null> {
  const urls = paths.filter(isS3Url);
  assertS3Options(paths, urls, options);
  if (urls.length === 0) return null;
  const locations = urls.map(parseS3Url);
  const { s3: settings } = await context.loadConfig();
  // The SDK takes a while to load, and is needed here alone.
  const { createS3Client, createSqsClient } = await import('../ingest/sources/s3/client.js');
  const { createS3Objects } = await import('../ingest/sources/s3/objects.js');
  const { createEventQueue } = await import('../ingest/sources/s3/queue.js');
  const { s3Source } = await import('../ingest/sources/s3/source.js');
  const reading: S3Options = {
    metadata: options.metadata,
    fileDates: options.fileDates === true,
    tags: options.s3Tags === true,
    ...given({ format: options.format, maxBytes: options.maxBytes }),
  };
  const queue =
    options.follow === undefined ? null : createEventQueue(createSqsClient(settings), options.follow);
  const objects = createS3Objects(createS3Client(settings));
  return {
    source: s3Source(objects, locations, reading),
    async follow(runtime, collection, synced) {
      if (queue === null) return synced;
      const scope = { locations, options: reading, sequencers: createSequencers() };
      const ports = applyPorts(runtime, collection, objects);
      return followEvents(context, queue, ports, scope, options.json === true);
    },
    close() {
      objects.close();
      queue?.close();
    },
  };
}

async function followEvents(
  context: Context,
  queue: EventQueue,
  ports: ApplyPorts,
  scope: BatchScope,
  json: boolean,
): Promise<ExitCode> {
  const { followQueue } = await import('../ingest/sources/s3/follow.js');
  const { stderr, signal } = context;
  const isText = stderr.isTerminal && !json;
  if (isText) printLine(stderr, 'Following the queue. Press Ctrl-C to stop.');
  else printJson(stderr, { stage: 'follow' });
  await followQueue(ports, queue, scope, {
    signal,
    onBatch: (result) => {
      showBatch(context, result, json);
    },
    onTrouble: ({ code, message }) => {
      if (isText) printLine(stderr, `${paint(stderr, 'yellow', 'waiting')} ${oneLine(message)}`);
      else printJson(stderr, { stage: 'waiting', code, reason: message });
    },
  });
  return EXIT.ok;
}

function showBatch(context: Context, result: BatchResult, json: boolean): void {
  const { written, unchanged, removed, done, failed } = result;
  const { stdout, stderr } = context;
  if (json) {
    printJson(stdout, {
      messages: done.size + failed.length,
      written,
      unchanged,
      removed,
      failed: failed.map(({ id, object, failure }) => ({ message: id, object, ...failure })),
    });
    return;
  }
  printLine(
    stdout,
    `${plural(done.size + failed.length, 'message')}: ${String(written)} written, ${String(unchanged)} unchanged, ${String(removed)} removed`,
  );
  for (const { id, object, failure } of failed) {
    const what = object ?? `message ${id}`;
    printLine(
      stderr,
      `${paint(stderr, 'red', 'failed')} ${oneLine(what)}: ${oneLine(failure.reason)} (${failure.code}); its message comes again`,
    );
  }
}

function assertS3Options(
  paths: readonly string[],
  urls: readonly string[],
  { follow, sync, dryRun, s3Tags }: IngestCommandOptions,
): void {
  const refuse = (message: string, field: string): never => {
    throw new RetrievalError('invalid_request', message, { field });
  };
  if (sync === false && follow === undefined) refuse('--no-sync is for --follow', 'sync');
  if (s3Tags === true && urls.length === 0) refuse('--s3-tags is for s3:// paths', 's3_tags');
  if (follow === undefined) return;
  if (urls.length < paths.length || urls.length === 0) {
    refuse('--follow takes s3:// paths only: which events of the queue are to be worked on', 'follow');
  }
  if (dryRun === true) refuse('--follow writes; leave --dry-run out', 'dry_run');
}
