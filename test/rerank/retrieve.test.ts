import assert from 'node:assert/strict';
import { before, beforeEach, describe, test, after } from 'node:test';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryAnswer, QueryInput } from '../../src/retrieval/schema.js';
import { scoreOf } from '../../src/retrieval/score.js';
import { openBedrockRuntime, textDocument } from '../bedrock/runtime.js';
import type { BedrockRuntime } from '../bedrock/runtime.js';
import { rerankHandler } from '../bedrock/rerank.js';
import { awsError } from '../bedrock/server.js';

const COUNT = 40;
const MODEL = 'cohere.rerank-v3-5:0';

/** A passage's number is its place in the reranker's order, and says nothing about the fused one. */
const documents = Array.from({ length: COUNT }, (_, index) =>
  textDocument(
    `d${String(index)}`,
    `# About leave\n\nLeave policy ${'leave '.repeat(index % 7)} number ${String(index)}.`,
    {
      day: '2024-01-01',
    },
  ),
);

function numberIn(text: string): number {
  return Number(/number (\d+)/u.exec(text)?.[1]);
}

describe('a query with a reranker', () => {
  const teardown: (() => Promise<void> | void)[] = [];
  let opened: BedrockRuntime;

  before(async () => {
    opened = await openBedrockRuntime(
      { after: (run) => void teardown.push(run as () => Promise<void>) },
      { handlers: [rerankHandler({ score: (_query, text) => 1 / (1 + numberIn(text)) })], documents },
    );
  });
  beforeEach(() => {
    opened.fake.reset();
  });
  after(async () => {
    for (const run of teardown) await run();
  });

  const ask = (input: Partial<QueryInput>): Promise<QueryAnswer> =>
    opened.runtime.retrieve('handbook', queryRequestSchema.parse({ query: 'leave policy', ...input }));
  const rerank = { model: MODEL, candidates: COUNT } as const;

  test('hits are in its order, with its rank and score in explain', async () => {
    const { hits, warnings, took_ms: took } = await ask({ rerank, explain: true, top_k: 5 });
    assert.deepEqual(
      hits.map(({ text }) => numberIn(text)),
      [0, 1, 2, 3, 4],
    );
    assert.deepEqual(
      hits.map(({ explain }) => explain?.rerank),
      hits.map(({ score }, place) => ({ rank: place + 1, score, model: MODEL })),
    );
    for (const { score, explain } of hits) {
      assert.ok(explain !== undefined);
      assert.equal(scoreOf(explain), score);
    }
    assert.equal(warnings, undefined);
    assert.ok(took.rerank !== undefined);
  });

  test('it reads the heading path too, and one call has all candidates', async () => {
    await ask({ rerank });
    assert.equal(opened.fake.requests.length, 1);
    const { sources } = opened.fake.requests[0]?.body as {
      sources: { inlineDocumentSource: { textDocument: { text: string } } }[];
    };
    assert.equal(sources.length, COUNT);
    assert.match(sources[0]?.inlineDocumentSource.textDocument.text ?? '', /^About leave\n/u);
  });

  test('pages of one request do not overlap and leave nothing out', async () => {
    const whole = (await ask({ rerank, top_k: COUNT })).hits.map(({ chunk_id: id }) => id);
    const paged: string[] = [];
    for (let offset = 0; offset < COUNT; offset += 7) {
      const page = await ask({ rerank, offset, top_k: Math.min(7, COUNT - offset) });
      paged.push(...page.hits.map(({ chunk_id: id }) => id));
      assert.equal(page.total, COUNT);
    }
    assert.deepEqual(paged, whole);
  });

  test('only the best of the fused order are seen', async () => {
    const fused = (await ask({ top_k: 10 })).hits.map(({ chunk_id: id }) => id);
    const { hits, total } = await ask({ rerank: { ...rerank, candidates: 10 } });
    assert.deepEqual(new Set(hits.map(({ chunk_id: id }) => id)), new Set(fused));
    assert.equal(total, 10);
  });

  test('top_k of the reranker bounds what is left', async () => {
    const { hits, total } = await ask({ rerank: { ...rerank, top_k: 3 }, top_k: 3 });
    assert.deepEqual(
      hits.map(({ text }) => numberIn(text)),
      [0, 1, 2],
    );
    assert.equal(total, 3);
  });

  test('a page beyond what is reranked is refused', async () => {
    await assert.rejects(ask({ rerank: { ...rerank, candidates: 10 }, top_k: 5, offset: 6 }), {
      code: 'invalid_request',
      field: 'rerank.candidates',
    });
    await assert.rejects(ask({ rerank: { ...rerank, top_k: 3 }, top_k: 4 }), { field: 'rerank.top_k' });
    assert.ok(
      !queryRequestSchema.safeParse({ query: 'x', rerank: { ...rerank, candidates: 2, top_k: 3 } }).success,
    );
    assert.ok(!queryRequestSchema.safeParse({ query: 'x', rerank: { ...rerank, candidates: 1001 } }).success);
  });

  test('it comes after recency and before grouping', async () => {
    const { hits } = await ask({
      rerank,
      explain: true,
      group_by_document: 'best',
      recency: { field: 'created_at', half_life_days: 30, weight: 0.5 },
      top_k: 3,
    });
    assert.deepEqual(
      hits.map(({ text }) => numberIn(text)),
      [0, 1, 2],
    );
    assert.ok(hits.every(({ explain }) => explain?.recency !== null && explain?.rerank !== undefined));
  });

  test('min_score is of the score that hits have', async () => {
    const { hits } = await ask({ rerank, min_score: 0.25 });
    assert.deepEqual(
      hits.map(({ text }) => numberIn(text)),
      [0, 1, 2, 3],
    );
  });

  test('a failure leaves the fused order, and a warning', async () => {
    const fused = await ask({ top_k: 10 });
    opened.fake.fail({ kind: 'reply', reply: awsError('InternalServerException', 500, 'leave policy') });
    const { hits, warnings = [] } = await ask({ rerank, top_k: 10 });
    assert.deepEqual(
      hits.map(({ chunk_id: id, score }) => [id, score]),
      fused.hits.map(({ chunk_id: id, score }) => [id, score]),
    );
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['rerank_failed'],
    );
    assert.match(warnings[0]?.message ?? '', /provider_unavailable/u);
    assert.ok(!(warnings[0]?.message ?? '').includes('leave policy'));
  });

  test('or fails, when the query says so', async () => {
    opened.fake.fail({ kind: 'reply', reply: awsError('AccessDeniedException', 403, 'no') });
    await assert.rejects(ask({ rerank: { ...rerank, on_failure: 'fail' } }), {
      code: 'provider_access_denied',
    });
  });

  test('a query that was given up fails in any case', async () => {
    const controller = new AbortController();
    opened.fake.failWhen(() => {
      controller.abort();
      return { kind: 'silence' };
    });
    const request = queryRequestSchema.parse({ query: 'leave', rerank });
    await assert.rejects(opened.runtime.retrieve('handbook', request, { signal: controller.signal }), {
      code: 'cancelled',
    });
  });
});
