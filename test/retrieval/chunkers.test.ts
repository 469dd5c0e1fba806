/** Every chunker from a new collection to its hits, on every store; and the parents of `hierarchical`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CHUNKER_KINDS, chunkerSettings } from '../../src/catalog/chunker.js';
import { loadConfig } from '../../src/config.js';
import type { Source } from '../../src/ingest/types.js';
import type { RawDocument } from '../../src/model.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryAnswer, QueryInput } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createFakeEmbedder, type FakeEmbedder } from '../support/fake-embedder.js';
import { testStores, type OpenedStore } from '../support/stores.js';

const section = (name: string, words: string): string =>
  `## ${name}\n\n${Array.from({ length: 12 }, (_, at) => `Line ${String(at)} of ${name} tells of ${words}.`).join(' ')}\n\n`;
const manual = (id: string, extra = ''): RawDocument => ({
  id,
  format: 'markdown',
  content: `# Manual ${id}\n\n${section('Pumps', 'pumps and pressure')}${section('Motors', `motors and torque ${extra}`)}`,
  metadata: {},
});
const sourceOf = (...documents: readonly RawDocument[]): Source => ({
  total: documents.length,
  async *items() {
    for (const document of documents) yield { kind: 'document', document };
  },
});

for (const { name: storeName, open } of testStores()) {
  describe(`chunkers on ${storeName}`, () => {
    let opened: OpenedStore;
    let runtime: Runtime;
    let embedder: FakeEmbedder;
    const ask = (collection: string, input: QueryInput): Promise<QueryAnswer> =>
      runtime.retrieve(collection, queryRequestSchema.parse(input));

    before(async () => {
      opened = await open();
      embedder = createFakeEmbedder({ maxTokens: 128 });
      runtime = await openRuntime(loadConfig({}), {
        store: opened.store,
        openEmbedder: () => Promise.resolve(embedder),
      });
    });
    after(() => opened.close());

    for (const kind of CHUNKER_KINDS) {
      it(`${kind}: recorded with the generation, idempotent, and found`, async () => {
        const collection = `c-${kind}`;
        const made = await runtime.catalog.createCollection({
          name: collection,
          embedder: 'fake',
          chunker: { kind },
        });
        assert.deepEqual(made.generation.chunker, chunkerSettings({ kind }));
        const read = await runtime.catalog.getCollection(collection);
        assert.deepEqual(read.generation.chunker, chunkerSettings({ kind }));

        const first = await runtime.ingest(collection, sourceOf(manual('a'), manual('b')));
        assert.deepEqual(first.failed, []);
        assert.ok(kind === 'semantic' ? first.embedded > first.chunks : first.embedded === first.chunks);
        const asked = embedder.texts.length;
        const second = await runtime.ingest(collection, sourceOf(manual('a'), manual('b')));
        assert.equal(second.unchanged, 2);
        assert.equal(embedder.texts.length, asked, 'an unchanged document costs no embedding');
        const changed = await runtime.ingest(collection, sourceOf(manual('a', 'bearings')));
        assert.ok(changed.reused > 0, 'what stayed the same keeps its vector');

        const { hits } = await ask(collection, { query: 'torque of motors' });
        assert.match(hits[0]?.text ?? '', /torque/u);
        assert.equal(hits[0]?.matched !== undefined, kind === 'hierarchical');
      });
    }

    describe('hierarchical', () => {
      before(async () => {
        const chunker = { kind: 'hierarchical', childTokens: 32, parentTokens: 128 } as const;
        await runtime.catalog.createCollection({ name: 'h', embedder: 'fake', chunker });
        await runtime.ingest('h', sourceOf(manual('a'), manual('b')));
      });

      it("a hit is the parent's passage, once, with the children that matched", async () => {
        const { hits, total } = await ask('h', { query: 'torque of motors', top_k: 20 });
        assert.equal(total, hits.length);
        assert.equal(new Set(hits.map((hit) => `${hit.document_id} ${String(hit.start)}`)).size, hits.length);
        assert.ok(
          hits.some((hit) => (hit.matched?.length ?? 0) > 1),
          'two children of one parent make one hit',
        );
        for (const hit of hits) {
          const stored = await runtime.catalog.getDocument('h', hit.document_id);
          assert.equal(hit.text, stored.document.text.slice(hit.start, hit.end));
          const [best, ...others] = hit.matched ?? [];
          assert.equal(best?.chunk_id, hit.chunk_id);
          assert.equal(best.score, hit.score);
          assert.ok(others.every(({ score }) => score <= hit.score));
          for (const child of hit.matched ?? []) {
            assert.ok(child.start >= hit.start && child.end <= hit.end);
            const chunk = stored.chunks[child.ordinal];
            assert.equal(chunk?.id, child.chunk_id);
            assert.ok(hit.text.includes(chunk.text));
          }
          assert.ok(hit.text.length > best.end - best.start, 'a parent is larger than its child');
          assert.ok(hit.heading_path.length >= 1);
        }
      });

      it('by document, and with neighbours', async () => {
        const { hits } = await ask('h', {
          query: 'torque of motors',
          group_by_document: 'merge',
          neighbours: 1,
        });
        assert.equal(hits.length, 2);
        for (const hit of hits) {
          const spans = [hit, ...(hit.more ?? [])].map(({ start, end }) => `${String(start)}-${String(end)}`);
          assert.equal(new Set(spans).size, spans.length, 'more holds other parents');
          assert.ok((hit.more?.length ?? 0) > 0);
          for (const passage of hit.before ?? []) assert.ok(passage.end <= hit.start);
          for (const passage of hit.after ?? []) assert.ok(passage.start >= hit.end);
        }
      });

      it('pages do not overlap', async () => {
        const all = await ask('h', { query: 'pumps', top_k: 4 });
        const [first, second] = [0, 2].map((offset) => ask('h', { query: 'pumps', top_k: 2, offset }));
        const pages = [...((await first)?.hits ?? []), ...((await second)?.hits ?? [])];
        assert.deepEqual(
          pages.map((hit) => hit.chunk_id),
          all.hits.map((hit) => hit.chunk_id),
        );
      });

      it('a parent of more children than expected is read whole', async () => {
        const chunker = { kind: 'hierarchical', childTokens: 64, parentTokens: 128 } as const;
        await runtime.catalog.createCollection({ name: 'long', embedder: 'fake', chunker });
        // Tokens that are many words long: children close by characters, far below their tokens.
        const content = `# T\n\n${Array.from({ length: 60 }, (_, at) => `word${String(at)}`).join(' '.repeat(90))}`;
        await runtime.ingest('long', sourceOf({ id: 'x', format: 'markdown', content, metadata: {} }));
        const { hits } = await ask('long', { query: 'word7' });
        const { document } = await runtime.catalog.getDocument('long', 'x');
        for (const hit of hits) assert.equal(hit.text, document.text.slice(hit.start, hit.end));
      });
    });
  });
}
