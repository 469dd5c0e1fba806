/** What `plumbline kb sync` does. It needs no store, so it runs beside a server. */
import { RetrievalError, hasCode } from '../errors.js';
import { loadKnowledgeBases } from '../knowledge-base/file.js';
import { syncKnowledgeBase, type IngestionJob, type SyncOptions } from '../knowledge-base/sync.js';
import type { KnowledgeBase } from '../knowledge-base/types.js';
import type { SyncCommandOptions } from './commands/kb.js';
import { EXIT, printJson, printLine, type Context, type ExitCode, type Output } from './context.js';
import { given } from './options.js';
import { count, oneLine, plural } from './text.js';
import { toWire } from './wire.js';

/** @throws RetrievalError `collection_not_found`, `provider_…`; `provider_refused` when the job failed. */
export async function syncCommand(
  context: Context,
  name: string,
  options: SyncCommandOptions,
  ports: Pick<SyncOptions, 'wait'> = {},
): Promise<ExitCode> {
  const { stdout, stderr, signal } = context;
  const config = await context.loadConfig();
  const knowledgeBase = find(await loadKnowledgeBases(config.knowledgeBasesFile), name);
  let job: IngestionJob | null = null;
  try {
    const jobs = syncKnowledgeBase(config.bedrock, knowledgeBase, {
      dataSourceId: options.dataSource,
      signal,
      ...given({ jobId: options.job, wait: ports.wait }),
    });
    for await (const now of jobs) {
      if (job === null || describe(job) !== describe(now))
        show(options.json === true ? stdout : stderr, now, options);
      job = now;
    }
  } catch (error) {
    if (job === null || !(signal.aborted || hasCode(error, 'cancelled'))) throw error;
    printLine(
      stderr,
      `Following has ended; job ${job.id} goes on. Follow it again: plumbline kb sync ${name} --data-source ${options.dataSource} --job ${job.id}`,
    );
    return EXIT.interrupted;
  }
  if (job === null) throw new RetrievalError('internal', 'An ingestion job was never seen');
  return end(context, job, options);
}

function end({ stdout, stderr }: Context, job: IngestionJob, { json }: SyncCommandOptions): ExitCode {
  for (const reason of job.failureReasons) printLine(stderr, `reason: ${oneLine(reason)}`);
  if (job.status !== 'COMPLETE') {
    throw new RetrievalError(
      'provider_refused',
      `Ingestion job ${job.id} ended as ${job.status}${job.failureReasons.length === 0 ? '' : '; its reasons are above'}. Mend the data source, and run it again`,
      { field: 'data-source', details: { job: job.id, status: job.status } },
    );
  }
  if (json !== true) printLine(stdout, describe(job));
  return job.failed > 0 ? EXIT.someFailed : EXIT.ok;
}

function show(output: Output, job: IngestionJob, { json }: SyncCommandOptions): void {
  if (json === true) printJson(output, toWire(job));
  else printLine(output, describe(job));
}

function describe(job: IngestionJob): string {
  const parts = [
    `${plural(job.scanned, 'document')} scanned`,
    `${count(job.added)} new`,
    `${count(job.modified + job.metadataModified)} changed`,
    `${count(job.deleted)} deleted`,
    ...(job.skipped === 0 ? [] : [`${count(job.skipped)} skipped`]),
    ...(job.failed === 0 ? [] : [`${count(job.failed)} failed`]),
  ];
  return `Job ${job.id} ${job.status.toLowerCase().replace('_', ' ')}: ${parts.join(', ')}`;
}

function find(all: readonly KnowledgeBase[], name: string): KnowledgeBase {
  const found = all.find((knowledgeBase) => knowledgeBase.name === name);
  if (found !== undefined) return found;
  throw new RetrievalError(
    'collection_not_found',
    `PLUMBLINE_KNOWLEDGE_BASES_FILE names no knowledge base "${name}"; it has: ${all.map((known) => known.name).join(', ') || 'none'}`,
    { field: 'name' },
  );
}
