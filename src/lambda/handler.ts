/**
 * AWS Lambda: S3 events from an SQS queue, worked on as `plumbline ingest --follow` does. Answers the
 * messages that failed, so that only these come again (`ReportBatchItemFailures`).
 */
import { z } from 'zod';
import type { Config } from '../config.js';
import { RetrievalError } from '../errors.js';
import { workOnMessages, type BatchResult } from '../ingest/sources/s3/batch.js';
import type { S3Objects } from '../ingest/sources/s3/objects.js';
import { applyPorts } from '../ingest/sources/s3/ports.js';
import { createSequencers } from '../ingest/sources/s3/sequencers.js';
import type { Runtime } from '../runtime-types.js';

/** What the runtime of AWS Lambda hands over, as far as it is needed. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number;
}

export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export type LambdaHandler = (event: unknown, context: LambdaContext) => Promise<BatchResponse>;

export interface LambdaParts {
  readonly runtime: Runtime;
  readonly objects: S3Objects;
  readonly collection: string;
}

export interface LambdaPorts {
  /** Called at the first event, and again after it failed; what it opens serves all later events. */
  open(): Promise<LambdaParts>;
  /** One JSON object a line. */
  log(line: Readonly<Record<string, unknown>>): void;
}

/** Left to answer in, before AWS ends the function. */
const RESERVE_MS = 2_000;

const eventSchema = z.object({
  Records: z.array(z.object({ messageId: z.string(), body: z.string(), eventSource: z.literal('aws:sqs') })),
});

/** A handler that opens what it needs once. It rejects, and so fails all messages, when nothing could be done. */
export function createHandler(ports: LambdaPorts): LambdaHandler {
  let opened: Promise<LambdaParts> | null = null;
  const sequencers = createSequencers();
  const open = async (): Promise<LambdaParts> => {
    opened ??= ports.open();
    try {
      return await opened;
    } catch (error) {
      opened = null;
      throw error;
    }
  };
  return async (event, context) => {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success) {
      throw new RetrievalError(
        'invalid_request',
        'The event is not from an SQS queue; let the bucket notify a queue, and the queue call this function',
        { field: 'event' },
      );
    }
    const { runtime, objects, collection } = await open();
    const result = await workOnMessages(
      applyPorts(runtime, collection, objects),
      parsed.data.Records.map(({ messageId, body }) => ({ id: messageId, body })),
      { locations: null, options: {}, sequencers },
      { signal: AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - RESERVE_MS)) },
    );
    log(ports, result);
    return { batchItemFailures: result.failed.map(({ id }) => ({ itemIdentifier: id })) };
  };
}

function log(ports: LambdaPorts, { done, failed, written, unchanged, removed }: BatchResult): void {
  ports.log({
    level: 'info',
    messages: done.size + failed.length,
    written,
    unchanged,
    removed,
    failed: failed.length,
  });
  for (const { id, object, failure } of failed)
    ports.log({ level: 'error', message: id, object, ...failure });
}

/** From the configuration. @throws RetrievalError `invalid_config` for what makes no sense in a function. */
async function openParts(config: Config): Promise<LambdaParts> {
  const { collection } = config.lambda;
  if (collection === null) {
    throw new RetrievalError(
      'invalid_config',
      'Set PLUMBLINE_LAMBDA_COLLECTION to the collection to ingest into',
      {
        field: 'PLUMBLINE_LAMBDA_COLLECTION',
      },
    );
  }
  if (config.store.kind === 'memory' || config.store.kind === 'pglite') {
    throw new RetrievalError(
      'invalid_config',
      'A function keeps nothing and is not alone: set PLUMBLINE_STORE_URL to a database server',
      { field: 'PLUMBLINE_STORE_URL' },
    );
  }
  const { openRuntime } = await import('../runtime.js');
  const { createS3Client } = await import('../ingest/sources/s3/client.js');
  const { createS3Objects } = await import('../ingest/sources/s3/objects.js');
  return {
    runtime: await openRuntime(config),
    objects: createS3Objects(createS3Client(config.s3)),
    collection,
  };
}

/** What AWS Lambda calls: `dist/src/lambda/handler.handler`. */
export const handler: LambdaHandler = createHandler({
  async open() {
    const { loadConfig } = await import('../config.js');
    return openParts(loadConfig());
  },
  log(line) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
  },
});
