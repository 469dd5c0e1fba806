import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { hasCode } from '../../src/errors.js';
import { loadConfig } from '../../src/config.js';
import type { RawDocument } from '../../src/model.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryAnswer, QueryInput } from '../../src/retrieval/schema.js';
import { scoreOf } from '../../src/retrieval/score.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { sourceOf } from '../support/source.js';

const words = 'pump valve filter motor sensor cable engine rotor brake piston gasket nozzle'.split(' ');

/** Forty documents of a few sections, each with its own mixture of words and a date. */
function corpus(): readonly RawDocument[] {
  return Array.from({ length: 40 }, (_, index) => {
    const word = (offset: number): string => words[(index * 7 + offset) % words.length] ?? '';
    const section = (number: number): string =>
      `## Part ${String(number)}\n\n${`The ${word(number)} drives the ${word(number + 3)} of unit ${String(index)}. `.repeat(8)}`;
    return {
      id: `doc-${String(index).padStart(2, '0')}`,
      format: 'markdown',
      content: `# Manual ${String(index)}\n\n${[1, 2, 3].map(section).join('\n\n')}`,
      metadata: {
        group: index % 4,
        ...(index % 5 === 0 ? {} : { created_at: new Date(Date.UTC(2024, 0, 1 + index)).toISOString() }),
      },
    } as const;
  });
}

