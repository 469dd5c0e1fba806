import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { GATE } from '../../src/generations/history.js';
import type { RawDocument } from '../../src/model.js';
import { modelVersion } from '../../src/pin.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryAnswer, QueryInput } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import type { FakeEmbedder, FakeOptions } from '../support/fake-embedder.js';

const NAME = 'handbook';
const AUTHOR = { by: 'tester' };

interface Bench {
  readonly store: VectorStore;
  readonly runtime: Runtime;
  readonly first: FakeEmbedder;
  readonly second: FakeEmbedder;
}

/** A collection of documents about engines, and a second model to go to. */
async function bench(
  options: { readonly documents?: number; readonly second?: FakeOptions } = {},
): Promise<Bench> {
  const store = createMemoryStore();
  const first = createFakeEmbedder({ name: 'first' });
  const second = createFakeEmbedder({ name: 'second', pin: { model: 'second-words' }, ...options.second });
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store,
    embedders: ['first', 'second'],
    openEmbedder: (name) => Promise.resolve(name === 'first' ? first : second),
  });
  await runtime.catalog.createCollection({ name: NAME, embedder: 'first' });
  await put(
    runtime,
    Array.from({ length: options.documents ?? 5 }, (_, at) => documentOf(at)),
  );
  return { store, runtime, first, second };
}

function documentOf(at: number, words = 'engine'): RawDocument {
  return {
    id: `d${String(at)}`,
    format: 'text',
    content: `The ${words} number ${String(at)} turns.`,
    metadata: {},
  };
}

async function put(runtime: Runtime, documents: readonly RawDocument[]): Promise<void> {
  const { failed } = await runtime.ingest(NAME, {
    total: documents.length,
    async *items() {
      for (const document of documents) yield { kind: 'document', document };
    },
  });
  assert.deepEqual(failed, []);
}

function ask(
  runtime: Runtime,
  input: Omit<QueryInput, 'query'> & { readonly query?: string } = {},
): Promise<QueryAnswer> {
  return runtime.retrieve(NAME, queryRequestSchema.parse({ query: 'engine', ...input }));
}

function idsOf(answer: QueryAnswer): readonly string[] {
  return answer.hits.map((hit) => hit.document_id).toSorted();
}

/** What a gate that compared the two has found. */
async function gate(store: VectorStore, generation: number, against: number, passed: boolean): Promise<void> {
  const reasons = passed ? [] : ['ndcg@10 fell by 0.2'];
  await store.records?.append(NAME, GATE, { generation, against, passed, reasons });
}

