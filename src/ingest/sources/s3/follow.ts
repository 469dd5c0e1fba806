/** Following a queue of S3 events until told to stop. */
import { setTimeout as wait } from 'node:timers/promises';
import { RetrievalError } from '../../../errors.js';
import type { ApplyPorts } from './apply.js';
import { workOnMessages, type BatchResult, type BatchScope } from './batch.js';
import type { EventQueue, QueueMessage } from './queue.js';

export interface FollowOptions {
  /** Stops the waiting for messages; what is being worked on is finished. */
  readonly signal: AbortSignal;
  /** How long a message stays hidden after the last sign of life; renewed while it is worked on. */
  readonly visibilitySeconds?: number;
  readonly onBatch?: (result: BatchResult) => void;
  /** Something that may pass: it is tried again. */
  readonly onTrouble?: (error: RetrievalError) => void;
}

const VISIBILITY_SECONDS = 120;
/** Signs of life within the time that a message stays hidden: two may be lost. */
const RENEWALS = 3;
const MAX_PAUSE_MS = 60_000;

/**
 * Receives messages and brings the documents of the objects they tell of up to date. A message is
 * deleted once its documents are written; of any other nothing is done, so that it comes again and
 * ends, as often as the queue says, in the queue's own dead letter queue.
 * @throws RetrievalError what will not pass by waiting, such as `model_mismatch` or `source_denied`.
 */
export async function followQueue(
  ports: ApplyPorts,
  queue: EventQueue,
  scope: BatchScope,
  options: FollowOptions,
): Promise<void> {
  const { signal, visibilitySeconds = VISIBILITY_SECONDS } = options;
  let troubles = 0;
  while (!signal.aborted) {
    try {
      const messages = await queue.receive(visibilitySeconds, { signal });
      if (messages.length > 0) {
        const result = await hidden(queue, messages, visibilitySeconds, () =>
          workOnMessages(ports, messages, scope, {}),
        );
        await queue.delete(
          messages.filter(({ id }) => result.done.has(id)),
          {},
        );
        options.onBatch?.(result);
      }
      troubles = 0;
    } catch (error) {
      if (isStop(error, signal)) return;
      if (!(error instanceof RetrievalError) || !error.retryable) throw error;
      options.onTrouble?.(error);
      troubles += 1;
      await pause(Math.min(1000 * 2 ** (troubles - 1), MAX_PAUSE_MS), signal);
    }
  }
}

/** Keeps the messages hidden from others while the work goes on. */
async function hidden<T>(
  queue: EventQueue,
  messages: readonly QueueMessage[],
  visibilitySeconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const timer = setInterval(
    () => {
      // Where this fails, others may get the message too; doing it twice does no harm.
      queue.hide(messages, visibilitySeconds, {}).catch(() => undefined);
    },
    (visibilitySeconds * 1000) / RENEWALS,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

function isStop(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error instanceof RetrievalError && error.code === 'cancelled';
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal }).catch(() => undefined);
}
