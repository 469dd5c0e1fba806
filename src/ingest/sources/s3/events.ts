/** Messages that tell of changes in S3: from S3 itself, wrapped by SNS, or from EventBridge. */
import { z } from 'zod';
import { RetrievalError } from '../../../errors.js';
import type { S3ObjectRef } from './location.js';

/** That something happened to an object; what it is now, only S3 knows. */
export interface S3Event extends S3ObjectRef {
  /** Orders the events of one key; null where the event has none. */
  readonly sequencer: string | null;
}

const notificationSchema = z.object({
  Records: z.array(
    z.object({
      eventSource: z.string().regex(/(?:^|:)s3$/u),
      s3: z.object({
        bucket: z.object({ name: z.string() }),
        object: z.object({ key: z.string(), sequencer: z.string().optional() }),
      }),
    }),
  ),
});

const eventBridgeSchema = z.object({
  source: z.literal('aws.s3'),
  detail: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({ key: z.string(), sequencer: z.string().optional() }),
  }),
});

const snsSchema = z.object({ Type: z.literal('Notification'), Message: z.string() });

/** What S3 sends when notifications are set up. */
const testSchema = z.object({ Event: z.literal('s3:TestEvent') });

/**
 * The events of a message; none for S3's test event.
 * @throws RetrievalError `invalid_request` for any other message. Its text is not repeated.
 */
export function parseEvents(body: string): readonly S3Event[] {
  const message = parseJson(body);
  const sns = snsSchema.safeParse(message);
  const inner = sns.success ? parseJson(sns.data.Message) : message;
  if (testSchema.safeParse(inner).success) return [];
  const notification = notificationSchema.safeParse(inner);
  if (notification.success) {
    return notification.data.Records.map(({ s3: { bucket, object } }) => ({
      bucket: bucket.name,
      // Encoded as a form's field; EventBridge leaves it as it is.
      key: decodeKey(object.key),
      sequencer: object.sequencer ?? null,
    }));
  }
  const eventBridge = eventBridgeSchema.safeParse(inner);
  if (!eventBridge.success) throw notAnEvent();
  const { bucket, object } = eventBridge.data.detail;
  return [{ bucket: bucket.name, key: object.key, sequencer: object.sequencer ?? null }];
}

/**
 * Compares sequencers of one key: they are hexadecimal, and the shorter is padded with zeros on the
 * right. Negative when `a` is the older one.
 */
export function compareSequencers(a: string, b: string): number {
  const length = Math.max(a.length, b.length);
  const [left, right] = [a, b].map((one) => one.toLowerCase().padEnd(length, '0')) as [string, string];
  return left < right ? -1 : Number(left > right);
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', '%20'));
  } catch {
    throw notAnEvent();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw notAnEvent();
  }
}

function notAnEvent(): RetrievalError {
  return new RetrievalError(
    'invalid_request',
    'The message is no event of S3, by itself, by SNS or by EventBridge; send only those to this queue',
    { field: 'message' },
  );
}
