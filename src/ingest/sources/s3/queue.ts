/** The few calls to SQS that following makes. */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { RetrievalError, cancelled } from '../../../errors.js';
import type { CallOptions } from '../../../stores/port.js';
import { awsError, nameOf } from './errors.js';

export interface QueueMessage {
  readonly id: string;
  readonly receipt: string;
  readonly body: string;
}

export interface EventQueue {
  /** Waits a while for messages, at most ten, and hides them from others for that many seconds. */
  receive(visibilitySeconds: number, call: CallOptions): Promise<readonly QueueMessage[]>;
  /** Hides them for so long from now on; 0 gives them back. */
  hide(messages: readonly QueueMessage[], seconds: number, call: CallOptions): Promise<void>;
  delete(messages: readonly QueueMessage[], call: CallOptions): Promise<void>;
  close(): void;
}

/** SQS' own limits. */
const MAX_MESSAGES = 10;
const LONG_POLL_SECONDS = 20;

const receivedSchema = z.object({
  Messages: z
    .array(z.object({ MessageId: z.string(), ReceiptHandle: z.string(), Body: z.string() }))
    .default([]),
});

/** @throws RetrievalError `invalid_request` when the URL is none. */
export function createEventQueue(
  client: SQSClient,
  url: string,
  waitSeconds = LONG_POLL_SECONDS,
): EventQueue {
  if (!/^https?:\/\//u.test(url) || !URL.canParse(url)) {
    throw new RetrievalError(
      'invalid_request',
      '--follow takes the URL of an SQS queue, such as https://sqs.eu-west-1.amazonaws.com/111122223333/NAME',
      { field: 'follow' },
    );
  }
  return {
    async receive(visibilitySeconds, { signal }) {
      return call('sqs:ReceiveMessage', signal, async () => {
        const answer = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: url,
            MaxNumberOfMessages: MAX_MESSAGES,
            WaitTimeSeconds: waitSeconds,
            VisibilityTimeout: visibilitySeconds,
          }),
          abortable(signal),
        );
        return receivedSchema.parse(answer).Messages.map(({ MessageId, ReceiptHandle, Body }) => ({
          id: MessageId,
          receipt: ReceiptHandle,
          body: Body,
        }));
      });
    },

    async hide(messages, seconds, { signal }) {
      if (messages.length === 0) return;
      await call('sqs:ChangeMessageVisibility', signal, () =>
        client.send(
          new ChangeMessageVisibilityBatchCommand({
            QueueUrl: url,
            Entries: entriesOf(messages).map((entry) => ({ ...entry, VisibilityTimeout: seconds })),
          }),
          abortable(signal),
        ),
      );
    },

    async delete(messages, { signal }) {
      if (messages.length === 0) return;
      // One that could not be deleted comes again, and is found to be done.
      await call('sqs:DeleteMessage', signal, () =>
        client.send(
          new DeleteMessageBatchCommand({ QueueUrl: url, Entries: entriesOf(messages) }),
          abortable(signal),
        ),
      );
    },

    close() {
      client.destroy();
    },
  };
}

function entriesOf(
  messages: readonly QueueMessage[],
): { readonly Id: string; readonly ReceiptHandle: string }[] {
  return messages.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }));
}

async function call<T>(
  permission: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted === true) throw cancelled(signal.reason);
    const name = nameOf(error);
    if (name === 'QueueDoesNotExist' || name === 'AWS.SimpleQueueService.NonExistentQueue') {
      throw new RetrievalError('invalid_request', 'There is no queue of the URL given to --follow', {
        field: 'follow',
      });
    }
    throw awsError(error, `the queue (${permission})`);
  }
}

function abortable(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
