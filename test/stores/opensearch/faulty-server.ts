/** A loopback server between a store and OpenSearch that stops working at a chosen request. */
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Whether the request at fault still came through: its answer is lost either way. */
export type Loss = 'request' | 'answer';

export interface FaultyServer {
  readonly node: string;
  /** From the request of that number on (the first is 1) nothing works. Answers how many came since. */
  breakAt(request: number, loss: Loss): void;
  /** Sends the request on that was lost, as a network may do with one after all. */
  deliverLate(): Promise<void>;
  /** Works again; answers how many requests there were since it was told to break. */
  repair(): number;
  close(): Promise<void>;
}

export async function startFaultyServer(target: string): Promise<FaultyServer> {
  let count = 0;
  let breaksAt = Infinity;
  let loss: Loss = 'request';
  let late: (() => Promise<unknown>) | null = null;
  const server = createServer((request, response) => {
    count += 1;
    const place = count;
    void (async () => {
      const body = await bodyOf(request);
      const isLost = place >= breaksAt;
      const forward = (): Promise<Response> =>
        fetch(`${target}${request.url ?? ''}`, {
          method: request.method ?? 'GET',
          headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
          ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
        });
      if (place === breaksAt && loss === 'request') late = forward;
      if (!isLost || (place === breaksAt && loss === 'answer')) {
        const answer = await forward();
        const text = await answer.text();
        if (!isLost) {
          response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
          return;
        }
      }
      // An error that is not tried again, so that the test need not wait.
      response
        .writeHead(500, { 'content-type': 'application/json' })
        .end('{"error":{"type":"broken"},"status":500}');
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    node: `http://127.0.0.1:${String(port)}`,
    breakAt(request, lost) {
      count = 0;
      breaksAt = request;
      loss = lost;
      late = null;
    },
    async deliverLate() {
      await late?.();
    },
    repair() {
      breaksAt = Infinity;
      return count;
    },
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
