/** A role that is assumed at a loopback STS by the SDK's own providers, for clients of Bedrock, S3 and SQS. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createBedrockChat } from '../../src/answer/bedrock.js';
import { loadConfig } from '../../src/config.js';
import { createBedrockReranker } from '../../src/rerank/bedrock.js';
import { RetrievalError } from '../../src/errors.js';
import { createS3Client, createSqsClient } from '../../src/ingest/sources/s3/client.js';
import { createS3Objects } from '../../src/ingest/sources/s3/objects.js';
import { createEventQueue } from '../../src/ingest/sources/s3/queue.js';
import { converseHandler } from './converse.js';
import { createEmbedModels } from './embed-models.js';
import { openTestBedrock, useTestCredentials } from './embed-support.js';
import { rerankHandler } from './rerank.js';
import { startFakeBedrock } from './server.js';
import type { FakeBedrock } from './server.js';
import { granted, startFakeSts } from './sts.js';
import type { FakeSts } from './sts.js';

const ROLE = 'arn:aws:iam::111122223333:role/reader';
const ACCESS_DENIED = { status: 403, code: 'AccessDenied' };
/** The SDK asks again for what ends within five minutes. */
const SOON_MS = 240_000;
const REQUEST = { model: 'amazon.nova-lite-v1:0', system: '', prompt: 'Hello', maxTokens: 10 };

interface Opened {
  readonly sts: FakeSts;
  readonly fake: FakeBedrock;
}

async function open(t: TestContext): Promise<Opened> {
  useTestCredentials();
  const sts = await startFakeSts();
  const fake = await startFakeBedrock({
    handlers: [
      converseHandler({ say: () => ({ text: 'Yes.' }) }),
      rerankHandler(),
      createEmbedModels().handler,
    ],
  });
  process.env['AWS_ENDPOINT_URL_STS'] = sts.url;
  t.after(async () => {
    delete process.env['AWS_ENDPOINT_URL_STS'];
    await fake.close();
    await sts.close();
  });
  return { sts, fake };
}

const settingsOf = (endpoint: string): Parameters<typeof createBedrockChat>[0] => ({
  region: 'eu-central-1',
  profile: null,
  roleArn: ROLE,
  endpoint,
  maxAttempts: 1,
});

/** By which grant of STS a request was signed: key and session token, which is signed too. */
function grantOf(headers: Readonly<Record<string, unknown>>): number {
  const authorization = String(headers['authorization']);
  assert.match(authorization, /SignedHeaders=[a-z0-9;-]*x-amz-security-token/u);
  const grant = Number(/Credential=ASIATEST(\d+)\//u.exec(authorization)?.[1]);
  assert.equal(headers['x-amz-security-token'], granted(grant).token);
  return grant;
}

test('answers, rerankers and embedders sign with the role’s temporary credentials', async (t) => {
  const { sts, fake } = await open(t);
  const chat = createBedrockChat(settingsOf(fake.url));
  const reranker = createBedrockReranker(settingsOf(fake.url));
  const embedder = await openTestBedrock(fake.url, 'titan-v2', { roleArn: ROLE });
  t.after(() => Promise.all([chat.close(), reranker.close(), embedder.close()]));
  await chat.converse(REQUEST);
  await reranker.rerank({ model: 'cohere.rerank-v3-5:0', query: 'a', texts: ['a'], topK: 1 });
  await embedder.embed(['a'], { inputType: 'document' });
  assert.deepEqual(
    fake.requests.map(({ headers }) => grantOf(headers)),
    [1, 2, 3],
  );
  assert.deepEqual(
    sts.calls,
    [1, 2, 3].map(() => ({ roleArn: ROLE, sessionName: 'plumbline', signedBy: 'AKIATEST' })),
  );
});

test('credentials are kept while they last, and renewed before they expire', async (t) => {
  const { sts, fake } = await open(t);
  const chat = createBedrockChat(settingsOf(fake.url));
  t.after(() => chat.close());
  sts.lasting(SOON_MS);
  await chat.converse(REQUEST);
  sts.lasting(3_600_000);
  await chat.converse(REQUEST);
  await chat.converse(REQUEST);
  for await (const event of chat.stream(REQUEST)) assert.ok(event.kind);
  const [first = 0, ...others] = fake.requests.map(({ headers }) => grantOf(headers));
  const [second = 0] = others;
  assert.ok(second > first, 'renewed');
  assert.deepEqual(others, [second, second, second], 'then kept');
  assert.equal(sts.calls.length, second, 'and not asked for any more');
});

test('a role is assumed with the credentials of the profile', async (t) => {
  const { sts, fake } = await open(t);
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-aws-'));
  const file = join(folder, 'credentials');
  await writeFile(file, '[team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = test\n');
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = file;
  t.after(async () => {
    delete process.env['AWS_SHARED_CREDENTIALS_FILE'];
    await rm(folder, { recursive: true });
  });
  const chat = createBedrockChat({ ...settingsOf(fake.url), profile: 'team' });
  const missing = createBedrockChat({ ...settingsOf(fake.url), profile: 'nobody' });
  t.after(() => Promise.all([chat.close(), missing.close()]));
  await chat.converse(REQUEST);
  assert.equal(sts.calls[0]?.signedBy, 'AKIATEAM');
  await assert.rejects(
    missing.converse(REQUEST),
    refusal('provider_access_denied', 'PLUMBLINE_BEDROCK_PROFILE'),
  );
  assert.equal(sts.calls.length, 1);
});

/** Names the setting, and says none of AWS's own words. */
function refusal(code: string, field: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof RetrievalError, String(error));
    assert.deepEqual([error.code, error.field], [code, field]);
    assert.ok(error.message.includes(field), error.message);
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /111122223333|not authorized/u);
    return true;
  };
}