describe('generations', () => {
  test('a new one is built beside the active one, which goes on answering', async () => {
    const { runtime, second, store } = await bench();
    const before = await ask(runtime);
    const started = await runtime.generations.start(NAME, { embedder: 'second' }, AUTHOR);
    assert.equal(started.state, 'building');
    assert.equal(started.missing, 5);
    assert.equal(started.modelVersion, modelVersion(second.pin));
    const progress: number[] = [];
    const summary = await runtime.generations.build(NAME, undefined, AUTHOR, {
      onProgress: ({ documents }) => void progress.push(documents),
    });
    assert.deepEqual(
      { ...summary, elapsedMs: 0 },
      { generation: started.id, documents: 5, chunks: 5, embedded: 5, reused: 0, elapsedMs: 0 },
    );
    assert.equal(progress.at(-1), 5);
    assert.equal(second.texts.length, 5);
    const after = await ask(runtime);
    assert.equal(after.generation, before.generation);
    assert.deepEqual(idsOf(after), idsOf(before));
    const [, built] = await runtime.generations.list(NAME);
    assert.deepEqual([built?.documents, built?.chunks, built?.missing, built?.state], [5, 5, 0, 'building']);
    // Nothing is left: a second build asks the model for nothing.
    assert.equal((await runtime.generations.build(NAME, started.id, AUTHOR)).embedded, 0);
    assert.equal(second.texts.length, 5);
    assert.ok(store.generations !== undefined);
  });

  test('a build that was stopped goes on where it stopped', async () => {
    const stop = new AbortController();
    let calls = 0;
    const { runtime, second } = await bench({
      documents: 400,
      second: {
        before: () => {
          calls += 1;
          if (calls === 350) stop.abort();
        },
      },
    });
    await runtime.generations.start(NAME, { embedder: 'second' }, AUTHOR);
    await assert.rejects(runtime.generations.build(NAME, undefined, AUTHOR, { signal: stop.signal }), {
      code: 'cancelled',
    });
    const [, half] = await runtime.generations.list(NAME);
    assert.ok(half !== undefined && half.documents > 0 && half.missing > 0);
    const summary = await runtime.generations.build(NAME, undefined, AUTHOR);
    assert.equal(summary.documents, half.missing);
    assert.equal((await runtime.generations.list(NAME))[1]?.missing, 0);
    // What was embedded but not yet written is all that is paid for twice.
    assert.ok(second.texts.length <= 400 + 350 - half.documents);
  });

  test('another chunker with the same model takes over the vectors of equal chunks', async () => {
    const { runtime, first } = await bench();
    const asked = first.texts.length;
    await runtime.generations.start(NAME, { chunker: { kind: 'fixed' } }, AUTHOR);
    const summary = await runtime.generations.build(NAME, undefined, AUTHOR);
    assert.equal(summary.embedded + summary.reused, summary.chunks);
    assert.equal(first.texts.length - asked, summary.embedded);
  });

  test('a document that comes while the same model is rebuilt for another index is embedded once', async () => {
    const { runtime, first } = await bench();
    const { id } = await runtime.generations.start(NAME, { index: { kind: 'none' } }, AUTHOR);
    const asked = first.texts.length;
    await put(runtime, [documentOf(7)]);
    assert.equal(first.texts.length - asked, 1);
    assert.deepEqual(idsOf(await ask(runtime, { generation: id })), ['d7']);
  });

  test('what would change nothing, and what is not there, is refused', async () => {
    const { runtime } = await bench();
    const { generations } = runtime;
    await assert.rejects(generations.start(NAME, {}, AUTHOR), { code: 'invalid_request', field: 'embedder' });
    await assert.rejects(generations.start(NAME, { embedder: 'first' }, AUTHOR), { code: 'invalid_request' });
    await assert.rejects(generations.start('nonesuch', { embedder: 'second' }, AUTHOR), {
      code: 'collection_not_found',
    });
    await assert.rejects(generations.build(NAME, undefined, AUTHOR), { code: 'generation_not_found' });
    await assert.rejects(generations.activate(NAME, 99, AUTHOR), { code: 'generation_not_found' });
    await assert.rejects(generations.rollback(NAME, AUTHOR), { code: 'generation_not_found' });
    await generations.start(NAME, { embedder: 'second' }, AUTHOR);
    await assert.rejects(generations.start(NAME, { embedder: 'second' }, AUTHOR), {
      code: 'generation_conflict',
    });
  });

  test('is activated only with a passed gate against the active one, or by force with a reason', async () => {
    const { runtime, store } = await bench();
    const { generations } = runtime;
    const { id } = await generations.start(NAME, { embedder: 'second' }, AUTHOR);
    await generations.build(NAME, id, AUTHOR);
    const active = (await runtime.catalog.getCollection(NAME)).generation.id;
    const refused = (pattern: RegExp): Promise<void> =>
      assert.rejects(generations.activate(NAME, id, AUTHOR), { code: 'gate_failed', message: pattern });
    await refused(/no gate has been run/u);
    await gate(store, id, active, false);
    await refused(/ndcg@10 fell by 0\.2/u);
    await gate(store, id, active + 1000, true);
    await refused(/compared it with generation/u);
    assert.equal((await ask(runtime)).generation, active);

    await gate(store, id, active, true);
    const activated = await generations.activate(NAME, id, AUTHOR);
    assert.equal(activated.state, 'active');
    const answer = await ask(runtime);
    assert.equal(answer.generation, id);
    assert.equal(answer.model_version, activated.modelVersion);
    assert.equal(answer.hits.length, 5);
    // Again: it is the active one already.
    assert.equal((await generations.activate(NAME, id, AUTHOR)).id, id);
  });

  test('force is kept in the history with who and why', async () => {
    const { runtime } = await bench();
    const { id } = await runtime.generations.start(NAME, { embedder: 'second' }, AUTHOR);
    // Not built yet: activation builds it.
    await runtime.generations.activate(NAME, id, { by: 'ada', reason: 'no questions yet', force: true });
    const [latest, first] = await runtime.generations.history(NAME, { limit: 10 });
    assert.equal(latest?.event, 'activated');
    assert.equal(latest.by, 'ada');
    assert.deepEqual(
      {
        forced: latest.details['forced'],
        reason: latest.details['reason'],
        generation: latest.details['generation'],
      },
      { forced: true, reason: 'no questions yet', generation: id },
    );
    assert.equal(first?.event, 'generation_started');
    const page = await runtime.generations.history(NAME, { limit: 10, before: latest.id });
    assert.deepEqual(
      page.map(({ event }) => event),
      ['generation_started'],
    );
    assert.equal((await ask(runtime)).hits.length, 5);
  });

  test('documents that are written, changed and deleted meanwhile are right in both', async () => {
    const { runtime } = await bench();
    const { generations } = runtime;
    const { id } = await generations.start(NAME, { embedder: 'second' }, AUTHOR);
    await generations.build(NAME, id, AUTHOR);
    await put(runtime, [documentOf(0, 'valve'), documentOf(7, 'valve')]);
    await runtime.catalog.deleteDocument(NAME, 'd1');
    const beside = await ask(runtime, { generation: id, mode: 'keyword', query: 'engine valve' });
    assert.deepEqual(idsOf(beside), ['d0', 'd2', 'd3', 'd4', 'd7']);
    assert.deepEqual(idsOf(await ask(runtime, { generation: id, mode: 'keyword', query: 'valve' })), [
      'd0',
      'd7',
    ]);
    await generations.activate(NAME, id, { ...AUTHOR, force: true, reason: 'test' });
    assert.deepEqual(idsOf(await ask(runtime, { query: 'engine valve' })), ['d0', 'd2', 'd3', 'd4', 'd7']);
  });

  test('an ingest that began before the switch ends in the generation that is active then', async () => {
    const { runtime } = await bench();
    const { generations } = runtime;
    const { id } = await generations.start(NAME, { embedder: 'second' }, AUTHOR);
    await generations.build(NAME, id, AUTHOR);
    const { failed, added } = await runtime.ingest(NAME, {
      total: null,
      async *items() {
        yield { kind: 'document', document: documentOf(10) };
        await generations.activate(NAME, id, { ...AUTHOR, force: true, reason: 'test' });
        yield { kind: 'document', document: documentOf(11) };
      },
    });
    assert.deepEqual(failed, []);
    assert.equal(added, 2);
    const answer = await ask(runtime, { top_k: 20 });
    assert.equal(answer.generation, id);
    assert.deepEqual(idsOf(answer), ['d0', 'd1', 'd10', 'd11', 'd2', 'd3', 'd4']);
  });

  test('rollback goes back in one step, with what was written since', async () => {
    const { runtime, first } = await bench();
    const { generations } = runtime;
    const before = (await runtime.catalog.getCollection(NAME)).generation.id;
    const { id } = await generations.start(NAME, { embedder: 'second' }, AUTHOR);
    await generations.activate(NAME, id, { ...AUTHOR, force: true, reason: 'test' });
    await put(runtime, [documentOf(8)]);
    await runtime.catalog.deleteDocument(NAME, 'd0');
    const asked = first.texts.length;
    const back = await generations.rollback(NAME, { by: 'ada' });
    assert.equal(back.id, before);
    assert.equal(first.texts.length - asked, 1);
    const answer = await ask(runtime);
    assert.equal(answer.generation, before);
    assert.deepEqual(idsOf(answer), ['d1', 'd2', 'd3', 'd4', 'd8']);
    const [latest] = await generations.history(NAME, { limit: 1 });
    assert.deepEqual([latest?.event, latest?.by, latest?.details['from']], ['rolled_back', 'ada', id]);
    // And forward again, the same way.
    assert.equal((await generations.rollback(NAME, AUTHOR)).id, id);
  });

  test('a query may name a generation or its model; what is not there is refused with what is', async () => {
    const { runtime, first, second } = await bench();
    const { generations } = runtime;
    const before = (await runtime.catalog.getCollection(NAME)).generation.id;
    const { id } = await generations.start(NAME, { embedder: 'second' }, AUTHOR);
    const expected = { model_version: modelVersion(second.pin) };
    // Not built: it would leave documents out.
    await assert.rejects(ask(runtime, expected), { code: 'model_mismatch' });
    await generations.build(NAME, id, AUTHOR);
    assert.equal((await ask(runtime, expected)).generation, id);
    assert.equal((await ask(runtime, { model_version: modelVersion(first.pin) })).generation, before);
    assert.equal((await ask(runtime, { generation: before })).generation, before);
    await assert.rejects(ask(runtime, { generation: 77 }), {
      code: 'generation_not_found',
      field: 'generation',
    });
    await assert.rejects(ask(runtime, { generation: before, ...expected }), { code: 'model_mismatch' });
    await assert.rejects(ask(runtime, { model_version: 'other@0' }), (error: Error) => {
      assert.ok(error.message.includes(modelVersion(first.pin)));
      assert.ok(error.message.includes(expected.model_version));
      return true;
    });
    await generations.activate(NAME, id, { ...AUTHOR, force: true, reason: 'test' });
    assert.equal((await ask(runtime, { model_version: modelVersion(first.pin) })).generation, before);
    await generations.drop(NAME, before, AUTHOR);
    await assert.rejects(ask(runtime, { model_version: modelVersion(first.pin) }), {
      code: 'model_mismatch',
    });
  });

  test('a caller may send a vector with the name of its model, and of no other', async () => {
    const { runtime, first, second } = await bench();
    const [vector] = await first.embed(['The engine number 3 turns.'], { inputType: 'query' });
    assert.ok(vector !== undefined);
    const asked = first.texts.length;
    const input: Pick<QueryInput, 'vector' | 'mode'> = { vector: [...vector], mode: 'vector' };
    const answer = await ask(runtime, { ...input, model_version: modelVersion(first.pin) });
    assert.equal(answer.hits[0]?.document_id, 'd3');
    assert.equal(first.texts.length, asked, 'nothing was embedded');
    await assert.rejects(ask(runtime, { ...input, model_version: modelVersion(second.pin) }), {
      code: 'model_mismatch',
    });
    assert.throws(() => queryRequestSchema.parse({ query: 'engine', ...input }), /model_version/u);
    const short = { ...input, vector: [1, 2], model_version: modelVersion(first.pin) };
    await assert.rejects(ask(runtime, short), { code: 'invalid_vector' });
  });

  test('retired generations are dropped when they are old enough, never the active one', async () => {
    const store = createMemoryStore();
    let now = Date.now();
    const embedders = {
      first: createFakeEmbedder({ name: 'first' }),
      second: createFakeEmbedder({ name: 'second', pin: { model: 'b' } }),
    };
    const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
      store,
      openEmbedder: (name) => Promise.resolve(name === 'first' ? embedders.first : embedders.second),
      now: () => now,
    });
    await runtime.catalog.createCollection({ name: NAME, embedder: 'first' });
    const { id } = await runtime.generations.start(NAME, { embedder: 'second' }, AUTHOR);
    await runtime.generations.activate(NAME, id, { ...AUTHOR, force: true, reason: 'test' });
    assert.deepEqual(await runtime.generations.collectGarbage(NAME, 7, AUTHOR), []);
    now += 8 * 86_400_000;
    const [gone] = await runtime.generations.collectGarbage(NAME, 7, AUTHOR);
    assert.ok(gone !== undefined && gone !== id);
    assert.deepEqual(
      (await runtime.generations.list(NAME)).map((generation) => generation.id),
      [id],
    );
    await assert.rejects(runtime.generations.drop(NAME, id, AUTHOR), { code: 'generation_conflict' });
    assert.equal((await runtime.generations.history(NAME, { limit: 1 }))[0]?.event, 'generation_dropped');
  });

  test('a store of one generation says so', async () => {
    const { generations: _generations, records: _records, ...plain } = createMemoryStore();
    const embedder = createFakeEmbedder();
    const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
      store: plain,
      openEmbedder: () => Promise.resolve(embedder),
    });
    await runtime.catalog.createCollection({ name: NAME, embedder: 'fake' });
    await assert.rejects(runtime.generations.list(NAME), { code: 'unsupported_capability' });
    await assert.rejects(runtime.generations.start(NAME, { embedder: 'b' }, AUTHOR), {
      code: 'unsupported_capability',
    });
  });

  test('under a stream of queries a switch loses none, and each answer is of one generation', async () => {
    const { runtime } = await bench({ documents: 30 });
    const { generations } = runtime;
    const { id } = await generations.start(NAME, { embedder: 'second' }, AUTHOR);
    await generations.build(NAME, id, AUTHOR);
    let done = false;
    const seen = new Map<string, Set<number>>();
    const reading = Array.from({ length: 4 }, async () => {
      while (!done) {
        const answer = await ask(runtime, { top_k: 30 });
        assert.equal(answer.hits.length, 30);
        const of = seen.get(answer.model_version) ?? new Set();
        seen.set(answer.model_version, of.add(answer.generation));
      }
    });
    await generations.activate(NAME, id, { ...AUTHOR, force: true, reason: 'test' });
    await generations.rollback(NAME, AUTHOR);
    await generations.rollback(NAME, AUTHOR);
    await ask(runtime);
    done = true;
    await Promise.all(reading);
    for (const of of seen.values()) assert.equal(of.size, 1);
  });
});
