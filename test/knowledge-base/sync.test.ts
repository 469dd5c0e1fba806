import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { syncCommand } from '../../src/cli/kb.js';
import type { ExitCode } from '../../src/cli/context.js';
import { loadConfig } from '../../src/config.js';
import { RetrievalError } from '../../src/errors.js';
import { useTestCredentials } from '../bedrock/embed-support.js';
import { ingestionJobHandler } from '../bedrock/ingestion-job.js';
import type { JobState } from '../bedrock/ingestion-job.js';
import { knowledgeBaseFile } from '../bedrock/runtime.js';
import { startFakeBedrock } from '../bedrock/server.js';
import { captureOutput } from '../cli/support.js';

const ID = 'KB12345678';
const DATA_SOURCE = 'DS12345678';
const INDEXED = {
  numberOfDocumentsScanned: 12,
  numberOfNewDocumentsIndexed: 3,
  numberOfModifiedDocumentsIndexed: 2,
  numberOfDocumentsDeleted: 1,
};

interface Synced {
  readonly code: ExitCode | null;
  readonly error: RetrievalError | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly methods: readonly string[];
}

async function sync(
  context: TestContext,
  states: readonly JobState[],
  options: {
    readonly job?: string;
    readonly json?: true;
    readonly abortAfter?: number;
    readonly dataSource?: string;
  } = {},
): Promise<Synced> {
  useTestCredentials();
  const fake = await startFakeBedrock({
    handlers: [ingestionJobHandler({ knowledgeBaseId: ID, dataSourceId: DATA_SOURCE, states })],
  });
  context.after(() => fake.close());
  const file = await knowledgeBaseFile(context, [{ name: 'policies', id: ID, search_type: 'SEMANTIC' }]);
  const controller = new AbortController();
  const stdout = captureOutput();
  const stderr = captureOutput();
  let waits = 0;
  let error: RetrievalError | null = null;
  const { abortAfter = Infinity, dataSource = DATA_SOURCE, ...given } = options;
  const code = await syncCommand(
    {
      stdin: Readable.from([]),
      stdout,
      stderr,
      cwd: '/',
      signal: controller.signal,
      loadConfig: () =>
        Promise.resolve(
          loadConfig({
            PLUMBLINE_BEDROCK_REGION: 'us-east-1',
            PLUMBLINE_BEDROCK_ENDPOINT: fake.url,
            PLUMBLINE_KNOWLEDGE_BASES_FILE: file,
          }),
        ),
      openRuntime: () => Promise.reject(new Error('It needs no store')),
    },
    'policies',
    { dataSource, ...given },
    {
      wait: (_ms, signal) => {
        waits += 1;
        if (waits >= abortAfter) controller.abort();
        return signal?.aborted === true ? Promise.reject(new Error('aborted')) : Promise.resolve();
      },
    },
  ).catch((thrown: unknown) => {
    assert.ok(thrown instanceof RetrievalError);
    error = thrown;
    return null;
  });
  return {
    code,
    error,
    stdout: stdout.text(),
    stderr: stderr.text(),
    methods: fake.requests.map(({ method }) => method),
  };
}

test('it starts the job and follows it to its end, with its numbers', async (context) => {
  const states: JobState[] = [
    { status: 'STARTING' },
    { status: 'IN_PROGRESS', statistics: { numberOfDocumentsScanned: 5 } },
    { status: 'IN_PROGRESS', statistics: { numberOfDocumentsScanned: 5 } },
    { status: 'COMPLETE', statistics: INDEXED },
  ];
  const { code, stdout, stderr, methods } = await sync(context, states);
  assert.equal(code, 0);
  assert.equal(stdout, 'Job JOB0000001 complete: 12 documents scanned, 3 new, 2 changed, 1 deleted\n');
  // What has not changed is not said again.
  assert.equal(stderr.split('\n').filter((line) => line.includes('in progress')).length, 1);
  assert.deepEqual(methods, ['PUT', 'GET', 'GET', 'GET']);
});

test('documents that failed are told with their reasons, and in the exit code', async (context) => {
  const states: JobState[] = [
    { status: 'STARTING' },
    {
      status: 'COMPLETE',
      statistics: { ...INDEXED, numberOfDocumentsFailed: 2 },
      failureReasons: ['["too large"]'],
    },
  ];
  const { code, stdout, stderr } = await sync(context, states);
  assert.equal(code, 1);
  assert.match(stdout, /2 failed/u);
  assert.match(stderr, /reason: \["too large"\]/u);
});

test('a job that fails is an error', async (context) => {
  const { error, stderr } = await sync(context, [
    { status: 'STARTING' },
    { status: 'FAILED', failureReasons: ['No access to the bucket'] },
  ]);
  assert.deepEqual([error?.code, error?.details['status']], ['provider_refused', 'FAILED']);
  assert.match(stderr, /reason: No access to the bucket/u);
});

test('Ctrl-C ends the following, and says that the job goes on', async (context) => {
  const { code, stderr } = await sync(context, [{ status: 'STARTING' }, { status: 'IN_PROGRESS' }], {
    abortAfter: 2,
  });
  assert.equal(code, 130);
  assert.match(stderr, /job JOB0000001 goes on.*--job JOB0000001/u);
});

test('JSON lines for programs', async (context) => {
  const { stdout } = await sync(
    context,
    [{ status: 'STARTING' }, { status: 'COMPLETE', statistics: INDEXED }],
    { json: true },
  );
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map(({ status }) => status),
    ['STARTING', 'COMPLETE'],
  );
  assert.equal(lines[1]?.['metadata_modified'], 0);
});

test('a data source that is not there, and an unknown name', async (context) => {
  const { error } = await sync(context, [], { dataSource: 'DS00000000' });
  assert.deepEqual([error?.code, error?.field], ['provider_refused', 'data-source']);
});
