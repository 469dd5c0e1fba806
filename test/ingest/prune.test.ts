import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RetrievalError } from '../../src/errors.js';
import { prune } from '../../src/ingest/prune.js';
import type { DeleteCeiling } from '../../src/ingest/types.js';
import { openBench } from './s3/support.js';

interface Pruned {
  readonly answer: number | RetrievalError;
  readonly deleted: readonly string[];
}

/** Of documents 0, 1, …, keeps the first ones. */
async function run(
  documents: number,
  kept: number,
  ceiling?: DeleteCeiling,
  there: readonly string[] = [],
): Promise<Pruned> {
  const ids = Array.from({ length: documents }, (_, index) => String(index).padStart(5, '0'));
  const deleted: string[] = [];
  const store: Parameters<typeof prune>[0] = {
    async listDocuments(_collection, { limit, after }) {
      const start = after === undefined ? 0 : ids.indexOf(after) + 1;
      const page = ids.slice(start, start + limit);
      const items = page.map((id) => ({
        id,
        title: null,
        source: null,
        metadata: {},
        contentHash: '',
        ingestedAt: '',
        chunkCount: 0,
      }));
      return { items, next: start + limit < ids.length ? (page.at(-1) ?? null) : null };
    },
    async deleteDocuments(_collection, gone) {
      deleted.push(...gone);
      return gone.length;
    },
  };
  const options = {
    ...(ceiling === undefined ? {} : { ceiling }),
    stillThere: async (): Promise<ReadonlySet<string>> => new Set(there),
  };
  try {
    return { answer: await prune(store, 'c', new Set(ids.slice(0, kept)), {}, options), deleted };
  } catch (error) {
    if (!(error instanceof RetrievalError)) throw error;
    return { answer: error, deleted };
  }
}

const share = (value: number): DeleteCeiling => ({ kind: 'share', share: value });
const most = (documents: number): DeleteCeiling => ({ kind: 'documents', documents });

describe('the ceiling of pruning', () => {
  for (const [documents, kept, ceiling] of [
    [3000, 0, undefined],
    [2500, 2250, share(0.1)],
    [300, 270, share(0.1)],
    [10, 7, share(0.3)],
    [10, 0, share(1)],
    [10, 8, most(2)],
    [10, 10, most(0)],
  ] as const) {
    it(`lets ${String(documents - kept)} of ${String(documents)} go within ${JSON.stringify(ceiling)}`, async () => {
      const { answer, deleted } = await run(documents, kept, ceiling);
      assert.equal(answer, documents - kept);
      assert.equal(deleted.length, documents - kept);
    });
  }

  for (const [documents, kept, ceiling, allowed] of [
    [2500, 2249, share(0.1), '10%'],
    [5, 4, share(0.1), '10%'],
    [10, 7, most(2), '2'],
    [10, 9, most(0), '0'],
    [1000, 1, share(0.125), '12.5%'],
  ] as const) {
    it(`lets none of ${String(documents - kept)} of ${String(documents)} go beyond ${allowed}`, async () => {
      const { answer, deleted } = await run(documents, kept, ceiling);
      assert.ok(answer instanceof RetrievalError);
      assert.equal(answer.code, 'prune_refused');
      assert.equal(answer.field, 'max_delete');
      assert.equal(answer.details['vanished'], documents - kept);
      assert.ok(
        answer.message.includes(`more than the ${allowed} that`) && answer.message.includes('--force'),
      );
      assert.deepEqual(deleted, []);
    });
  }

  it('spares what the source has by now', async () => {
    const { answer, deleted } = await run(3, 1, undefined, ['00001']);
    assert.deepEqual([answer, deleted], [1, ['00002']]);
  });

  it('holds for every source, and what was read is written all the same', async () => {
    const { runtime } = await openBench();
    const source = (ids: readonly string[], text: string): Parameters<typeof runtime.ingest>[1] => ({
      total: ids.length,
      async *items() {
        for (const id of ids) {
          yield { kind: 'document', document: { id, format: 'text', content: text, metadata: {} } };
        }
      },
    });
    await runtime.ingest('c', source(['a', 'b', 'c', 'd'], 'old'));
    await assert.rejects(
      runtime.ingest('c', source(['a'], 'new'), { prune: true, maxDelete: share(0.5) }),
      (error) => error instanceof RetrievalError && error.code === 'prune_refused',
    );
    assert.equal(await runtime.catalog.countDocuments('c'), 4);
    assert.equal((await runtime.catalog.getDocument('c', 'a')).document.text, 'new');
  });
});
