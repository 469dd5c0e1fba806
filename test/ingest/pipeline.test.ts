import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RetrievalError, hasCode } from '../../src/errors.js';
import type { IngestProgress, IngestSummary, Source, SourceItem } from '../../src/ingest/types.js';
import type { RawDocument } from '../../src/model.js';
import type { Runtime } from '../../src/runtime-types.js';
import { openRuntime } from '../../src/runtime.js';
import { loadConfig } from '../../src/config.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import type { FakeEmbedder, FakeOptions } from '../support/fake-embedder.js';

function raw(id: string, content: string, metadata: RawDocument['metadata'] = {}): RawDocument {
  return { id, format: 'markdown', content, metadata };
}

function sourceOf(...items: readonly (RawDocument | SourceItem)[]): Source {
  return {
    total: items.length,
    async *items() {
      for (const item of items) yield 'kind' in item ? item : { kind: 'document', document: item };
    },
  };
}

interface Bench {
  readonly runtime: Runtime;
  readonly store: VectorStore;
  readonly embedder: FakeEmbedder;
}

async function open(options: FakeOptions = {}, store = createMemoryStore()): Promise<Bench> {
  const embedder = createFakeEmbedder(options);
  const runtime = await openRuntime(loadConfig({}), {
    store,
    openEmbedder: () => Promise.resolve(embedder),
    embedders: ['fake'],
  });
  return { runtime, store, embedder };
}

async function openWithCollection(options: FakeOptions = {}): Promise<Bench> {
  const bench = await open(options);
  await bench.runtime.catalog.createCollection({ name: 'c', embedder: 'fake' });
  return bench;
}

const long = (word: string): string => `${word} sentence that fills the section. `.repeat(20);

