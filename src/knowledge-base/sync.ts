/** Runs an ingestion job of a knowledge base and follows it. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  BedrockAgentClient,
  GetIngestionJobCommand,
  StartIngestionJobCommand,
} from '@aws-sdk/client-bedrock-agent';
import { z } from 'zod';
import { deadline } from '../bedrock/deadline.js';
import { fromAws, invalidAnswer } from '../bedrock/errors.js';
import type { Asked } from '../bedrock/errors.js';
import { clientConfig } from '../bedrock/settings.js';
import type { BedrockSettings } from '../bedrock/settings.js';
import type { KnowledgeBase } from './types.js';

const sleep: NonNullable<SyncOptions['wait']> = (ms, signal) =>
  delay(ms, undefined, signal === undefined ? {} : { signal });

const TIMEOUT_MS = 30_000;
const POLL_MS = 5000;

const STATUSES = ['STARTING', 'IN_PROGRESS', 'COMPLETE', 'FAILED', 'STOPPING', 'STOPPED'] as const;
const ENDS: readonly IngestionJob['status'][] = ['COMPLETE', 'FAILED', 'STOPPED'];

const counted = z.number().int().min(0).default(0);

const jobSchema = z.object({
  ingestionJobId: z.string(),
  status: z.enum(STATUSES),
  statistics: z
    .object({
      numberOfDocumentsScanned: counted,
      numberOfNewDocumentsIndexed: counted,
      numberOfModifiedDocumentsIndexed: counted,
      numberOfMetadataDocumentsModified: counted,
      numberOfDocumentsDeleted: counted,
      numberOfDocumentsFailed: counted,
      numberOfDocumentsSkipped: counted,
    })
    .optional(),
  failureReasons: z.array(z.string()).default([]),
});

export interface IngestionJob {
  readonly id: string;
  readonly status: (typeof STATUSES)[number];
  readonly scanned: number;
  readonly added: number;
  readonly modified: number;
  readonly metadataModified: number;
  readonly deleted: number;
  readonly failed: number;
  readonly skipped: number;
  /** In AWS's words; they name documents. */
  readonly failureReasons: readonly string[];
}

export interface SyncOptions {
  readonly dataSourceId: string;
  /** Follows this job instead of starting one. */
  readonly jobId?: string;
  readonly signal?: AbortSignal;
  /** Resolves after that time, or rejects when the signal aborts. */
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * The job each time it was looked at, the last time at its end. Aborting stops the following; the
 * job goes on.
 */
export async function* syncKnowledgeBase(
  settings: BedrockSettings,
  knowledgeBase: KnowledgeBase,
  options: SyncOptions,
): AsyncGenerator<IngestionJob> {
  const { dataSourceId, signal, wait = sleep } = options;
  const client = new BedrockAgentClient(
    await clientConfig(settings, knowledgeBase.region ?? settings.region),
  );
  const ids = { knowledgeBaseId: knowledgeBase.id, dataSourceId };
  const get = (ingestionJobId: string): Promise<IngestionJob> =>
    ask(knowledgeBase, 'bedrock:GetIngestionJob', signal, (abortSignal) =>
      client.send(new GetIngestionJobCommand({ ...ids, ingestionJobId }), { abortSignal }),
    );
  try {
    let job = await (options.jobId === undefined
      ? ask(knowledgeBase, 'bedrock:StartIngestionJob', signal, (abortSignal) =>
          client.send(new StartIngestionJobCommand(ids), { abortSignal }),
        )
      : get(options.jobId));
    yield job;
    while (!ENDS.includes(job.status)) {
      await wait(POLL_MS, signal);
      job = await get(job.id);
      yield job;
    }
  } finally {
    client.destroy();
  }
}

async function ask(
  knowledgeBase: KnowledgeBase,
  permission: string,
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<{ readonly ingestionJob?: unknown }>,
): Promise<IngestionJob> {
  const limit = deadline(signal, TIMEOUT_MS);
  const asked = askedOf(knowledgeBase, permission);
  try {
    const parsed = jobSchema.safeParse((await call(limit.signal)).ingestionJob);
    if (!parsed.success) throw invalidAnswer(asked, 'its form');
    return toJob(parsed.data);
  } catch (error) {
    throw fromAws(error, asked, limit);
  }
}

function askedOf({ name, id }: KnowledgeBase, permission: string): Asked {
  return {
    what: `the data source of the knowledge base "${name}" (${id})`,
    permission,
    field: 'data-source',
    refusals: [
      {
        pattern: /ongoing|already|in progress|conflict/iu,
        advice: 'A job of this knowledge base runs already: wait for it, or follow it with --job ID',
      },
    ],
  };
}

function toJob({
  ingestionJobId,
  status,
  statistics,
  failureReasons,
}: z.output<typeof jobSchema>): IngestionJob {
  return {
    id: ingestionJobId,
    status,
    scanned: statistics?.numberOfDocumentsScanned ?? 0,
    added: statistics?.numberOfNewDocumentsIndexed ?? 0,
    modified: statistics?.numberOfModifiedDocumentsIndexed ?? 0,
    metadataModified: statistics?.numberOfMetadataDocumentsModified ?? 0,
    deleted: statistics?.numberOfDocumentsDeleted ?? 0,
    failed: statistics?.numberOfDocumentsFailed ?? 0,
    skipped: statistics?.numberOfDocumentsSkipped ?? 0,
    failureReasons,
  };
}
