/** One call to Bedrock: sent once, within a time, with nothing kept of it. Retries are not here. */
import { BedrockRuntimeClient, InvokeModelCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { z } from 'zod';
import { clientConfig } from '../../bedrock/settings.js';
import type { BedrockSettings } from '../../bedrock/settings.js';
import { RetrievalError } from '../../errors.js';
import { invalidAnswer } from './codec.js';
import { CallFailed, toFailure } from './failures.js';

/** How Bedrock is reached, and how long a call may take. */
export interface BedrockConnection extends Omit<BedrockSettings, 'maxAttempts'> {
  /** Longest a single call may take. */
  readonly timeoutMs: number;
  /** Most calls at once. */
  readonly concurrency: number;
}

export interface BedrockClient {
  /**
   * @throws CallFailed, and RetrievalError `embedder_invalid_response` for an answer that is no JSON,
   * `provider_access_denied` where AWS gives no credentials
   */
  invoke(modelId: string, body: object, signal: AbortSignal): Promise<Invocation>;
  close(): void;
}

interface Invocation {
  readonly answer: unknown;
  /** As Bedrock counted them, where it says so. */
  readonly inputTokens: number | null;
}

const CONNECTION_TIMEOUT_MS = 5000;
/** The bodies of some models, Cohere's among them, do not tell it. */
const TOKENS_HEADER = 'x-amzn-bedrock-input-token-count';
const responseSchema = z.object({ headers: z.record(z.string(), z.string()) });

export async function createBedrockClient(connection: BedrockConnection): Promise<BedrockClient> {
  const { timeoutMs } = connection;
  // More than the documents' share: a question need not wait for a socket.
  const agent = { keepAlive: true, maxSockets: connection.concurrency + 2 };
  const client = new BedrockRuntimeClient({
    ...(await clientConfig(connection)),
    // The one layer of retries is the dispatcher's, which counts each against the budgets.
    retryMode: 'standard',
    maxAttempts: 1,
    // The SDK's own choice is HTTP/2, which many proxies and endpoints do not speak.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: Math.min(CONNECTION_TIMEOUT_MS, timeoutMs),
      httpAgent: agent,
      httpsAgent: agent,
    }),
  });

  return {
    async invoke(modelId, body, signal) {
      const command = new InvokeModelCommand({
        modelId,
        contentType: 'application/json',
        accept: 'application/json',
        body: JSON.stringify(body),
      });
      let inputTokens: number | null = null;
      command.middlewareStack.add(
        (next) => async (args) => {
          const result = await next(args);
          inputTokens = readTokens(result.response);
          return result;
        },
        { step: 'deserialize', name: 'plumblineTokenCount' },
      );
      const bytes = await within(timeoutMs, signal, async (abortSignal) => {
        const output = await client.send(command, { abortSignal });
        return output.body;
      });
      try {
        return { answer: JSON.parse(new TextDecoder().decode(bytes)) as unknown, inputTokens };
      } catch {
        throw invalidAnswer('it is not JSON');
      }
    },
    close() {
      client.destroy();
    },
  };
}

function readTokens(response: unknown): number | null {
  const parsed = responseSchema.safeParse(response);
  const tokens = Number(parsed.data?.headers[TOKENS_HEADER] ?? Number.NaN);
  return Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : null;
}

/**
 * Runs a call with an end. The SDK's own timeouts end with the answer's head, and a stream that
 * goes silent after it would never end; so the call is also left when its time is over.
 */
async function within<T>(
  timeoutMs: number,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let onAbort: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const left = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(new CallFailed({ kind: 'cancelled', reason: signal.reason }));
      controller.abort();
    };
    timer = setTimeout(() => {
      reject(new CallFailed({ kind: 'silent', timeoutMs }));
      controller.abort();
    }, timeoutMs);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  const calling = call(controller.signal);
  calling.catch(() => undefined);
  try {
    return await Promise.race([calling, left]);
  } catch (error) {
    throw isFinal(error) ? error : new CallFailed(toFailure(error));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Credentials that could not be had tell so themselves; asked for again, they may come. */
function isFinal(error: unknown): boolean {
  return error instanceof CallFailed || (error instanceof RetrievalError && !error.retryable);
}
