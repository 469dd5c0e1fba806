import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { Answer, Connection, Request } from '../../../src/stores/opensearch/connection.js';
import { createLeases } from '../../../src/stores/opensearch/lease.js';

/** A server that holds the turn's document alone; `beforeAnswer` runs when a change has been made. */
function leaseServer(): { readonly connection: Connection; beforeAnswer: (() => Promise<void>) | null } {
  let source: unknown = null;
  let seqNo = 0;
  const never = (): never => {
    throw new Error('not part of a turn');
  };
  const server = {
    beforeAnswer: null as (() => Promise<void>) | null,
    connection: {
      once: never,
      retried: never,
      close: never,
      async send({ method, query, body }: Request): Promise<Answer> {
        const at = { _seq_no: seqNo, _primary_term: 1 };
        if (method === 'GET') {
          return source === null
            ? { status: 404, body: { found: false }, repeated: false }
            : { status: 200, body: { ...at, _source: source }, repeated: false };
        }
        const fits = source === null ? query?.['op_type'] === 'create' : query?.['if_seq_no'] === seqNo;
        if (!fits) return { status: 409, body: {}, repeated: false };
        source = z.object({ body: z.string() }).parse(body);
        seqNo += 1;
        const answer = { status: 200, body: { _seq_no: seqNo, _primary_term: 1 }, repeated: false };
        const { beforeAnswer } = server;
        server.beforeAnswer = null;
        await beforeAnswer?.();
        return answer;
      },
    } satisfies Connection,
  };
  return server;
}

test('a turn whose taking is not answered yet is not taken over by another store of this thread', async () => {
  const server = leaseServer();
  const first = createLeases(server.connection);
  const second = createLeases(server.connection);
  const giveUp = new AbortController();
  server.beforeAnswer = async () => {
    // Long enough for the second to look several times; it ends by its own signal.
    const waiting = second.acquire('i', [], { signal: giveUp.signal });
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    giveUp.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
  };
  const lease = await first.acquire('i', [['a', 1]]);
  await lease.declare([['a', 2]]);
  await lease.release('done');
  const next = await second.acquire('i', []);
  assert.equal(next.token, lease.token + 1);
  assert.deepEqual(next.unfinished, []);
  await next.release('done');
});
