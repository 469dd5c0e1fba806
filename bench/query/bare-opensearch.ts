/** The same requests by a bare client, which writes and reads the JSON itself. */
import { Transport } from '@opensearch-project/opensearch';
import type { ScratchIndexes } from '../support/scratch-opensearch.js';
import type { Bare } from './bare.js';

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly querystring?: Record<string, unknown>;
  readonly body?: string;
  readonly bulkBody?: string;
}

export function bareOpenSearch({ client }: Pick<ScratchIndexes, 'client'>): Bare {
  const prototype = Transport.prototype as unknown as Record<string, unknown>;
  const original = prototype['request'] as (...args: readonly unknown[]) => unknown;
  let sent: Sent[] | null = null;
  prototype['request'] = function request(this: unknown, ...args: readonly unknown[]): unknown {
    // A copy: the client rewrites what it is given.
    sent?.push({ ...(args[0] as Sent) });
    return Reflect.apply(original, this, args);
  };
  return {
    async record(run) {
      const own: Sent[] = [];
      sent = own;
      try {
        await run();
      } finally {
        sent = null;
      }
      const requests = own.map(({ method, path, querystring, body, bulkBody }) => ({
        method,
        path,
        ...(querystring === undefined ? {} : { querystring }),
        ...(body === undefined ? {} : { body: JSON.parse(body) as Record<string, unknown> }),
        ...(bulkBody === undefined ? {} : { bulkBody: toObjects(bulkBody) }),
      }));
      return {
        requests: requests.length,
        async send() {
          for (const request of requests) await client.transport.request(request);
        },
      };
    },
    async close() {
      prototype['request'] = original;
    },
  };
}

function toObjects(lines: string): Record<string, unknown>[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
