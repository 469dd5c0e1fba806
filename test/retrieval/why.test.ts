import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config.js';
import type { JsonObject, RawDocument } from '../../src/model.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryInput } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import type { WhyAnswer } from '../../src/retrieval/why-schema.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';

const NAME = 'parts';

/** An index that has lost some documents' chunks: only exact search finds them. */
function withHoles(store: VectorStore, lost: ReadonlySet<string>): VectorStore {
  return {
    ...store,
    async vectorLeg(ref, query, options) {
      const wide = query.exact === true ? query : { ...query, k: query.k + 100 };
      const { hits } = await store.vectorLeg(ref, wide, options);
      if (query.exact === true) return { hits, plan: { strategy: 'exact', matches: null } };
      const found = hits.filter(({ documentId }) => !lost.has(documentId)).slice(0, query.k);
      return { hits: found, plan: { strategy: 'approximate', matches: null } };
    },
  };
}

async function openBench(options: { readonly lost?: readonly string[] } = {}): Promise<Runtime> {
  const embedder = createFakeEmbedder();
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store: withHoles(createMemoryStore(), new Set(options.lost)),
    openEmbedder: () => Promise.resolve(embedder),
  });
  await runtime.catalog.createCollection({
    name: NAME,
    embedder: 'fake',
    fields: { dept: 'keyword', price: 'number', tags: 'keyword[]', open: 'boolean', made: 'date' },
  });
  const documents: RawDocument[] = [];
  const add = (id: string, content: string, metadata: JsonObject = {}): void => {
    documents.push({ id, format: 'text', content, metadata });
  };
  // The more of the question's words, the higher.
  for (let at = 0; at < 40; at += 1) {
    const words = Array.from({ length: 40 - at }, () => 'pump');
    const others = Array.from({ length: at }, (_, word) => `filler${String(at)}x${String(word)}`);
    add(`p${String(at).padStart(2, '0')}`, [...words, ...others].join(' '), {
      dept: at % 2 === 0 ? 'Legal' : 'Sales',
      price: at,
      open: at % 3 === 0,
      made: `2024-01-${String(1 + (at % 28)).padStart(2, '0')}`,
      ...(at % 4 === 0 ? { tags: ['a', 'b'] } : {}),
    });
  }
  add('far', 'zebra quagga okapi');
  add('blank', ' \n ');
  const summary = await runtime.ingest(NAME, {
    total: documents.length,
    async *items() {
      for (const document of documents) yield { kind: 'document', document };
    },
  });
  assert.deepEqual(summary.failed, []);
  return runtime;
}

function why(
  runtime: Runtime,
  document: string,
  input: Partial<QueryInput> = {},
  chunk?: string,
): Promise<WhyAnswer> {
  return runtime.why(NAME, {
    request: queryRequestSchema.parse({ query: 'pump', ...input }),
    document_id: document,
    ...(chunk === undefined ? {} : { chunk_id: chunk }),
  });
}

type Case = readonly [
  document: string,
  input: Partial<QueryInput>,
  stage: WhyAnswer['stage'],
  reason: RegExp,
];