describe('retrieve', () => {
  let runtime: Runtime;
  let store: VectorStore;
  const ask = (input: Omit<QueryInput, 'query'> & { query?: string }): Promise<QueryAnswer> =>
    runtime.retrieve('c', queryRequestSchema.parse({ query: 'which motor drives the gasket', ...input }));

  before(async () => {
    store = createMemoryStore();
    const embedder = createFakeEmbedder();
    runtime = await openRuntime(loadConfig({}), {
      store,
      openEmbedder: () => Promise.resolve(embedder),
      now: () => Date.UTC(2024, 2, 1),
    });
    await runtime.catalog.createCollection({ name: 'c', embedder: 'fake', fields: { group: 'number' } });
    await runtime.ingest('c', sourceOf(corpus()));
  });

  it('answers with citation, section, span and pin', async () => {
    const answer = await ask({});
    assert.equal(answer.hits.length, 10);
    assert.match(answer.model_version, /^hashed-words@[0-9a-f]{12}$/u);
    const [hit] = answer.hits;
    assert.ok(hit !== undefined);
    assert.equal(hit.heading_path.length, 2);
    assert.equal(hit.title, hit.heading_path[0]);
    const { document } = await runtime.catalog.getDocument('c', hit.document_id);
    assert.ok(document.text.slice(hit.start, hit.end).includes(hit.text));
    assert.equal(hit.explain, undefined);
  });

  for (const mode of ['hybrid', 'vector', 'keyword'] as const) {
    for (const method of ['tm2c2', 'min_max', 'rrf'] as const) {
      it(`explains every ${mode} score exactly under ${method}, with and without recency`, async () => {
        for (const recency of [undefined, { field: 'created_at', half_life_days: 20, weight: 0.3 }]) {
          const answer = await ask({
            mode,
            fusion: { method },
            explain: true,
            top_k: 50,
            ...(recency === undefined ? {} : { recency }),
          });
          assert.ok(answer.hits.length > 0);
          for (const hit of answer.hits) {
            assert.ok(hit.explain !== undefined);
            assert.equal(scoreOf(hit.explain), hit.score);
            assert.equal(hit.explain.vector === null, mode === 'keyword');
            assert.equal(hit.explain.keyword === null, mode === 'vector');
          }
        }
      });
    }
  }

  it('does not let the depth decide the order: completed scores', async () => {
    const shallow = await ask({ candidates: 20, top_k: 5 });
    const deep = await ask({ candidates: 1000, top_k: 5 });
    assert.deepEqual(
      shallow.hits.map((hit) => hit.chunk_id),
      deep.hits.map((hit) => hit.chunk_id),
    );
  });

  it('pages without overlap or gap', async () => {
    const whole = await ask({ top_k: 60, candidates: 100 });
    const pages = [];
    for (const offset of [0, 20, 40]) pages.push(...(await ask({ top_k: 20, offset, candidates: 100 })).hits);
    assert.deepEqual(pages, whole.hits);
    await assert.rejects(ask({ top_k: 60, offset: 60, candidates: 100 }), (error) =>
      hasCode(error, 'invalid_request'),
    );
  });

  it('holds the filter in every mode', async () => {
    for (const mode of ['hybrid', 'vector', 'keyword'] as const) {
      const answer = await ask({ mode, filter: { group: 2 }, top_k: 30 });
      assert.ok(answer.hits.length > 0);
      assert.ok(answer.hits.every((hit) => hit.metadata['group'] === 2));
    }
    await assert.rejects(ask({ filter: { grup: 2 } }), (error) => hasCode(error, 'unknown_field'));
  });

  it('prefers newer documents as asked, and says from when it counted', async () => {
    const recency = { field: 'created_at', half_life_days: 5, weight: 1 };
    const answer = await ask({ recency, explain: true, top_k: 100, candidates: 1000 });
    const ages = answer.hits.map((hit) => hit.explain?.recency?.age_days ?? Infinity);
    assert.deepEqual(
      ages,
      [...ages].sort((a, b) => a - b),
    );
    assert.equal(answer.recency_now, '2024-03-01T00:00:00.000Z');
    await assert.rejects(
      ask({ recency: { field: 'group', half_life_days: 1, weight: 0.1 } }),
      (error) => hasCode(error, 'invalid_request') && error.field === 'recency.field',
    );
  });

  it('groups by document, merges its chunks, and cuts by score', async () => {
    const best = await ask({ group_by_document: 'best', top_k: 40, candidates: 200 });
    const ids = best.hits.map((hit) => hit.document_id);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(best.total, 40);
    const merged = await ask({ group_by_document: 'merge', top_k: 40, candidates: 200 });
    assert.deepEqual(
      merged.hits.map((hit) => hit.chunk_id),
      best.hits.map((hit) => hit.chunk_id),
    );
    assert.ok(merged.hits.some((hit) => (hit.more?.length ?? 0) > 0));
    const floor = best.hits[5]?.score ?? 0;
    const cut = await ask({ min_score: floor, top_k: 100 });
    assert.ok(cut.hits.every((hit) => hit.score >= floor));
    assert.ok(cut.total < 120);
  });

  it('brings the neighbours of a hit', async () => {
    const answer = await ask({ neighbours: 1, top_k: 20 });
    for (const hit of answer.hits) {
      assert.deepEqual(
        (hit.before ?? []).map((passage) => passage.ordinal),
        hit.ordinal === 0 ? [] : [hit.ordinal - 1],
      );
      assert.ok((hit.after ?? []).every((passage) => passage.ordinal === hit.ordinal + 1));
    }
    assert.ok(answer.hits.some((hit) => (hit.after?.length ?? 0) === 1));
  });

  it('refuses a model that is not the pinned one, and names both', async () => {
    const { model_version: version } = await ask({});
    assert.equal((await ask({ model_version: version })).model_version, version);
    await assert.rejects(
      ask({ model_version: 'other@000000000000' }),
      (error) => hasCode(error, 'model_mismatch') && error.message.includes(version),
    );
    const other = createFakeEmbedder({ pin: { precision: 'int8' } });
    const changed = await openRuntime(loadConfig({}), { store, openEmbedder: () => Promise.resolve(other) });
    await assert.rejects(changed.retrieve('c', queryRequestSchema.parse({ query: 'motor' })), (error) =>
      hasCode(error, 'model_mismatch'),
    );
    assert.deepEqual(other.texts.length <= 1, true);
  });

  it('embeds all of a question that is longer than the window', async () => {
    const filler = 'the rotor and the brake and the cable and the sensor and the pump '.repeat(12);
    const answer = await ask({ query: `${filler} gasket`, mode: 'vector' });
    assert.equal(answer.hits.length, 10);
  });

  it('asks again when a document is replaced between the legs and the hits', async () => {
    let replaced = 0;
    const document = corpus()[0];
    assert.ok(document !== undefined);
    const racing: VectorStore = {
      ...store,
      async getChunks(ref, ids, options) {
        if (replaced < 2) {
          replaced += 1;
          return new Map();
        }
        return store.getChunks(ref, ids, options);
      },
    };
    const embedder = createFakeEmbedder();
    const again = await openRuntime(loadConfig({}), {
      store: racing,
      openEmbedder: () => Promise.resolve(embedder),
    });
    const answer = await again.retrieve('c', queryRequestSchema.parse({ query: 'motor' }));
    assert.equal(replaced, 2);
    assert.equal(answer.hits.length, 10);
  });
});
