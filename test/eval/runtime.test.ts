/** The whole way on the real runtime, with the exact store: chunks, both legs, fusion, groups, measures. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadDataSet } from '../../eval/dataset.js';
import { evaluate } from '../../eval/run.js';
import { sweepFusion } from '../../eval/sweep/fusion.js';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { jsonl, SMALL, withFolder, writeFiles, type Files } from './support.js';

const OWN = { kind: 'own', settings: { embedder: 'fake' } } as const;

/** 130 documents that all share a word, in several chunks each; each query names one document's own word. */
function crowd(): Files {
  const filler = (at: number): string =>
    Array.from(
      { length: 10 },
      (_, line) => `Common words of line ${String(line)} in place ${String(at)}.`,
    ).join(' ');
  const numbers = Array.from({ length: 130 }, (_, at) => at);
  return {
    'corpus.jsonl': jsonl(
      numbers.map((at) => ({
        _id: `d ${String(at)}`,
        title: `Entry ${String(at)}`,
        text: `${filler(at)} unique${String(at)}`,
      })),
    ),
    'queries.jsonl': jsonl(
      numbers.slice(0, 12).map((at) => ({ _id: `q${String(at)}`, text: `common unique${String(at * 7)}` })),
    ),
    'qrels/test.tsv': numbers
      .slice(0, 12)
      .map((at) => `q${String(at)}\td ${String(at * 7)}\t1\n`)
      .join(''),
  };
}

async function withRuntime<T>(work: (runtime: Runtime) => Promise<T>): Promise<T> {
  const embedder = createFakeEmbedder();
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    openEmbedder: () => Promise.resolve(embedder),
    embedders: ['fake'],
  });
  try {
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}

test('documents of many chunks still fill the depth, once each, and the keyword leg finds the one word', async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, crowd());
    const dataSet = await loadDataSet(folder, { split: 'test', corpus: true });
    await withRuntime(async (runtime) => {
      for (const mode of ['keyword', 'hybrid', 'vector'] as const) {
        const { record, run } = await evaluate(runtime, dataSet, { target: OWN, query: { mode } });
        assert.equal(record.collection.documents, 130);
        assert.ok(record.collection.chunks > 130);
        assert.equal(record.underfilled, 0, mode);
        for (const documents of run.values()) {
          assert.equal(new Set(documents.map(({ id }) => id)).size, 100);
        }
        if (mode === 'keyword') assert.equal(record.metrics['mrr@10'], 1);
      }
    });
  });
});

test('ingested once, then unchanged; a document that left the corpus leaves the named collection with it', async () => {
  await withFolder(async (parent) => {
    const folder = join(parent, 'small');
    await writeFiles(folder, SMALL);
    await withRuntime(async (runtime) => {
      const dataSet = await loadDataSet(folder, { split: 'test', corpus: true });
      const first = await evaluate(runtime, dataSet, { target: OWN });
      assert.deepEqual(first.record.ingest?.failed, []);
      assert.equal(first.record.ingest.added, 9);
      const { collection } = first.record.settings;
      // Something the corpus does not have, as an earlier, aborted run may have left.
      await runtime.ingest(collection, {
        total: 1,
        async *items() {
          const document = { id: 'stray', format: 'text', content: 'blue', metadata: {} } as const;
          yield await Promise.resolve({ kind: 'document', document } as const);
        },
      });
      const second = await evaluate(runtime, dataSet, { target: OWN });
      assert.equal(second.record.settings.collection, collection);
      assert.equal(second.record.ingest?.unchanged, 9);
      assert.equal(second.record.ingest.removed, 1);
      assert.equal(second.record.ingest.embedded, 0);
      assert.deepEqual(second.record.metrics, first.record.metrics);
      assert.equal(
        second.run.get('q2')?.some(({ id }) => id === 'stray'),
        false,
      );
    });
  });
});

test('a sweep over the real fusion: weight 1 ranks as the vector leg alone does', async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, SMALL);
    const dataSet = await loadDataSet(folder, { split: 'test', corpus: true });
    const rows = await withRuntime((runtime) => sweepFusion(runtime, dataSet, OWN));
    const named = new Map(rows.map((row) => [row.name, row.metrics]));
    assert.equal(rows.length, 25);
    assert.ok(
      Math.abs((named.get('tm2c2 1.00')?.['ndcg@10'] ?? -1) - (named.get('vector')?.['ndcg@10'] ?? -2)) <
        1e-9,
    );
  });
});
