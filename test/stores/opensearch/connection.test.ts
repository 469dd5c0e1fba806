/** What the store does when its server answers badly, against a server that answers as it is told. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { RetrievalError, hasCode } from '../../../src/errors.js';
import { bulk, bulkItem } from '../../../src/stores/opensearch/bulk.js';
import { connect } from '../../../src/stores/opensearch/connection.js';
import type { Connection } from '../../../src/stores/opensearch/connection.js';
import { openOpenSearchStore } from '../../../src/stores/opensearch/index.js';

const SECRET = 'a text that was stored';

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

describe('the connection to OpenSearch', () => {
  let server: Server;
  let connection: Connection;
  let replies: (Reply | 'hang up' | 'nothing')[];
  let requests: { readonly url: string; readonly body: string }[];

  beforeEach(async () => {
    replies = [];
    requests = [];
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (part: string) => {
        body += part;
      });
      request.on('end', () => {
        requests.push({ url: request.url ?? '', body });
        const reply = replies.shift() ?? assert.fail('a request too many');
        if (reply === 'hang up') request.socket.destroy();
        else if (reply !== 'nothing') {
          response.writeHead(reply.status, { 'content-type': 'application/json' });
          response.end(JSON.stringify(reply.body));
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    connection = connect({ node: nodeOf(server), username: null, password: null });
  });
  afterEach(async () => {
    await connection.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('asks again after a lost connection and while the server is at its limit', async () => {
    replies.push('hang up', fault(429, 'rejected'), fault(503, 'busy'), fault(502, 'x'), {
      status: 200,
      body: {},
    });
    const answer = await connection.send({ method: 'GET', path: '/' });
    assert.deepEqual([answer.status, answer.repeated, requests.length], [200, true, 5]);
  });

  it('gives up after a while, and says that the store is unavailable', async () => {
    replies.push(...Array.from({ length: 6 }, () => fault(503, 'busy')));
    await assert.rejects(connection.send({ method: 'GET', path: '/' }), { code: 'store_unavailable' });
    assert.equal(requests.length, 6);
  });

  it('waits longer for a server that says it is at its limit', async () => {
    replies.push(...Array.from({ length: 9 }, () => fault(429, 'circuit_breaking_exception')), {
      status: 200,
      body: {},
    });
    assert.equal((await connection.send({ method: 'GET', path: '/' })).status, 200);
    assert.equal(requests.length, 10);
  });

  it('does not ask again where that would not help, and repeats nothing of what the server says', async () => {
    replies.push(fault(400, 'mapper_parsing_exception'));
    await assert.rejects(connection.send({ method: 'GET', path: '/' }), (error: unknown) => {
      assert.ok(hasCode(error, 'store_error'));
      assert.doesNotMatch(everythingIn(error), new RegExp(SECRET, 'u'));
      assert.match(everythingIn(error), /mapper_parsing_exception/u);
      return true;
    });
    assert.equal(requests.length, 1);
  });

  it('ends at once when its caller goes, in a request and between two', async () => {
    for (const reply of ['nothing', fault(503, 'busy')] as const) {
      const controller = new AbortController();
      replies = [reply, 'nothing'];
      const sending = connection.send({ method: 'GET', path: '/' }, { signal: controller.signal });
      server.once('request', () => setImmediate(() => controller.abort()));
      await assert.rejects(sending, { code: 'cancelled' });
    }
  });

  it('repeats only those items of a bulk request that failed', async () => {
    replies.push(
      items(
        [201, null],
        [429, 'es_rejected_execution_exception'],
        [409, 'version_conflict_engine_exception'],
        [404, null],
      ),
      items([201, null]),
    );
    const outcome = await bulk(connection, 'index', [
      bulkItem('index', { _id: 'one' }, {}),
      bulkItem('index', { _id: 'two' }, {}),
      bulkItem('index', { _id: 'three' }, {}),
      bulkItem('delete', { _id: 'four' }),
    ]);
    assert.deepEqual(outcome, { conflicts: [2], repeated: true });
    assert.deepEqual(
      requests.map(({ body }) => [...body.matchAll(/"_id":"(\w+)"/gu)].map(([, id]) => id)),
      [['one', 'two', 'three', 'four'], ['two']],
    );
  });

  it('never takes a bulk request for done of which an item failed', async () => {
    const one = [bulkItem('index', { _id: 'one' }, { body: SECRET }), bulkItem('index', { _id: 'two' }, {})];
    replies.push(items([201, null], [400, 'strict_dynamic_mapping_exception']));
    await assert.rejects(bulk(connection, 'index', one), (error: unknown) => {
      assert.ok(hasCode(error, 'store_error'));
      assert.doesNotMatch(everythingIn(error), new RegExp(SECRET, 'u'));
      return true;
    });
    replies.push(...Array.from({ length: 6 }, () => items([503, 'unavailable_shards_exception'])));
    await assert.rejects(bulk(connection, 'index', one.slice(1)), { code: 'store_unavailable' });
    replies.push(items([201, null]));
    await assert.rejects(bulk(connection, 'index', one), { code: 'store_invalid_response' });
  });

  it('cuts a bulk request that is large', async () => {
    const large = Array.from({ length: 5 }, (_, at) =>
      bulkItem('index', { _id: String(at) }, { body: 'x'.repeat(2_000_000) }),
    );
    replies.push(items([201, null], [201, null]), items([201, null], [201, null]), items([201, null]));
    assert.deepEqual(await bulk(connection, 'index', large), { conflicts: [], repeated: false });
  });

  it('refuses indexes of a newer mapping, and such as are not its own', async () => {
    const open = (meta: unknown): Promise<unknown> => {
      replies.push({ status: 200, body: {} }, fault(400, 'resource_already_exists_exception'), {
        status: 200,
        body: { 'p-catalog': { mappings: { _meta: meta } } },
      });
      const options = {
        node: nodeOf(server),
        username: null,
        password: null,
        prefix: 'p',
        engine: 'faiss',
      } as const;
      return openOpenSearchStore(options);
    };
    await assert.rejects(open({ plumbline: { mapping: 3 } }), { code: 'schema_too_new' });
    await assert.rejects(open({ somebody: 'else' }), { code: 'store_error' });
  });
});

it('a server that is not there is an unavailable store', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const node = nodeOf(server);
  await new Promise((resolve) => server.close(resolve));
  const options = { node, username: 'user', password: 'hidden', prefix: 'p', engine: 'faiss' } as const;
  await assert.rejects(openOpenSearchStore(options), (error: unknown) => {
    assert.ok(hasCode(error, 'store_unavailable'));
    assert.doesNotMatch(everythingIn(error), /hidden/u);
    return true;
  });
});

function nodeOf(server: Server): string {
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

function fault(status: number, type: string): Reply {
  return { status, body: { error: { type, reason: `cannot parse ${SECRET}` }, status } };
}

function items(...outcomes: readonly (readonly [status: number, type: string | null])[]): Reply {
  return {
    status: 200,
    body: {
      items: outcomes.map(([status, type]) => ({
        index: { status, ...(type === null ? {} : { error: { type, reason: SECRET } }) },
      })),
    },
  };
}

function everythingIn(error: unknown): string {
  assert.ok(error instanceof RetrievalError);
  return `${String(error)} ${JSON.stringify(error)} ${String(error.cause)} ${JSON.stringify(error.cause)}`;
}
