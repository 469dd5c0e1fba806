import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { RetrieveCommandInput } from '@aws-sdk/client-bedrock-agent-runtime';
import { RetrievalError } from '../../src/errors.js';
import { queryAnswerSchema, queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryAnswer, QueryInput } from '../../src/retrieval/schema.js';
import { scoreOf } from '../../src/retrieval/score.js';
import { rerankHandler } from '../bedrock/rerank.js';
import { knowledgeBaseHandler } from '../bedrock/retrieve.js';
import type { KbChunk } from '../bedrock/retrieve.js';
import { openBedrockRuntime } from '../bedrock/runtime.js';
import type { BedrockRuntime } from '../bedrock/runtime.js';
import { awsError } from '../bedrock/server.js';
import type { Fault } from '../bedrock/server.js';

const ID = 'KB12345678';
const COUNT = 230;

const chunks: readonly KbChunk[] = Array.from({ length: COUNT }, (_, index) => ({
  id: `chunk-${String(index)}`,
  uri: `s3://policies/${String(Math.floor(index / 2))}.md`,
  text: `Leave policy number ${String(index)}.`,
  score: 1 - index / 1000,
  metadata: {
    dept: index % 2 === 0 ? 'HR' : 'IT',
    version: index,
    doc: `doc-${String(Math.floor(index / 2))}`,
  },
}));

const BASE = { id: ID, search_type: 'SEMANTIC', fields: { dept: 'keyword', version: 'number' } } as const;

