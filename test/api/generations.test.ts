/** Generations over HTTP, on the real runtime with the memory store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { GenerationWire } from '../../src/api/schemas/generation.js';
import { generationSchema, historySchema } from '../../src/api/schemas/generation.js';
import { loadConfig } from '../../src/config.js';
import { GATE } from '../../src/generations/history.js';
import { openRuntime } from '../../src/runtime.js';
import { whyAnswerSchema } from '../../src/retrieval/why-schema.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { openApp } from './support.js';

type Send = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  payload?: object,
) => Promise<{ readonly status: number; readonly body: unknown }>;

const PARTS = '/v1/collections/parts';

async function open(t: TestContext): Promise<{ readonly send: Send; readonly store: VectorStore }> {
  const store = createMemoryStore();
  const models = {
    first: createFakeEmbedder({ name: 'first' }),
    second: createFakeEmbedder({ name: 'second', pin: { model: 'second' } }),
  };
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    store,
    openEmbedder: (name) => Promise.resolve(name === 'first' ? models.first : models.second),
    embedders: ['first', 'second'],
  });
  const { fastify } = await openApp(t, runtime);
  t.after(() => runtime.close());
  const send: Send = async (method, url, payload) => {
    const response = await fastify.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    return { status: response.statusCode, body: response.body === '' ? null : response.json<unknown>() };
  };
  assert.equal((await send('POST', '/v1/collections', { name: 'parts', embedder: 'first' })).status, 201);
  const documents = ['pump', 'valve', 'rotor'].map((word) => ({ id: word, text: `The ${word} turns.` }));
  assert.equal((await send('PUT', `${PARTS}/documents`, { documents })).status, 200);
  return { send, store };
}

function codeOf(body: unknown): unknown {
  return (body as { readonly code?: unknown }).code;
}

/** Asks until the background build is over. */
async function built(send: Send, id: number): Promise<GenerationWire> {
  for (;;) {
    const { body } = await send('GET', `${PARTS}/generations`);
    const found = (body as { generations: GenerationWire[] }).generations.find((one) => one.id === id);
    assert.ok(found !== undefined);
    generationSchema.parse(found);
    if (found.build !== null && found.build.state !== 'running') return found;
    await new Promise(setImmediate);
  }
}

test('a generation is made, built, gated, activated and rolled back', async (t) => {
  const { send, store } = await open(t);
  const made = await send('POST', `${PARTS}/generations`, { embedder: 'second', by: 'ada' });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  const { id } = generationSchema.parse(made.body);
  const ready = await built(send, id);
  assert.deepEqual(
    [ready.state, ready.missing, ready.counts.documents, ready.build?.state],
    ['building', 0, 3, 'done'],
  );

  const refused = await send('POST', `${PARTS}/generations/${String(id)}/activate`, {});
  assert.deepEqual([refused.status, codeOf(refused.body)], [409, 'gate_failed']);
  await store.records?.append('parts', GATE, { generation: id, against: id - 1, passed: true, reasons: [] });
  const active = await send('POST', `${PARTS}/generations/${String(id)}/activate`, { by: 'ada' });
  assert.equal(active.status, 200, JSON.stringify(active.body));
  assert.equal(generationSchema.parse(active.body).state, 'active');

  const answer = await send('POST', `${PARTS}/query`, { query: 'pump' });
  assert.equal((answer.body as { generation: number }).generation, id);
  const back = await send('POST', `${PARTS}/rollback`, { by: 'ada', reason: 'tickets' });
  assert.equal(generationSchema.parse(back.body).id, id - 1);
  const { history } = historySchema.parse((await send('GET', `${PARTS}/history?limit=2`)).body);
  assert.deepEqual(
    history.map(({ event, by }) => [event, by]),
    [
      ['rolled_back', 'ada'],
      ['activated', 'ada'],
    ],
  );
  assert.equal(history[0]?.details['reason'], 'tickets');

  assert.equal((await send('DELETE', `${PARTS}/generations/${String(id - 1)}`)).status, 409);
  assert.equal((await send('DELETE', `${PARTS}/generations/${String(id)}`)).status, 204);
  assert.equal((await send('DELETE', `${PARTS}/generations/${String(id)}`)).status, 404);
});

test('force needs a reason, and what is wrong names its field', async (t) => {
  const { send } = await open(t);
  const made = await send('POST', `${PARTS}/generations`, { embedder: 'second' });
  const { id } = generationSchema.parse(made.body);
  await built(send, id);
  const forced = await send('POST', `${PARTS}/generations/${String(id)}/activate`, { force: true });
  assert.equal(forced.status, 400);
  assert.equal((forced.body as { field?: string }).field, 'reason');
  for (const [body, field] of [
    [{ embeder: 'x' }, 'embeder'],
    [{ chunker: { kind: 'structure', max_tokens: 3 } }, 'chunker.max_tokens'],
    [{ by: '' }, 'by'],
  ] as const) {
    const { status, body: problem } = await send('POST', `${PARTS}/generations`, body);
    assert.equal(status, 400, JSON.stringify(problem));
    assert.equal((problem as { field?: string }).field, field);
  }
  assert.equal((await send('POST', `${PARTS}/generations`, { chunker: { kind: 'fixed' } })).status, 409);
  assert.equal((await send('POST', '/v1/collections/none/generations', { embedder: 'second' })).status, 404);
  assert.equal((await send('POST', `${PARTS}/rollback`, {})).status, 404);
  const unknown = await send('POST', `${PARTS}/generations/999/build`, {});
  assert.deepEqual([unknown.status, codeOf(unknown.body)], [404, 'generation_not_found']);
});

test('why names the stage over HTTP', async (t) => {
  const { send } = await open(t);
  const ask = async (body: object): Promise<unknown> => {
    const { status, body: answer } = await send('POST', `${PARTS}/why`, body);
    assert.equal(status, 200, JSON.stringify(answer));
    return whyAnswerSchema.parse(answer).stage;
  };
  assert.equal(await ask({ request: { query: 'pump' }, document_id: 'pump' }), 'returned');
  assert.equal(await ask({ request: { query: 'pump' }, document_id: 'none' }), 'not_ingested');
  assert.equal(await ask({ request: { query: 'pump', top_k: 1 }, document_id: 'rotor' }), 'below_page');
  const wrong = await send('POST', `${PARTS}/why`, { request: { query: 'pump' } });
  assert.deepEqual([wrong.status, (wrong.body as { field?: string }).field], [400, 'document_id']);
});
