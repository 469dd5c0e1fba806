/** One way to ask OpenSearch. This is also the store's one retry layer. */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@opensearch-project/opensearch';
import { cancelled, throwIfCancelled } from '../../errors.js';
import type { CallOptions } from '../port.js';
import { unlessAborted } from './abort.js';
import { isTransient, readFault, translate } from './errors.js';
import { signer } from './sigv4.js';
import type { AwsSigning } from './sigv4.js';
import { readAuthorities } from './tls.js';

export interface Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  /** Lines of JSON, for bulk requests and multiple searches. */
  readonly lines?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Whether it was asked more than once: what it changes may have been changed before. */
  readonly repeated: boolean;
}

export interface Connection {
  /** One try, for callers that repeat only part of it inside {@link Connection.retried}. */
  once(request: Request, options?: CallOptions): Promise<unknown>;
  /**
   * @param expected statuses that are answers and not errors, beside success
   * @throws RetrievalError
   */
  send(request: Request, options?: CallOptions, expected?: readonly number[]): Promise<Answer>;
  /** Again, with longer and longer pauses, for as long as `run` meets transient faults. */
  retried<T>(run: (attempt: number) => Promise<T>, options?: CallOptions): Promise<T>;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** `http://HOST:PORT` or `https://…`. */
  readonly node: string;
  readonly username: string | null;
  readonly password: string | null;
  /** File with the certificates to trust, in place of Node's own. */
  readonly caFile?: string | null;
  /** Signs the requests in place of name and password. */
  readonly aws?: AwsSigning | null;
}

const MAX_ATTEMPTS = 6;
/** A server that says it is at its limit lives, and has room again when it has collected its garbage. */
const MAX_ATTEMPTS_AT_LIMIT = 10;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1000;
const REQUEST_TIMEOUT_MS = 60_000;

/** @throws RetrievalError `invalid_config` */
export function connect({
  node,
  username,
  password,
  caFile = null,
  aws = null,
}: ConnectionOptions): Connection {
  const client = new Client({
    node,
    ...(username === null ? {} : { auth: { username, password: password ?? '' } }),
    ...(caFile === null ? {} : { ssl: { ca: readAuthorities(caFile, node) } }),
    ...(aws === null ? {} : signer(aws)),
    maxRetries: 0,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });

  const attemptOnce = async (
    request: Request,
    expected: readonly number[],
    signal?: AbortSignal,
  ): Promise<Answer> => {
    throwIfCancelled(signal);
    const running = client.transport.request(
      {
        method: request.method,
        path: request.path,
        ...(request.query === undefined ? {} : { querystring: { ...request.query } }),
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        ...(request.lines === undefined ? {} : { bulkBody: request.lines }),
      },
      { ignore: [...expected] },
    );
    const onAbort = (): void => {
      running.abort();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    try {
      // At once, though credentials may still be on their way.
      const response = await unlessAborted(running, signal);
      return { status: response.statusCode ?? 0, body: response.body as unknown, repeated: false };
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  };

  const retried = async <T>(run: (attempt: number) => Promise<T>, options: CallOptions = {}): Promise<T> => {
    const { signal } = options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run(attempt);
      } catch (error) {
        const fault = readFault(error);
        const most = fault.status === 429 ? MAX_ATTEMPTS_AT_LIMIT : MAX_ATTEMPTS;
        const isLast = attempt >= most || signal?.aborted === true;
        if (isLast || !isTransient(fault)) throw translate(error, signal);
        const wait = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
        await pause(wait * (0.5 + Math.random()), signal);
      }
    }
  };

  return {
    once: async (request, options) => (await attemptOnce(request, [], options?.signal)).body,
    retried,
    send: (request, options = {}, expected = []) =>
      retried(async (attempt) => {
        const answer = await attemptOnce(request, expected, options.signal);
        return { ...answer, repeated: attempt > 1 };
      }, options),
    close: () => client.close(),
  };
}

/** @throws RetrievalError `cancelled` */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw cancelled(signal?.reason);
  }
}