describe('a knowledge base as a collection', () => {
  const teardown: (() => Promise<void>)[] = [];
  let opened: BedrockRuntime;

  before(async () => {
    opened = await openBedrockRuntime(
      { after: (run) => void teardown.push(run as () => Promise<void>) },
      {
        handlers: [
          knowledgeBaseHandler({ id: ID, chunks, hybrid: false }),
          rerankHandler({ score: (_query, text) => Number(/number (\d+)/u.exec(text)?.[1]) }),
        ],
        knowledgeBases: [
          { ...BASE, name: 'policies' },
          { ...BASE, name: 'hybrid', search_type: 'HYBRID' },
          { ...BASE, name: 'named', document_id_key: 'doc' },
          { ...BASE, name: 'gone', id: 'KB00000000' },
        ],
      },
    );
  });
  beforeEach(() => {
    opened.fake.reset();
  });
  after(async () => {
    for (const run of teardown) await run();
  });

  const ask = (input: Partial<QueryInput> = {}, name = 'policies'): Promise<QueryAnswer> =>
    opened.runtime.retrieve(name, queryRequestSchema.parse({ query: 'leave policy', ...input }));
  const sent = (index = 0) => opened.fake.requests[index]?.body as RetrieveCommandInput;

  test('hits have the shape of any collection’s', async () => {
    const answer = await ask({ top_k: 2, explain: true });
    queryAnswerSchema.parse(answer);
    assert.deepEqual(
      [answer.collection, answer.mode, answer.model_version, answer.total],
      ['policies', 'vector', `bedrock-knowledge-base:${ID}`, 100],
    );
    const [hit] = answer.hits;
    assert.deepEqual(
      [hit?.chunk_id, hit?.document_id, hit?.source, hit?.text, hit?.score, hit?.metadata['dept']],
      ['chunk-0', 's3://policies/0.md', 's3://policies/0.md', 'Leave policy number 0.', 1, 'HR'],
    );
    assert.ok(hit?.explain !== undefined);
    assert.equal(scoreOf(hit.explain), 1);
  });

  test('the filter goes with the question, in its own language', async () => {
    const { hits } = await ask({ filter: { dept: 'IT', version: { $gt: 200 } }, top_k: 100 });
    assert.equal(hits.length, 15);
    assert.ok(hits.every(({ metadata }) => metadata['dept'] === 'IT'));
    assert.deepEqual(sent(), {
      retrievalQuery: { text: 'leave policy' },
      retrievalConfiguration: {
        vectorSearchConfiguration: {
          numberOfResults: 100,
          overrideSearchType: 'SEMANTIC',
          filter: {
            andAll: [
              { equals: { key: 'dept', value: 'IT' } },
              { greaterThan: { key: 'version', value: 200 } },
            ],
          },
        },
      },
    });
  });

  test('a filter that nothing can match asks nobody', async () => {
    assert.deepEqual((await ask({ filter: { dept: { $in: [] } } })).hits, []);
    assert.equal(opened.fake.requests.length, 0);
  });

  test('what its filters cannot say is refused with operator and field', async () => {
    await assert.rejects(ask({ filter: { dept: { $exists: false } } }), {
      code: 'invalid_filter',
      field: 'filter.dept',
      message: /\$exists/u,
    });
    await assert.rejects(ask({ filter: { nothing: 1 } }), { code: 'unknown_field' });
    assert.equal(opened.fake.requests.length, 0);
  });

  test('pages are cut from one list that nextToken brings', async () => {
    const whole = await ask({ candidates: 250, top_k: 250 });
    assert.deepEqual(
      whole.hits.map(({ chunk_id: id }) => id),
      chunks.map(({ id }) => id),
    );
    assert.equal(opened.fake.requests.length, 3);
    const paged: string[] = [];
    for (let offset = 0; offset < 250; offset += 50) {
      const page = await ask({ candidates: 250, top_k: 50, offset });
      assert.equal(page.total, COUNT);
      paged.push(...page.hits.map(({ chunk_id: id }) => id));
    }
    assert.deepEqual(
      paged,
      chunks.map(({ id }) => id),
    );
    await assert.rejects(ask({ top_k: 50, offset: 60 }), { field: 'candidates' });
  });

  test('hits group by document, which the file may name by a key of its own', async () => {
    const { hits } = await ask({ group_by_document: 'merge', top_k: 3 }, 'named');
    assert.deepEqual(
      hits.map(({ document_id: id, more }) => [id, more?.length]),
      [
        ['doc-0', 1],
        ['doc-1', 1],
        ['doc-2', 1],
      ],
    );
  });

  test('a reranker orders it as any collection', async () => {
    const { hits } = await ask({
      rerank: { model: 'amazon.rerank-v1:0', candidates: 20 },
      explain: true,
      top_k: 3,
    });
    assert.deepEqual(
      hits.map(({ chunk_id: id }) => id),
      ['chunk-19', 'chunk-18', 'chunk-17'],
    );
    assert.deepEqual(
      hits.map(({ explain }) => explain?.rerank?.rank),
      [1, 2, 3],
    );
  });

  test('hybrid search that its storage has not says what to change', async () => {
    await assert.rejects(ask({}, 'hybrid'), {
      code: 'unsupported_capability',
      field: 'mode',
      message: /search_type to SEMANTIC.*mode "vector"/u,
    });
    assert.equal((await ask({ mode: 'vector' }, 'hybrid')).hits.length, 10);
  });

  const unsupported: readonly (readonly [Partial<QueryInput>, string])[] = [
    [{ mode: 'keyword' }, 'mode'],
    [{ recency: { field: 'day', half_life_days: 1, weight: 0.5 } }, 'recency'],
    [{ neighbours: 1 }, 'neighbours'],
    [{ exact: true }, 'exact'],
    [{ ef_search: 10 }, 'ef_search'],
    [{ fusion: { method: 'rrf' } }, 'fusion'],
  ];
  for (const [input, field] of unsupported) {
    test(`${field} is refused, not left aside`, async () => {
      await assert.rejects(ask(input), { code: 'unsupported_capability', field });
      assert.equal(opened.fake.requests.length, 0);
    });
  }

  test('another model than it is expected to have is a mismatch', async () => {
    await assert.rejects(ask({ model_version: 'all-MiniLM' }), { code: 'model_mismatch' });
    await ask({ model_version: `bedrock-knowledge-base:${ID}` });
  });

  const reply = (body: unknown): Fault => ({ kind: 'reply', reply: { kind: 'json', body } });
  const faults: readonly (readonly [string, Fault, string])[] = [
    [
      'no access',
      { kind: 'reply', reply: awsError('AccessDeniedException', 403, 'leave policy') },
      'provider_access_denied',
    ],
    [
      'throttling',
      { kind: 'reply', reply: awsError('ThrottlingException', 429, 'leave policy') },
      'rate_limited',
    ],
    [
      'a failed dependency',
      { kind: 'reply', reply: awsError('DependencyFailedException', 424, 'leave policy') },
      'provider_unavailable',
    ],
    [
      'a refused filter',
      { kind: 'reply', reply: awsError('ValidationException', 400, 'The filter leave policy') },
      'invalid_filter',
    ],
    ['half an answer', { kind: 'half' }, 'provider_unavailable'],
    ['another form', reply({ retrievalResults: [{ score: 'high' }] }), 'provider_invalid_response'],
  ];
  for (const [what, fault, code] of faults) {
    test(`${what} is ${code}, without a word of the question`, async () => {
      opened.fake.fail(fault);
      const error: unknown = await ask().catch((thrown: unknown) => thrown);
      assert.ok(error instanceof RetrievalError);
      assert.equal(error.code, code, error.message);
      assert.ok(!JSON.stringify([error.message, error.details]).includes('leave policy'));
    });
  }

  test('a knowledge base that is not there is named', async () => {
    await assert.rejects(ask({}, 'gone'), { code: 'provider_refused', message: /KB00000000/u });
  });

  test('documents and the collection itself are AWS’s: each route is refused with the reason', async () => {
    const { runtime } = opened;
    const { catalog } = runtime;
    const source = { total: 0, items: () => assert.fail('Nothing is to be read') };
    const calls: (() => Promise<unknown>)[] = [
      () => runtime.ingest('policies', source),
      () => catalog.getDocument('policies', 'x'),
      () => catalog.listDocuments('policies', { limit: 1 }),
      () => catalog.countDocuments('policies'),
      () => catalog.deleteDocument('policies', 'x'),
      () => catalog.deleteByFilter('policies', { dept: 'HR' }),
      () => catalog.deleteCollection('policies'),
    ];
    for (const call of calls) {
      await assert.rejects(call(), {
        code: 'unsupported_capability',
        field: 'name',
        message: /Bedrock knowledge base/u,
      });
    }
    await assert.rejects(catalog.createCollection({ name: 'policies', embedder: 'fake' }), {
      code: 'collection_exists',
    });
  });
});
