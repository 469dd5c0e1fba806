/** A TLS server on the loopback before OpenSearch that sees every request, and may answer it itself. */
import { createServer } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificate.js';

export interface Received {
  readonly method: string;
  /** With its query string. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  /** Nothing at all where absent. */
  readonly body?: unknown;
}

export interface TlsProxy {
  readonly host: string;
  readonly requests: readonly Received[];
  close(): Promise<void>;
}

/** @param answer what it says itself; null hands the request on to the target */
export async function startTlsProxy(
  target: string,
  { certificate, key }: Certificate,
  answer: (request: Received) => Reply | null,
): Promise<TlsProxy> {
  const requests: Received[] = [];
  const respond = async (request: IncomingMessage): Promise<{ status: number; text: string }> => {
    const body = await bodyOf(request);
    const received = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    requests.push(received);
    const own = answer(received);
    if (own !== null) {
      return { status: own.status, text: own.body === undefined ? '' : JSON.stringify(own.body) };
    }
    const { method, url, headers } = received;
    const response = await fetch(`${target}${url}`, {
      method,
      headers: { 'content-type': headers['content-type'] ?? 'application/json' },
      ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
    });
    return { status: response.status, text: await response.text() };
  };
  const server = createServer({ cert: certificate, key }, (request, response) => {
    respond(request).then(
      ({ status, text }) => response.writeHead(status, { 'content-type': 'application/json' }).end(text),
      () => response.destroy(),
    );
  });
  // A client that does not trust the certificate hangs up.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
