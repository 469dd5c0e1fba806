/**
 * The server that tests of S3 and SQS run on: at `PLUMBLINE_TEST_S3_URL`, which
 * `scripts/services/moto/start` prints. Without it they are skipped, and say so; a server that was
 * asked for and does not answer fails them.
 */
import { randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { createS3Objects, type S3Objects } from '../../src/ingest/sources/s3/objects.js';

export const s3Url = process.env['PLUMBLINE_TEST_S3_URL'] ?? '';

/** For `describe`: why it is skipped, or false. */
export const withoutS3 = s3Url === '' ? 'PLUMBLINE_TEST_S3_URL names no server' : false;

/** For child processes: the server and keys that it takes. */
export const s3Environment = {
  PLUMBLINE_S3_ENDPOINT: s3Url,
  PLUMBLINE_AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
} as const;

const shared = {
  region: 'us-east-1',
  endpoint: s3Url,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 2,
} as const;

export function openS3Client(): S3Client {
  return new S3Client({ ...shared, forcePathStyle: true });
}

export function openSqsClient(): SQSClient {
  return new SQSClient(shared);
}

export interface TestBucket {
  readonly name: string;
  readonly client: S3Client;
  readonly objects: S3Objects;
  /** The calls that `objects` made: `GetObjectCommand notes/a.md`. */
  readonly calls: readonly string[];
  /** Of one command, since the last time. */
  takeCalls(command: string): readonly string[];
  put(key: string, body: string | Uint8Array, options?: PutOptions): Promise<void>;
  delete(key: string): Promise<void>;
  tag(key: string, tags: Readonly<Record<string, string>>): Promise<void>;
}

export interface PutOptions {
  readonly contentType?: string;
}

/** A bucket of its own. */
export async function makeBucket(): Promise<TestBucket> {
  const client = openS3Client();
  const name = `test-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: name }));
  const watched = openS3Client();
  const calls: string[] = [];
  watched.middlewareStack.add(
    (next, context) => async (args) => {
      const key: unknown = Reflect.get(args.input, 'Key') ?? Reflect.get(args.input, 'Prefix');
      calls.push(`${context.commandName ?? ''} ${typeof key === 'string' ? key : ''}`);
      return next(args);
    },
    { step: 'initialize', name: 'countCalls' },
  );
  return {
    name,
    client,
    objects: createS3Objects(watched),
    calls,
    takeCalls(command) {
      const own = calls.filter((call) => call.startsWith(`${command} `));
      calls.length = 0;
      return own.map((call) => call.slice(command.length + 1)).sort();
    },
    async put(key, body, { contentType } = {}) {
      await client.send(
        new PutObjectCommand({
          Bucket: name,
          Key: key,
          Body: body,
          ...(contentType === undefined ? {} : { ContentType: contentType }),
        }),
      );
    },
    async delete(key) {
      await client.send(new DeleteObjectCommand({ Bucket: name, Key: key }));
    },
    async tag(key, tags) {
      const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      await client.send(new PutObjectTaggingCommand({ Bucket: name, Key: key, Tagging: { TagSet } }));
    },
  };
}

export interface TestQueue {
  readonly url: string;
  readonly client: SQSClient;
  send(body: unknown): Promise<void>;
  /** Messages that wait, and those that are hidden. */
  counts(): Promise<{ readonly waiting: number; readonly hidden: number }>;
  /** Messages of the dead letter queue, once there are that many. */
  deadLetters(least: number): Promise<readonly string[]>;
}

/** A queue of its own, whose messages go to a dead letter queue after so many receipts. */
export async function makeQueue(maxReceiveCount = 3): Promise<TestQueue> {
  const client = openSqsClient();
  const make = async (attributes: Readonly<Record<string, string>>): Promise<string> => {
    const { QueueUrl } = await client.send(
      new CreateQueueCommand({ QueueName: `test-${randomUUID()}`, Attributes: attributes }),
    );
    return QueueUrl ?? '';
  };
  const deadUrl = await make({});
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: deadUrl, AttributeNames: ['QueueArn'] }),
  );
  const url = await make({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount }),
  });
  return {
    url,
    client,
    async send(body) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: text }));
    },
    async counts() {
      const answer = await client.send(
        new GetQueueAttributesCommand({
          QueueUrl: url,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      return {
        waiting: Number(answer.Attributes?.ApproximateNumberOfMessages),
        hidden: Number(answer.Attributes?.ApproximateNumberOfMessagesNotVisible),
      };
    },
    async deadLetters(least) {
      const bodies = new Map<string, string>();
      while (bodies.size < least) {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({ QueueUrl: deadUrl, WaitTimeSeconds: 5, MaxNumberOfMessages: 10 }),
        );
        for (const { MessageId = '', Body = '' } of Messages) bodies.set(MessageId, Body);
      }
      return [...bodies.values()];
    },
  };
}

/** An event as S3 itself sends it. */
export function s3Event(
  bucket: string,
  key: string,
  name = 'ObjectCreated:Put',
  sequencer?: string,
): unknown {
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        eventName: name,
        s3: {
          bucket: { name: bucket },
          object: {
            key: encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/'),
            ...(sequencer === undefined ? {} : { sequencer }),
          },
        },
      },
    ],
  };
}