test('what STS refuses is told with the setting, and asked again the next time', async (t) => {
  const { sts, fake } = await open(t);
  const chat = createBedrockChat(settingsOf(fake.url));
  const embedder = await openTestBedrock(fake.url, 'titan-v2', { roleArn: ROLE });
  t.after(() => Promise.all([chat.close(), embedder.close()]));
  const denied = refusal('provider_access_denied', 'PLUMBLINE_BEDROCK_ROLE_ARN');
  sts.refuse(ACCESS_DENIED);
  await assert.rejects(chat.converse(REQUEST), denied);
  await assert.rejects(async () => {
    for await (const event of chat.stream(REQUEST)) assert.fail(event.kind);
  }, denied);
  await assert.rejects(embedder.embed(['a'], { inputType: 'document' }), denied);
  assert.equal(sts.calls.length, 3, 'no refusal is tried again');
  assert.equal(fake.requests.length, 0);
  sts.refuse(null);
  await chat.converse(REQUEST);
  await embedder.embed(['a'], { inputType: 'document' });
});

test('an STS that is away is another matter', async (t) => {
  const { sts, fake } = await open(t);
  const chat = createBedrockChat(settingsOf(fake.url));
  const embedder = await openTestBedrock(fake.url, 'titan-v2', { roleArn: ROLE, maxAttempts: 2 });
  t.after(() => Promise.all([chat.close(), embedder.close()]));
  await sts.close();
  await assert.rejects(chat.converse(REQUEST), refusal('provider_unavailable', 'PLUMBLINE_BEDROCK_ROLE_ARN'));
  await assert.rejects(embedder.embed(['a'], { inputType: 'document' }), { code: 'embedder_unavailable' });
});

test('S3 and SQS are called with the credentials of PLUMBLINE_AWS_ROLE_ARN', async (t) => {
  const { sts } = await open(t);
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    request.resume();
    const isS3 = request.method === 'GET';
    response.writeHead(200, { 'content-type': isS3 ? 'application/xml' : 'application/x-amz-json-1.0' });
    response.end(isS3 ? '<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>' : '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const { s3 } = loadConfig({
    PLUMBLINE_AWS_REGION: 'eu-west-1',
    PLUMBLINE_AWS_ROLE_ARN: ROLE,
    PLUMBLINE_S3_ENDPOINT: url,
  });
  const client = createS3Client(s3);
  const queue = createEventQueue(createSqsClient(s3), `${url}/111122223333/docs`, 0);
  t.after(() => {
    client.destroy();
    queue.close();
    server.closeAllConnections();
    server.close();
  });
  const list = async (): Promise<void> => {
    for await (const entry of createS3Objects(client).list('bucket', '', {}))
      assert.fail(JSON.stringify(entry));
  };
  const denied = refusal('source_denied', 'PLUMBLINE_AWS_ROLE_ARN');
  sts.refuse(ACCESS_DENIED);
  await assert.rejects(list(), denied);
  await assert.rejects(queue.receive(1, {}), denied);
  assert.equal(seen.length, 0);
  sts.refuse(null);
  sts.lasting(SOON_MS);
  await list();
  await list();
  await queue.receive(1, {});
  const [first = 0, second = 0, third = 0] = seen.map(grantOf);
  assert.ok(0 < first && first < second && second < third, String([first, second, third]));
});
