/** Eval sets and the quality gate over HTTP, on the real runtime and the real evaluation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { prepareGate } from '../../eval/gate/gate.js';
import type { GateWire } from '../../src/api/schemas/gate.js';
import {
  evalSetListSchema,
  evalSetSchema,
  gateSchema,
  keptEvalSetSchema,
} from '../../src/api/schemas/gate.js';
import { historySchema } from '../../src/api/schemas/generation.js';
import { loadConfig } from '../../src/config.js';
import type { PrepareGate } from '../../src/generations/gate.js';
import type { Runtime } from '../../src/runtime-types.js';
import { openRuntime } from '../../src/runtime.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { defer, openApp } from './support.js';
import type { Deferred, TestApp } from './support.js';

const PARTS = '/v1/collections/parts';
const WORDS = ['pump', 'valve', 'piston', 'rotor', 'gasket', 'sensor', 'nozzle', 'flange', 'filter', 'brake'];
const QUESTIONS = WORDS.map((word) => ({
  id: word,
  query: `${word} please`,
  expected: [{ document: word, passage: `The ${word} turns` }],
}));

interface Opened {
  readonly app: TestApp;
  readonly runtime: Runtime;
  /** The generation beside the active one. */
  readonly candidate: number;
  readonly send: (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    payload?: object,
  ) => Promise<{ readonly status: number; readonly body: Problem }>;
  /** Asks until the gate is over. */
  readonly over: () => Promise<GateWire>;
}

interface Problem {
  readonly code?: string;
  readonly field?: string;
  readonly detail?: string;
}

async function open(
  t: TestContext,
  options: {
    readonly blind?: boolean;
    readonly gate?: PrepareGate | null;
    /** As if a build was going on in the background. */
    readonly building?: boolean;
  } = {},
): Promise<Opened> {
  const second = createFakeEmbedder({ name: 'second', pin: { model: 'second' } });
  const models = {
    first: createFakeEmbedder({ name: 'first' }),
    // All its vectors are one and the same: it tells nothing apart.
    second:
      options.blind === true
        ? {
            ...second,
            embed: (texts: readonly string[]) =>
              second.embed(
                texts.map(() => 'x'),
                { inputType: 'document' },
              ),
          }
        : second,
  };
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    openEmbedder: (name) => Promise.resolve(name === 'first' ? models.first : models.second),
    embedders: ['first', 'second'],
  });
  const gate = options.gate === undefined ? prepareGate : (options.gate ?? undefined);
  const busy: Runtime['builds'] = {
    ...runtime.builds,
    status: () => ({ state: 'running', progress: null, error: null }),
  };
  const served = options.building === true ? { ...runtime, builds: busy } : runtime;
  const app = await openApp(t, served, {}, gate);
  t.after(() => runtime.close());
  const send: Opened['send'] = async (method, url, payload) => {
    const response = await app.fastify.inject({
      method,
      url,
      ...(payload === undefined ? {} : { payload }),
    });
    return { status: response.statusCode, body: response.body === '' ? {} : response.json<Problem>() };
  };
  await send('POST', '/v1/collections', { name: 'parts', embedder: 'first' });
  const documents = WORDS.map((word) => ({ id: word, text: `The ${word} turns.` }));
  assert.equal((await send('PUT', `${PARTS}/documents`, { documents })).status, 200);
  const { id } = await runtime.generations.start('parts', { embedder: 'second' }, { by: 'test' });
  return {
    app,
    runtime,
    candidate: id,
    send,
    async over() {
      for (;;) {
        const { status, body } = await send('GET', `${PARTS}/generations/${String(id)}/gate`);
        assert.equal(status, 200, JSON.stringify(body));
        const found = gateSchema.parse(body);
        if (found.run !== null && found.run.state !== 'running') return found;
        await new Promise(setImmediate);
      }
    },
  };
}

