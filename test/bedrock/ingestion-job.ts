/** StartIngestionJob and GetIngestionJob: a job that goes through given states. */
import type {
  GetIngestionJobCommandOutput,
  IngestionJobStatus,
  StartIngestionJobCommandOutput,
} from '@aws-sdk/client-bedrock-agent';
import { awsError } from './server.js';
import type { FakeHandler, FakeReply } from './server.js';
import { Refused, answering, notFound, refuse } from './validation.js';

export interface JobState {
  readonly status: IngestionJobStatus;
  readonly statistics?: NonNullable<StartIngestionJobCommandOutput['ingestionJob']>['statistics'];
  readonly failureReasons?: string[];
}

export interface IngestionJobOptions {
  readonly knowledgeBaseId: string;
  readonly dataSourceId: string;
  /** The first is that of the start; each look goes one further, and the last one stays. */
  readonly states: readonly JobState[];
}

const PATH = /^\/knowledgebases\/([^/]+)\/datasources\/([^/]+)\/ingestionjobs\/([^/]*)$/u;
const ID = /^[0-9a-zA-Z]{10}$/u;
const JOB_ID = 'JOB0000001';
const ENDS = new Set<IngestionJobStatus>(['COMPLETE', 'FAILED', 'STOPPED']);

export function ingestionJobHandler(options: IngestionJobOptions): FakeHandler {
  let place = -1;
  const state = (): JobState =>
    options.states[Math.min(place, options.states.length - 1)] ?? { status: 'COMPLETE' };
  return (request) => {
    const match = PATH.exec(request.path);
    if (match === null) return null;
    const [, knowledgeBaseId = '', dataSourceId = '', jobId = ''] = match;
    return answering((): FakeReply => {
      if (!ID.test(knowledgeBaseId) || !ID.test(dataSourceId))
        throw refuse('An id failed to satisfy the pattern [0-9a-zA-Z]{10}');
      if (knowledgeBaseId !== options.knowledgeBaseId || dataSourceId !== options.dataSourceId) {
        throw notFound(`Data source ${dataSourceId} does not exist`);
      }
      if (request.method === 'PUT') {
        if (place >= 0 && !ENDS.has(state().status)) {
          throw new Refused(
            awsError(
              'ConflictException',
              409,
              `There is an ongoing ingestion job ${JOB_ID} in this knowledge base.`,
            ),
          );
        }
        place = 0;
      } else {
        if (jobId !== JOB_ID || place < 0) throw notFound(`Ingestion job ${jobId} does not exist`);
        place += 1;
      }
      const ingestionJob = {
        knowledgeBaseId,
        dataSourceId,
        ingestionJobId: JOB_ID,
        startedAt: new Date('2026-01-01T00:00:00Z'),
        updatedAt: new Date('2026-01-01T00:00:01Z'),
        ...state(),
      } satisfies GetIngestionJobCommandOutput['ingestionJob'];
      return { kind: 'json', body: { ingestionJob } };
    });
  };
}