describe('ingest', () => {
  it('adds, then finds everything unchanged without embedding a text', async () => {
    const { runtime, embedder } = await openWithCollection();
    const source = sourceOf(
      raw('a', '# A\n\nalpha'),
      raw('b', `# B\n\n${long('beta')}\n\n## C\n\n${long('gamma')}`),
    );
    const first = await runtime.ingest('c', source);
    assert.equal(first.added, 2);
    assert.equal(first.chunks, first.embedded + first.reused);
    assert.ok(first.chunks > 2);
    const asked = embedder.texts.length;
    const second = await runtime.ingest('c', source);
    assert.deepEqual([second.added, second.changed, second.unchanged, second.embedded], [0, 0, 2, 0]);
    assert.equal(embedder.texts.length, asked);
  });

  it('embeds only the chunks of a changed document that changed', async () => {
    const { runtime, embedder } = await openWithCollection();
    const body = (end: string): string => `# T\n\n## One\n\n${long('one')}\n\n## Two\n\n${long('two')}${end}`;
    await runtime.ingest('c', sourceOf(raw('a', body(''))));
    const before = embedder.texts.length;
    const summary = await runtime.ingest('c', sourceOf(raw('a', body('A new end.'))));
    assert.equal(summary.changed, 1);
    assert.ok(summary.reused > 0);
    assert.equal(summary.embedded, embedder.texts.length - before);
    assert.ok(summary.embedded < summary.chunks);
  });

  it('takes a change of metadata alone without embedding, and answers by it', async () => {
    const { runtime } = await openWithCollection();
    await runtime.ingest('c', sourceOf(raw('a', 'alpha', { team: 'red' })));
    const summary = await runtime.ingest('c', sourceOf(raw('a', 'alpha', { team: 'blue' })));
    assert.deepEqual([summary.changed, summary.embedded], [1, 0]);
    assert.equal(await runtime.catalog.countDocuments('c', { team: 'blue' }), 1);
    assert.equal(await runtime.catalog.countDocuments('c', { team: 'red' }), 0);
  });

  it('goes on past bad documents and names each', async () => {
    const { runtime } = await openWithCollection();
    const summary = await runtime.ingest(
      'c',
      sourceOf(
        raw('good', 'fine', { size: 1 }),
        { kind: 'failed', name: 'bad.md', error: new RetrievalError('invalid_document', 'not UTF-8') },
        raw('conflict', 'fine', { size: 'large' }),
        raw('good', 'again'),
        raw('', 'no id'),
        raw('last', 'fine too'),
      ),
    );
    assert.equal(summary.added, 2);
    assert.deepEqual(summary.failed.map(({ name, code }) => [name, code]).sort(), [
      ['', 'invalid_document'],
      ['bad.md', 'invalid_document'],
      ['conflict', 'field_type_conflict'],
      ['good', 'invalid_document'],
    ]);
  });

  it('prunes what vanished, but not after a failure', async () => {
    const { runtime } = await openWithCollection();
    await runtime.ingest('c', sourceOf(raw('a', 'alpha'), raw('b', 'beta'), raw('c', 'gamma')));
    const bad: SourceItem = {
      kind: 'failed',
      name: 'x',
      error: new RetrievalError('invalid_document', 'unreadable'),
    };
    const kept = await runtime.ingest('c', sourceOf(raw('a', 'alpha'), bad), { prune: true });
    assert.deepEqual([kept.removed, kept.pruneSkipped], [0, true]);
    assert.equal(await runtime.catalog.countDocuments('c'), 3);
    const pruned = await runtime.ingest('c', sourceOf(raw('a', 'alpha')), { prune: true });
    assert.deepEqual([pruned.removed, pruned.pruneSkipped, pruned.unchanged], [2, false, 1]);

    // A pipe that broke before its first line looks like a source that lost everything.
    const empty = await runtime.ingest('c', sourceOf(), { prune: true });
    assert.deepEqual([empty.removed, empty.pruneSkipped], [0, true]);
    assert.equal(await runtime.catalog.countDocuments('c'), 1);
  });

  it('stores a document without text, and counts it', async () => {
    const { runtime } = await openWithCollection();
    const summary = await runtime.ingest('c', sourceOf(raw('empty', ''), raw('full', 'text')));
    assert.deepEqual([summary.added, summary.chunks], [2, 1]);
    assert.deepEqual(summary.withoutText, { documents: 1, ids: ['empty'] });
    const again = await runtime.ingest('c', sourceOf(raw('empty', ''), raw('full', '')));
    assert.deepEqual([again.changed, again.withoutText], [1, { documents: 1, ids: ['full'] }]);
    assert.equal((await runtime.catalog.getDocument('c', 'empty')).chunks.length, 0);
  });

  it('refuses any other pin before it reads a document', async () => {
    const { store } = await openWithCollection();
    for (const pin of [
      { revision: '2' },
      { dimensions: 31 },
      { pooling: 'cls' },
      { queryPrefix: 'q: ' },
    ] as const) {
      const { runtime, embedder } = await open({ pin }, store);
      await assert.rejects(
        runtime.ingest('c', sourceOf(raw('a', 'alpha'))),
        (error) => hasCode(error, 'model_mismatch') && error.details['differing'] !== undefined,
      );
      await assert.rejects(runtime.checkPins(), (error) => hasCode(error, 'model_mismatch'));
      assert.deepEqual(embedder.texts, []);
    }
  });

  it('keeps finished documents when the embedder fails, and continues from there', async () => {
    let broken = true;
    const { runtime } = await openWithCollection({
      before: (texts) => {
        if (broken && texts.some((text) => text.includes('beta'))) {
          throw new RetrievalError('embedder_unavailable', 'gone');
        }
      },
    });
    const source = sourceOf(raw('a', 'alpha'), raw('b', 'beta'), raw('c', 'gamma'));
    await assert.rejects(runtime.ingest('c', source), (error) => hasCode(error, 'embedder_unavailable'));
    assert.equal(await runtime.catalog.countDocuments('c', { title: null }), 1);
    broken = false;
    const summary = await runtime.ingest('c', source);
    assert.deepEqual([summary.unchanged, summary.added], [1, 2]);
  });

  it('stops when told to, and says so', async () => {
    const controller = new AbortController();
    const { runtime } = await openWithCollection({
      before: () => {
        controller.abort();
      },
    });
    await assert.rejects(
      runtime.ingest('c', sourceOf(raw('a', 'alpha'), raw('b', 'beta')), { signal: controller.signal }),
      (error) => hasCode(error, 'cancelled'),
    );
    assert.equal(await runtime.catalog.countDocuments('c'), 0);
  });

  it('names ten documents without text, and counts all', async () => {
    const { runtime } = await openWithCollection();
    const ids = Array.from({ length: 12 }, (_, at) => `blank-${String(at)}`);
    const { withoutText } = await runtime.ingest('c', sourceOf(...ids.map((id) => raw(id, ' \n'))));
    assert.deepEqual(withoutText, { documents: 12, ids: ids.slice(0, 10) });
  });

  it('stops in the middle of a document too', async () => {
    const controller = new AbortController();
    let counted = 0;
    const { runtime } = await openWithCollection({
      onCount: () => {
        counted += 1;
        controller.abort();
      },
    });
    await assert.rejects(
      runtime.ingest('c', sourceOf(raw('a', long('alpha').repeat(100))), { signal: controller.signal }),
      (error) => hasCode(error, 'cancelled'),
    );
    assert.ok(counted < 100, `${String(counted)} texts were counted after the call was cancelled`);
  });

  it('reports every stage, and ends where the summary does', async () => {
    const { runtime } = await openWithCollection();
    const seen: IngestProgress[] = [];
    const summary: IngestSummary = await runtime.ingest('c', sourceOf(raw('a', 'alpha'), raw('b', 'beta')), {
      prune: true,
      onProgress: (progress) => seen.push(progress),
    });
    assert.deepEqual([...new Set(seen.map(({ stage }) => stage))], ['ingest', 'prune', 'index', 'done']);
    const last = seen.at(-1);
    assert.deepEqual([last?.documents, last?.chunks], [2, summary.chunks]);
  });

  it('shows what it would do without doing it', async () => {
    const { runtime, embedder } = await openWithCollection();
    const items = [];
    for await (const item of runtime.dryRun('c', sourceOf(raw('a', '# A\n\nalpha'), raw('', 'x'))))
      items.push(item);
    assert.equal(items[0]?.kind, 'document');
    assert.equal(items[1]?.kind, 'failed');
    assert.deepEqual(embedder.texts, []);
    assert.equal(await runtime.catalog.countDocuments('c'), 0);
  });
});
