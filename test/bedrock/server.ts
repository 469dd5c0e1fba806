/**
 * A loopback HTTP server that speaks Amazon Bedrock's wire format, for the real AWS SDK clients.
 * What the operations answer is given as handlers; this file receives, records, demands a SigV4
 * signature, and makes the faults that a network and a busy service make.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeRequest {
  readonly method: string;
  /** Path as sent, without the query string; still percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The parsed JSON body; null when there is none. */
  readonly body: unknown;
  /** The very bytes. */
  readonly raw: string;
  /** `performance.now()` when it was whole. */
  readonly at: number;
}

export type FakeReply =
  | { readonly kind: 'json'; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }
  /** An event stream; frames are made by event-stream.ts and sent one by one. */
  | {
      readonly kind: 'events';
      readonly frames: readonly Buffer[];
      readonly headers?: Readonly<Record<string, string>>;
      /** The stream stays open behind the frames; called when the client has gone. */
      readonly onGone?: () => void;
    }
  | FakeError;

/** An error as AWS words it. */
export interface FakeError {
  readonly kind: 'error';
  /** `ThrottlingException`, `ValidationException`, … */
  readonly name: string;
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Null: not this handler's path. */
export type FakeHandler = (request: FakeRequest) => FakeReply | null | Promise<FakeReply | null>;

/** What happens to a request instead of its answer. */
export type Fault =
  | { readonly kind: 'reply'; readonly reply: FakeReply }
  /** The connection is cut before any answer. */
  | { readonly kind: 'reset' }
  /** Half of the true answer's bytes, then the connection is cut. */
  | { readonly kind: 'half' }
  /** Nothing is ever answered. */
  | { readonly kind: 'silence' };

export interface FakeBedrock {
  /** `http://127.0.0.1:PORT`, for the clients' `endpoint`. */
  readonly url: string;
  /** All requests so far, faults included, in order of arrival. */
  readonly requests: readonly FakeRequest[];
  /** Queues faults: each next request takes one. */
  fail(...faults: readonly Fault[]): void;
  /** Asked for every request before the queue; null: no fault. */
  failWhen(decide: ((request: FakeRequest) => Fault | null) | null): void;
  /** Forgets requests and faults. */
  reset(): void;
  close(): Promise<void>;
}

export interface FakeOptions {
  readonly handlers: readonly FakeHandler[];
  /** How long each answer takes, in milliseconds. */
  readonly latencyMs?: number;
}

export function awsError(
  name: string,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): FakeError {
  return { kind: 'error', name, status, message, headers };
}

/** HTTP 429 as Bedrock throttles. */
export function throttled(retryAfterSeconds?: number): FakeError {
  return awsError(
    'ThrottlingException',
    429,
    'Too many requests, please wait before trying again.',
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  );
}

export async function startFakeBedrock(options: FakeOptions): Promise<FakeBedrock> {
  const requests: FakeRequest[] = [];
  const faults: Fault[] = [];
  let decide: ((request: FakeRequest) => Fault | null) | null = null;

  const server = createServer((incoming, response) => {
    void receive(incoming).then(async (request) => {
      requests.push(request);
      const fault = decide?.(request) ?? faults.shift() ?? null;
      if (fault?.kind === 'reset') {
        incoming.socket.destroy();
        return;
      }
      if (fault?.kind === 'silence') return;
      const reply = fault?.kind === 'reply' ? fault.reply : await answer(options.handlers, request);
      const send = (): void => {
        if (fault?.kind === 'half') sendHalf(response, reply);
        else sendReply(response, reply);
      };
      if (options.latencyMs === undefined) send();
      else setTimeout(send, options.latencyMs);
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    requests,
    fail: (...next) => void faults.push(...next),
    failWhen(next) {
      decide = next;
    },
    reset() {
      requests.length = 0;
      faults.length = 0;
      decide = null;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function receive(incoming: IncomingMessage): Promise<FakeRequest> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const raw = Buffer.concat(parts).toString('utf8');
  const [path = '/'] = (incoming.url ?? '/').split('?', 1);
  let body: unknown = null;
  if (raw !== '') body = JSON.parse(raw) as unknown;
  return {
    method: incoming.method ?? 'GET',
    path,
    headers: incoming.headers,
    body,
    raw,
    at: performance.now(),
  };
}

/** What AWS itself refuses first, then the handler whose path it is. */
async function answer(handlers: readonly FakeHandler[], request: FakeRequest): Promise<FakeReply> {
  const refusal = signatureProblem(request);
  if (refusal !== null) return refusal;
  for (const handler of handlers) {
    const reply = await handler(request);
    if (reply !== null) return reply;
  }
  return awsError('UnknownOperationException', 404, 'No such operation');
}

const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[a-z0-9-]+\/bedrock\/aws4_request, ?SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, ?Signature=[0-9a-f]{64}$/u;

function signatureProblem(request: FakeRequest): FakeError | null {
  const { authorization } = request.headers;
  if (typeof authorization !== 'string') {
    return awsError('MissingAuthenticationTokenException', 403, 'Missing Authentication Token');
  }
  if (!SIGNATURE.test(authorization) || request.headers['x-amz-date'] === undefined) {
    return awsError(
      'IncompleteSignatureException',
      403,
      'The request signature does not conform to AWS standards',
    );
  }
  return null;
}

function sendReply(response: ServerResponse, reply: FakeReply): void {
  const { status, headers, bytes } = toHttp(reply);
  response.writeHead(status, headers);
  for (const part of bytes) response.write(part);
  if (reply.kind === 'events' && reply.onGone !== undefined) response.once('close', reply.onGone);
  else response.end();
}

function sendHalf(response: ServerResponse, reply: FakeReply): void {
  const { status, headers, bytes } = toHttp(reply);
  const whole = Buffer.concat(bytes);
  response.writeHead(status, { ...headers, 'content-length': String(whole.length) });
  response.write(whole.subarray(0, Math.ceil(whole.length / 2)), () => {
    response.destroy();
  });
}

function toHttp(reply: FakeReply): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: readonly Buffer[];
} {
  switch (reply.kind) {
    case 'json':
      return {
        status: 200,
        headers: { 'content-type': 'application/json', ...reply.headers },
        bytes: [Buffer.from(JSON.stringify(reply.body))],
      };
    case 'events':
      return {
        status: 200,
        headers: { 'content-type': 'application/vnd.amazon.eventstream', ...reply.headers },
        bytes: reply.frames,
      };
    case 'error':
      return {
        status: reply.status,
        headers: { 'content-type': 'application/json', 'x-amzn-errortype': reply.name, ...reply.headers },
        bytes: [Buffer.from(JSON.stringify({ message: reply.message }))],
      };
    default:
      return reply satisfies never;
  }
}