describe('the gate over HTTP', () => {
  test('runs in the background, is kept in the history, and opens the way to activation', async (t) => {
    const { send, candidate, over } = await open(t);
    const path = `${PARTS}/generations/${String(candidate)}`;
    const before = gateSchema.parse((await send('GET', `${path}/gate`)).body);
    assert.deepEqual(before, { generation: candidate, run: null, result: null });
    assert.equal((await send('PUT', `${PARTS}/evalsets/words`, { questions: QUESTIONS })).status, 200);

    const begun = await send('POST', `${path}/gate`, { policy: { max_latency_ratio: null }, by: 'ada' });
    assert.equal(begun.status, 202, JSON.stringify(begun.body));
    assert.ok(gateSchema.parse(begun.body).run !== null);
    const { run, result } = await over();
    assert.deepEqual(run, {
      state: 'done',
      stage: 'compare',
      asked: WORDS.length,
      questions: WORDS.length,
      error: null,
    });
    assert.ok(result?.passed === true, JSON.stringify(result?.reasons));
    assert.deepEqual(
      [result.against, result.eval_set, result.questions, result.policy.max_latency_ratio],
      [candidate - 1, 'words', WORDS.length, null],
    );
    const ndcg = result.metrics['ndcg@10'];
    assert.deepEqual([ndcg.wins + ndcg.losses + ndcg.ties, ndcg.interval.length], [WORDS.length, 2]);
    assert.ok(ndcg.p > 0 && ndcg.p <= 1);

    const { history } = historySchema.parse((await send('GET', `${PARTS}/history?limit=1`)).body);
    assert.deepEqual([history[0]?.event, history[0]?.by], ['gate', 'ada']);
    assert.equal((await send('POST', `${path}/activate`, {})).status, 200);
  });

  test('a worse generation fails it, with the questions it loses, and is not activated', async (t) => {
    // The keyword leg would find everything whatever the model.
    const gate: PrepareGate = (runtime, options) =>
      prepareGate(runtime, { ...options, query: { mode: 'vector' } });
    const { send, candidate, over } = await open(t, { blind: true, gate });
    const path = `${PARTS}/generations/${String(candidate)}`;
    await send('PUT', `${PARTS}/evalsets/words`, { questions: QUESTIONS });
    assert.equal((await send('POST', `${path}/gate`, { policy: { max_drop_anyhow: 0 } })).status, 202);
    const { run, result } = await over();
    assert.equal(run?.state, 'done');
    assert.equal(result?.passed, false);
    assert.ok(result.reasons.length > 0 && result.losses.length > 0 && result.losses.length <= 10);
    const refused = await send('POST', `${path}/activate`, {});
    assert.deepEqual([refused.status, refused.body.code], [409, 'gate_failed']);
  });

  test('documents that the set expects and nobody ingested are told of; a set of none is refused', async (t) => {
    const { send, candidate, over } = await open(t);
    const path = `${PARTS}/generations/${String(candidate)}/gate`;
    const ghost = { query: 'ghost', expected: [{ document: 'ghost' }] };
    const missing = (total: number): object[] => [
      {
        code: 'documents_missing',
        message: `1 of ${String(total)} expected documents is not in the collection: ghost`,
      },
    ];
    const put = async (questions: readonly object[]): Promise<unknown> => {
      const { status, body } = await send('PUT', `${PARTS}/evalsets/words`, { questions });
      assert.equal(status, 200, JSON.stringify(body));
      return keptEvalSetSchema.parse(body).warnings;
    };
    assert.deepEqual(await put(QUESTIONS), []);
    assert.deepEqual(await put([ghost]), missing(1));
    const refused = await send('POST', path, {});
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body.field],
      [400, 'invalid_data_set', 'eval_set'],
    );
    assert.match(refused.body.detail ?? '', /1 of 1 expected documents is not in the coll.*Ingest them, or/u);

    assert.deepEqual(await put([...QUESTIONS, ghost]), missing(WORDS.length + 1));
    assert.equal((await send('POST', path, { policy: { max_latency_ratio: null } })).status, 202);
    const { result } = await over();
    assert.deepEqual([result?.passed, result?.warnings], [true, missing(WORDS.length + 1)]);
  });

  test('what cannot be run is refused at once', async (t) => {
    const { send, candidate } = await open(t);
    const path = `${PARTS}/generations/${String(candidate)}`;
    const without = await send('POST', `${path}/gate`, {});
    assert.deepEqual([without.status, without.body.field], [400, 'eval_set']);
    await send('PUT', `${PARTS}/evalsets/words`, { questions: QUESTIONS });
    const cases = [
      [`${path}/gate`, { eval_set: 'none' }, 404, 'not_found'],
      [`${PARTS}/generations/999/gate`, {}, 404, 'generation_not_found'],
      [`${PARTS}/generations/${String(candidate - 1)}/gate`, {}, 409, 'generation_conflict'],
      ['/v1/collections/none/generations/1/gate', {}, 404, 'collection_not_found'],
      [`${path}/gate`, { policy: { max_dorp: 1 } }, 400, 'invalid_request'],
    ] as const;
    for (const [url, payload, status, code] of cases) {
      const refused = await send('POST', url, payload);
      assert.deepEqual([refused.status, refused.body.code], [status, code], url);
    }
    assert.equal((await send('GET', `${PARTS}/generations/999/gate`)).status, 404);
    // None of them took the place for good.
    assert.equal((await send('POST', `${path}/gate`, {})).status, 202);
  });

  test('one that is being built is refused until it is', async (t) => {
    const { send, candidate } = await open(t, { building: true });
    await send('PUT', `${PARTS}/evalsets/words`, { questions: QUESTIONS });
    const { status, body } = await send('POST', `${PARTS}/generations/${String(candidate)}/gate`, {});
    assert.deepEqual([status, body.code, body.field], [409, 'generation_conflict', 'generation']);
  });

  test('an app without the evaluation says so', async (t) => {
    const { send, candidate } = await open(t, { gate: null });
    const { status, body } = await send('POST', `${PARTS}/generations/${String(candidate)}/gate`, {});
    assert.deepEqual([status, body.code], [422, 'unsupported_capability']);
  });

  test('one is run at a time, and closing stops it', async (t) => {
    const stopped: Deferred<null> = defer();
    const gate: PrepareGate = () =>
      Promise.resolve(async ({ signal }) => {
        signal.addEventListener('abort', () => {
          stopped.resolve(null);
        });
        await stopped.promise;
        throw new Error('secret');
      });
    const { app, send, candidate } = await open(t, { gate });
    const path = `${PARTS}/generations/${String(candidate)}/gate`;
    assert.equal((await send('POST', path, {})).status, 202);
    const second = await send('POST', path, {});
    assert.deepEqual([second.status, second.body.code], [503, 'overloaded']);
    await app.fastify.close();
    await stopped.promise;
  });

  test('one that cannot be run to its end says why, and leaves no verdict', async (t) => {
    const gate: PrepareGate = () => Promise.resolve(() => Promise.reject(new Error('secret')));
    const { send, candidate, over } = await open(t, { gate });
    assert.equal((await send('POST', `${PARTS}/generations/${String(candidate)}/gate`, {})).status, 202);
    const { run, result } = await over();
    assert.deepEqual([run?.state, run?.error?.code, result], ['failed', 'internal', null]);
    assert.doesNotMatch(JSON.stringify(run), /secret/u);
  });
});

