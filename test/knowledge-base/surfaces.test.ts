/** A knowledge base where collections are seen: the REST API, the command line, the evaluation. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runEval } from '../../eval/cli.js';
import { createApp } from '../../src/api/app.js';
import type { App } from '../../src/api/app.js';
import { CONFIG } from '../api/support.js';
import { rerankHandler } from '../bedrock/rerank.js';
import { knowledgeBaseHandler } from '../bedrock/retrieve.js';
import { openBedrockRuntime, textDocument } from '../bedrock/runtime.js';
import type { BedrockRuntime } from '../bedrock/runtime.js';
import { converseHandler } from '../bedrock/converse.js';
import { runInProcess } from '../cli/support.js';
import { jsonl, withFolder, writeFiles } from '../eval/support.js';

const ID = 'KB12345678';
const WORDS = ['red apples', 'green pears', 'blue plums', 'yellow lemons'];

describe('a knowledge base', () => {
  const teardown: (() => Promise<void>)[] = [];
  let opened: BedrockRuntime;
  let app: App;

  before(async () => {
    opened = await openBedrockRuntime(
      { after: (run) => void teardown.push(run as () => Promise<void>) },
      {
        handlers: [
          knowledgeBaseHandler({
            id: ID,
            chunks: WORDS.map((text, index) => ({
              id: `c${String(index)}`,
              uri: `s3://fruit/${String(index)}`,
              text: `About ${text}.`,
              metadata: { doc: `d${String(index)}` },
            })),
          }),
          // The worst first, so that its part is seen.
          rerankHandler({ score: (_query, _text, index) => index }),
          converseHandler({ say: () => ({ text: 'Red [S1].' }) }),
        ],
        documents: [textDocument('red', '# Apples\n\nApples are red.')],
        knowledgeBases: [
          {
            name: 'fruit',
            id: ID,
            search_type: 'SEMANTIC',
            fields: { doc: 'keyword' },
            document_id_key: 'doc',
          },
        ],
      },
    );
    app = await createApp({
      runtime: opened.runtime,
      config: CONFIG,
      version: '1.2.3',
      logSink: { write: () => undefined },
    });
  });
  after(async () => {
    await app.fastify.close();
    for (const run of teardown) await run();
  });

  const send = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => {
    const response = await app.fastify.inject({
      method,
      url: `/v1${path}`,
      headers: { host: 'localhost' },
      ...(body === undefined ? {} : { payload: body }),
    });
    return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
  };

  test('is listed and described beside the others', async () => {
    const { body } = await send('GET', '/collections');
    const all = body['collections'] as { readonly name: string; readonly kind?: string }[];
    assert.deepEqual(
      all.map(({ name, kind }) => [name, kind]),
      [
        ['fruit', 'bedrock-knowledge-base'],
        ['handbook', undefined],
      ],
    );
    assert.deepEqual((await send('GET', '/collections/fruit')).body, {
      name: 'fruit',
      kind: 'bedrock-knowledge-base',
      knowledge_base_id: ID,
      region: null,
      search_type: 'SEMANTIC',
      fields: { doc: 'keyword' },
      model_version: `bedrock-knowledge-base:${ID}`,
    });
  });

  test('is queried and answers by the same routes', async () => {
    const found = await send('POST', '/collections/fruit/query', {
      query: 'green pears',
      filter: { doc: 'd1' },
    });
    assert.equal(found.status, 200);
    assert.deepEqual(
      (found.body['hits'] as { document_id: string }[]).map((hit) => hit.document_id),
      ['d1'],
    );
    const answered = await send('POST', '/collections/fruit/answer', { query: 'green pears' });
    assert.deepEqual([answered.status, answered.body['answer']], [200, 'About green pears.']);
  });

  test('takes no documents, by any route', async () => {
    const document = { id: 'x', text: 'x', format: 'text' };
    const routes: readonly Parameters<typeof send>[] = [
      ['PUT', '/collections/fruit/documents', { documents: [document] }],
      ['GET', '/collections/fruit/documents'],
      ['GET', '/collections/fruit/documents/x'],
      ['DELETE', '/collections/fruit/documents/x'],
      ['POST', '/collections/fruit/documents/list', {}],
      ['POST', '/collections/fruit/documents/count', {}],
      ['POST', '/collections/fruit/documents/delete', { filter: { doc: 'd1' } }],
      ['DELETE', '/collections/fruit'],
    ];
    for (const route of routes) {
      const { status, body } = await send(...route);
      assert.deepEqual([status, body['code']], [422, 'unsupported_capability']);
    }
  });

  test('is on the command line as well', async () => {
    // The runtime is shared: a command's own close must not end it.
    const runtime = { ...opened.runtime, close: () => Promise.resolve() };
    const list = await runInProcess(['collections', 'list'], { runtime });
    assert.match(list.stdout, /fruit +– +– +bedrock-knowledge-base:KB12345678/u);
    const one = await runInProcess(['collections', 'describe', 'fruit'], { runtime });
    assert.match(one.stdout, /search +SEMANTIC/u);
    const query = await runInProcess(
      ['query', 'fruit', 'green', 'pears', '--explain', '--rerank', 'amazon.rerank-v1:0'],
      { runtime },
    );
    assert.match(query.stdout, /managed: relevance .*\n.*rerank +rank 1, score 3/u);
    const answer = await runInProcess(
      ['answer', 'handbook', 'are apples red?', '--model', 'amazon.nova-lite-v1:0'],
      { runtime },
    );
    assert.match(answer.stdout, /^Red \[S1\]\.\n\n\[S1\] Apples.*\n +red\.md · \w+\n[\s\S]*tokens in/u);
    const json = await runInProcess(
      ['answer', 'fruit', 'green pears', '--model', 'amazon.nova-lite-v1:0', '--json'],
      { runtime },
    );
    assert.equal((JSON.parse(json.stdout) as { grounded: boolean }).grounded, true);
    const wrong = await runInProcess(['query', 'fruit', 'x', '--rerank-candidates', '5'], { runtime });
    assert.equal(wrong.code, 2);
  });

  test('is measured as any collection, with a reranker or without', async () => {
    await withFolder(async (parent) => {
      const folder = join(parent, 'fruit');
      await writeFiles(folder, {
        'queries.jsonl': jsonl(WORDS.map((text, index) => ({ _id: `q${String(index)}`, text }))),
        'qrels/test.tsv': `query-id\tcorpus-id\tscore\n${WORDS.map((_, index) => `q${String(index)}\td${String(index)}\t1`).join('\n')}\n`,
      });
      const options = {
        folder,
        split: 'test',
        embedder: 'none',
        collection: 'fruit',
        output: () => undefined,
      };
      const plain = await runEval(opened.runtime, options);
      assert.equal(plain.metrics['mrr@10'], 1);
      assert.deepEqual(
        [plain.store, plain.model_version],
        ['bedrock-knowledge-base', `bedrock-knowledge-base:${ID}`],
      );
      const reranked = await runEval(opened.runtime, { ...options, rerank: { model: 'amazon.rerank-v1:0' } });
      assert.ok(reranked.metrics['mrr@10'] < 1);
      assert.deepEqual(reranked.settings.query['rerank'], {
        model: 'amazon.rerank-v1:0',
        candidates: 303,
        on_failure: 'fail',
      });
    });
  });
});