const filters: readonly (readonly [document: string, filter: JsonObject, culprit: RegExp])[] = [
  ['p00', { dept: 'Sales' }, /"dept": \{"\$eq": "Sales"\}.*has "Legal"/u],
  ['p01', { dept: { $in: ['Legal', 'Ops'] } }, /"\$in": \["Legal","Ops"\].*has "Sales"/u],
  ['p00', { dept: { $ne: 'Legal' } }, /^.*not \{"dept": \{"\$eq": "Legal"\}\}/u],
  ['p00', { dept: { $nin: ['Legal'] } }, /not \{"dept": \{"\$in": \["Legal"\]\}\}/u],
  ['p05', { price: { $gt: 5 } }, /"price": \{"\$gt": 5\}.*has 5/u],
  ['p05', { price: { $gte: 6 } }, /"\$gte": 6/u],
  ['p05', { price: { $lt: 5 } }, /"\$lt": 5/u],
  ['p05', { price: { $lte: 4 } }, /"\$lte": 4/u],
  ['p01', { tags: 'a' }, /"tags".*has no such field/u],
  ['p04', { tags: 'c' }, /has \["a","b"\]/u],
  ['p01', { tags: { $exists: true } }, /"\$exists": true.*has no such field/u],
  ['p04', { tags: { $exists: false } }, /"tags"/u],
  ['p01', { open: true }, /"open": \{"\$eq": true\}.*has false/u],
  ['p03', { made: { $gte: '2024-02-01' } }, /"made": \{"\$gte": \d+\}/u],
  ['p03', { $and: [{ dept: 'Sales' }, { price: { $gt: 10 } }] }, /^[^&]*"price": \{"\$gt": 10\}[^&]*$/u],
  ['p03', { $or: [{ dept: 'Legal' }, { price: { $gt: 10 } }] }, /"dept".*"price"/u],
  ['p03', { $not: { dept: 'Sales' } }, /not \{"dept"/u],
  ['p03', { $not: { $or: [{ price: 3 }, { dept: 'Ops' }] } }, /not \{"price": \{"\$eq": 3\}\}/u],
  ['far', { dept: 'Legal' }, /has no such field/u],
  ['far', { price: { $lt: 1000 } }, /has no such field/u],
];

const cases: readonly Case[] = [
  ['none', {}, 'not_ingested', /no document of this id/u],
  ['p0', {}, 'not_ingested', /no document/u],
  ['P00', {}, 'not_ingested', /no document/u],
  ['blank', {}, 'no_text', /no text/u],
  ['blank', { filter: { dept: 'Legal' } }, 'no_text', /no text/u],
  ...filters.map(([document, filter, culprit]): Case => [document, { filter }, 'filtered_out', culprit]),
  ...filters
    .slice(0, 4)
    .map(([document, filter, culprit]): Case => [
      document,
      { filter, mode: 'keyword' },
      'filtered_out',
      culprit,
    ]),
  ['far', { candidates: 10 }, 'below_candidates', /vector leg.*none of its words/u],
  ['far', { candidates: 10, mode: 'vector' }, 'below_candidates', /number \d+ of the vector leg/u],
  ['far', { candidates: 10, mode: 'keyword' }, 'below_candidates', /none of its words/u],
  [
    'p39',
    { candidates: 10, top_k: 5 },
    'below_candidates',
    /number \d+ of the vector leg.*number \d+ of the keyword leg/u,
  ],
  ['p38', { candidates: 5, top_k: 5, mode: 'keyword' }, 'below_candidates', /number \d+ of the keyword leg/u],
  ['p37', { candidates: 5, top_k: 5, mode: 'vector' }, 'below_candidates', /number \d+ of the vector leg/u],
  ['p00', { min_score: 2 }, 'below_min_score', /min_score is 2/u],
  ['p01', { min_score: 1.5, mode: 'vector' }, 'below_min_score', /Lower min_score/u],
  ['p30', { min_score: 100, mode: 'keyword' }, 'below_min_score', /Lower min_score/u],
  ['p30', { top_k: 3 }, 'below_page', /number \d+, behind this page/u],
  ['p20', { top_k: 1 }, 'below_page', /Raise top_k/u],
  ['p20', { top_k: 1, mode: 'keyword' }, 'below_page', /Raise top_k/u],
  ['p20', { top_k: 1, mode: 'vector' }, 'below_page', /Raise top_k/u],
  ['p25', { top_k: 2, fusion: { method: 'rrf' } }, 'below_page', /Raise top_k/u],
  ['p25', { top_k: 2, group_by_document: 'best' }, 'below_page', /Raise top_k/u],
  ['p00', { offset: 20, top_k: 5 }, 'before_page', /a page before/u],
  ['p01', { offset: 30, top_k: 5, mode: 'keyword' }, 'before_page', /a page before/u],
  ['p02', { offset: 30, top_k: 5, mode: 'vector' }, 'before_page', /a page before/u],
  ['p00', {}, 'returned', /at place 1/u],
  ['p00', { filter: { dept: 'Legal' } }, 'returned', /at place 1/u],
  ['p39', { top_k: 50 }, 'returned', /at place \d+/u],
  ['far', { query: 'zebra' }, 'returned', /at place 1/u],
];

describe('why', () => {
  test('names the stage of every planted cause, and the query agrees', async () => {
    const runtime = await openBench();
    assert.ok(cases.length >= 50);
    for (const [document, input, stage, reason] of cases) {
      const found = await why(runtime, document, input);
      const label = `${document} ${JSON.stringify(input)}`;
      assert.equal(found.stage, stage, label);
      assert.match(found.reason, reason, label);
      assert.equal(found.filter.length > 0, stage === 'filtered_out', label);
      const answer = await runtime.retrieve(NAME, queryRequestSchema.parse({ query: 'pump', ...input }));
      const place = answer.hits.findIndex((hit) => hit.document_id === document);
      assert.equal(place >= 0, stage === 'returned', label);
      if (found.stage === 'returned') assert.equal(found.fused?.rank, place + 1 + (input.offset ?? 0), label);
    }
  });

  test('an index that lost a document is told apart from one that ranks it low', async () => {
    const lost = ['p00', 'p01', 'p02', 'p03', 'p04'];
    const runtime = await openBench({ lost });
    for (const document of lost) {
      const found = await why(runtime, document, { mode: 'vector', candidates: 10 });
      assert.equal(found.stage, 'ann_miss', document);
      assert.match(found.reason, /Raise ef_search/u);
      assert.ok(typeof found.vector?.rank === 'number' && found.vector.rank <= 10);
      assert.equal(
        (await why(runtime, document, { mode: 'vector', candidates: 10, exact: true })).stage,
        'returned',
      );
      // The keyword leg brings it all the same.
      assert.equal((await why(runtime, document, { candidates: 10 })).stage, 'returned');
    }
    assert.equal((await why(runtime, 'p39', { mode: 'vector', candidates: 10 })).stage, 'below_candidates');
  });

  test('a passage that another of its document stands for', async () => {
    const runtime = await openBench();
    const content = Array.from(
      { length: 6 },
      (_, at) => `# Part ${String(at)}\n\n${'pump '.repeat(30 - at)}\n`,
    ).join('\n');
    await runtime.ingest(NAME, {
      total: 1,
      async *items() {
        yield { kind: 'document', document: { id: 'long', format: 'markdown', content, metadata: {} } };
      },
    });
    const { chunks } = await runtime.catalog.getDocument(NAME, 'long');
    assert.ok(chunks.length > 1);
    let grouped = 0;
    for (const { id } of chunks) {
      const found = await why(runtime, 'long', { group_by_document: 'best', top_k: 50 }, id);
      if (found.stage === 'grouped_away') grouped += 1;
      else assert.equal(found.stage, 'returned');
      assert.equal((await why(runtime, 'long', { top_k: 50 }, id)).stage, 'returned');
      assert.equal(
        (await why(runtime, 'long', { group_by_document: 'merge', top_k: 50 }, id)).stage,
        'returned',
      );
    }
    assert.equal(grouped, chunks.length - 1);
    await assert.rejects(why(runtime, 'long', {}, 'nonesuch'), {
      code: 'invalid_request',
      field: 'chunk_id',
    });
  });

  test('a document that a generation does not have yet', async () => {
    const first = createFakeEmbedder({ name: 'first' });
    const second = createFakeEmbedder({ name: 'second', pin: { model: 'other' } });
    const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
      openEmbedder: (name) => Promise.resolve(name === 'first' ? first : second),
    });
    await runtime.catalog.createCollection({ name: NAME, embedder: 'first' });
    const document: RawDocument = { id: 'a', format: 'text', content: 'pump', metadata: {} };
    await runtime.ingest(NAME, {
      total: 1,
      async *items() {
        yield { kind: 'document', document };
      },
    });
    const { id } = await runtime.generations.start(NAME, { embedder: 'second' }, { by: 'test' });
    assert.equal((await why(runtime, 'a', { generation: id })).stage, 'not_built');
    await runtime.generations.build(NAME, id, { by: 'test' });
    assert.equal((await why(runtime, 'a', { generation: id })).stage, 'returned');
  });
});