describe('eval sets over HTTP', () => {
  test('are put, listed, read page by page, replaced and deleted', async (t) => {
    const { send } = await open(t);
    const url = `${PARTS}/evalsets/${encodeURIComponent('my set')}`;
    const questions = QUESTIONS.map((question) => ({ ...question, note: { by: 'ada' } }));
    const put = await send('PUT', url, { questions });
    assert.equal(put.status, 200, JSON.stringify(put.body));
    const { eval_sets: sets } = evalSetListSchema.parse((await send('GET', `${PARTS}/evalsets`)).body);
    assert.deepEqual(
      sets.map(({ name, questions: count }) => [name, count]),
      [['my set', WORDS.length]],
    );
    const first = evalSetSchema.parse((await send('GET', `${url}?limit=6`)).body);
    assert.deepEqual([first.total, first.questions.length, first.next], [WORDS.length, 6, 6]);
    assert.deepEqual(first.questions[0]?.['note'], { by: 'ada' });
    const rest = evalSetSchema.parse((await send('GET', `${url}?limit=6&offset=6`)).body);
    assert.deepEqual([rest.questions.length, rest.next], [WORDS.length - 6, null]);

    await send('PUT', url, { questions: QUESTIONS.slice(0, 1) });
    assert.equal(evalSetSchema.parse((await send('GET', url)).body).total, 1);
    assert.equal((await send('DELETE', url)).status, 204);
    for (const method of ['GET', 'DELETE'] as const) assert.equal((await send(method, url)).status, 404);
  });

  test('a question that is none is named', async (t) => {
    const { send } = await open(t);
    const url = `${PARTS}/evalsets/words`;
    const expected = [{ document: 'pump' }];
    const cases: readonly (readonly [readonly object[], string])[] = [
      [[], 'questions'],
      [
        [
          { query: 'x', expected },
          { query: ' ', expected },
        ],
        'questions[1].query',
      ],
      [[{ query: 'x', expected: [{ document: 'pump', pasage: 'y' }] }], 'questions[0].expected[0].pasage'],
      [[{ query: 'x', expected: [...expected, { document: 'pump', passage: 'y' }] }], 'questions[0]'],
      [
        [
          { id: 'q2', query: 'x', expected },
          { query: 'y', expected },
        ],
        'questions[1].id',
      ],
    ];
    for (const [questions, field] of cases) {
      const { status, body } = await send('PUT', url, { questions });
      assert.deepEqual([status, body.field], [400, field], JSON.stringify(body));
    }
    assert.equal((await send('PUT', `${PARTS}/evalsets/a%2Fb`, { questions: QUESTIONS })).status, 400);
    for (const path of ['none/evalsets', 'none/evalsets/words']) {
      const { status, body } = await send('GET', `/v1/collections/${path}`);
      assert.deepEqual([status, body.code], [404, 'collection_not_found'], path);
    }
    const { status } = await send('PUT', '/v1/collections/none/evalsets/words', { questions: QUESTIONS });
    assert.equal(status, 404);
  });
});
