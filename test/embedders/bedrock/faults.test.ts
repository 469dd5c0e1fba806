import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { BedrockEmbedder, BedrockOptions } from '../../../src/embedders/bedrock/index.js';
import type { BedrockName } from '../../../src/embedders/bedrock/models.js';
import { RetrievalError } from '../../../src/errors.js';
import { createEmbedModels } from '../../bedrock/embed-models.js';
import type { EmbedModels } from '../../bedrock/embed-models.js';
import { openTestBedrock, useTestCredentials } from '../../bedrock/embed-support.js';
import { awsError, startFakeBedrock, throttled } from '../../bedrock/server.js';
import type { FakeBedrock, Fault } from '../../bedrock/server.js';

useTestCredentials();

const SECRET = 'zanzibar';
const DOCUMENT = { inputType: 'document' } as const;
const ATTEMPTS = 4;

const textsOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `passage ${String(index)} about ${SECRET}`);

/** All that a log or an API could show of an error. */
function shown(error: unknown): string {
  assert.ok(error instanceof RetrievalError);
  const causes: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) causes.push(at.message, String(at.stack));
  return JSON.stringify([causes, error.details, error.field]);
}

async function rejection(promise: Promise<unknown>): Promise<RetrievalError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(!shown(error).includes(SECRET), 'no text in the error');
    assert.ok(error instanceof RetrievalError);
    return error;
  }
  assert.fail('it should have been refused');
}

for (const name of ['titan-v2', 'cohere-v3-english'] as const satisfies readonly BedrockName[]) {
  describe(`faults: ${name}`, () => {
    let models: EmbedModels;
    let server: FakeBedrock;
    let embedder: BedrockEmbedder;
    const notices: string[] = [];
    const open = (changes: Partial<BedrockOptions> = {}): Promise<BedrockEmbedder> =>
      openTestBedrock(server.url, name, {
        maxAttempts: ATTEMPTS,
        onNotice: (message) => notices.push(message),
        ...changes,
      });
    before(async () => {
      models = createEmbedModels();
      server = await startFakeBedrock({ handlers: [models.handler] });
      embedder = await open();
    });
    after(async () => {
      await embedder.close();
      await server.close();
      assert.deepEqual(notices, []);
    });
    beforeEach(() => {
      server.reset();
      models.embedded.length = 0;
    });

    const passing: Readonly<Record<string, Fault>> = {
      throttling: { kind: 'reply', reply: throttled() },
      'throttling with Retry-After': { kind: 'reply', reply: throttled(0.01) },
      'a quota': { kind: 'reply', reply: awsError('ServiceQuotaExceededException', 400, 'quota') },
      'a model that is not ready': { kind: 'reply', reply: awsError('ModelNotReadyException', 429, 'wait') },
      'a server error': { kind: 'reply', reply: awsError('InternalServerException', 500, 'oops') },
      'an unavailable service': { kind: 'reply', reply: awsError('ServiceUnavailableException', 503, 'x') },
      'a connection reset': { kind: 'reset' },
      'half an answer': { kind: 'half' },
    };
    for (const [what, fault] of Object.entries(passing)) {
      test(`${what}, then none: the vectors are right and in order`, async () => {
        const texts = textsOf(5);
        const expected = await embedder.embed(texts, DOCUMENT);
        server.reset();
        server.fail(fault, fault);
        assert.deepEqual(await embedder.embed(texts, DOCUMENT), expected);
        const needed = name === 'titan-v2' ? 5 : 1;
        assert.equal(server.requests.length, needed + 2);
      });

      test(`${what} without end: it is given up after as many attempts as are allowed`, async () => {
        server.failWhen(() => fault);
        const error = await rejection(embedder.embed(textsOf(1), DOCUMENT));
        assert.equal(error.code, 'embedder_unavailable');
        assert.equal(error.retryable, true);
        assert.equal(server.requests.length, ATTEMPTS);
        assert.equal(models.embedded.length, what === 'half an answer' ? ATTEMPTS : 0);
      });
    }

    test('silence is noticed, asked again, and given up as a timeout', async () => {
      const impatient = await open({ timeoutMs: 60, maxAttempts: 2 });
      server.failWhen(() => ({ kind: 'silence' }));
      const error = await rejection(impatient.embed(textsOf(1), DOCUMENT));
      assert.equal(error.code, 'timeout');
      assert.match(error.message, /60 ms .*PLUMBLINE_BEDROCK_TIMEOUT_MS/u);
      assert.equal(server.requests.length, 2);
      await impatient.close();
    });

    const final = [
      [
        'AccessDeniedException',
        403,
        'User: arn:aws:iam::1:user/a is not authorized to perform: bedrock:InvokeModel',
        'provider_access_denied',
        /bedrock:InvokeModel/u,
      ],
      [
        'AccessDeniedException',
        403,
        "You don't have access to the model with the specified model ID.",
        'provider_access_denied',
        /Model access/u,
      ],
      [
        'UnrecognizedClientException',
        403,
        'The security token included in the request is invalid.',
        'provider_access_denied',
        /credentials/u,
      ],
      [
        'ExpiredTokenException',
        403,
        'The security token included in the request is expired',
        'provider_access_denied',
        /credentials/u,
      ],
      [
        'ValidationException',
        400,
        'The provided model identifier is invalid.',
        'provider_refused',
        /PLUMBLINE_BEDROCK_MODEL_IDS/u,
      ],
      [
        'ValidationException',
        400,
        "Invocation of model ID x with on-demand throughput isn't supported. Retry with an inference profile",
        'provider_refused',
        /inference profile/u,
      ],
      [
        'ResourceNotFoundException',
        404,
        'Could not resolve the foundation model',
        'provider_refused',
        /PLUMBLINE_BEDROCK_MODEL_IDS/u,
      ],
      [
        'ValidationException',
        400,
        `Malformed input request: extraneous key near "${SECRET}" is not permitted`,
        'provider_refused',
        /refused/u,
      ],
    ] as const;
    for (const [aws, status, words, code, message] of final) {
      test(`${aws} (${words.slice(0, 40)}…) is not asked again, and says what is missing`, async () => {
        server.failWhen(() => ({ kind: 'reply', reply: awsError(aws, status, words) }));
        const error = await rejection(embedder.embed(textsOf(1), DOCUMENT));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.equal(server.requests.length, 1);
      });
    }

    const wrong: Readonly<Record<string, unknown>> = {
      'an empty object': {},
      'a vector too few': {
        embeddings: { float: [] },
        response_type: 'embeddings_by_type',
        embedding: [],
        inputTextTokenCount: 1,
      },
      'a vector too short': answerOf(Array.from({ length: 1023 }, () => 0.1)),
      'a vector with null for NaN': answerOf(Array.from({ length: 1024 }, () => null)),
      'a vector of texts': answerOf(Array.from({ length: 1024 }, () => SECRET)),
      'a vector of zeros': answerOf(Array.from({ length: 1024 }, () => 0)),
      'a vector too large for floats': answerOf(Array.from({ length: 1024 }, () => 1e308)),
      'a text': SECRET,
    };
    for (const [what, body] of Object.entries(wrong)) {
      test(`${what} is an invalid answer, and nothing is told as finished`, async () => {
        server.failWhen(() => ({ kind: 'reply', reply: { kind: 'json', body } }));
        const parts: number[] = [];
        const call = embedder.embed(textsOf(1), {
          ...DOCUMENT,
          onPart: ({ index }) => void parts.push(index),
        });
        assert.equal((await rejection(call)).code, 'embedder_invalid_response');
        assert.deepEqual(parts, []);
        assert.equal(server.requests.length, 1);
      });
    }

    test('a call that is given up ends its requests and makes no more', async () => {
      const slow = await startFakeBedrock({ handlers: [models.handler], latencyMs: 10_000 });
      const other = await openTestBedrock(slow.url, name, { timeoutMs: 60_000, concurrency: 3 });
      const controller = new AbortController();
      const call = other.embed(textsOf(300), { ...DOCUMENT, signal: controller.signal });
      while (slow.requests.length < 3) await new Promise(setImmediate);
      controller.abort();
      assert.equal((await rejection(call)).code, 'cancelled');
      await other.close();
      assert.equal(slow.requests.length, 3);
      await slow.close();
    });

    test('what was finished before another text failed is told, and order is kept', async () => {
      const one = await open({ concurrency: 1 });
      const texts = textsOf(name === 'titan-v2' ? 6 : 200);
      const parts = new Map<number, Float32Array>();
      server.failWhen(() =>
        server.requests.length > 2
          ? { kind: 'reply', reply: awsError('AccessDeniedException', 403, 'no longer') }
          : null,
      );
      await rejection(
        one.embed(texts, { ...DOCUMENT, onPart: ({ index, vector }) => void parts.set(index, vector) }),
      );
      server.failWhen(null);
      assert.equal(parts.size, name === 'titan-v2' ? 2 : 192);
      const all = await embedder.embed(texts, DOCUMENT);
      for (const [index, vector] of parts) assert.deepEqual(vector, all[index]);
      await one.close();
    });
  });
}

/** The same vector as either model would answer it. */
function answerOf(vector: readonly unknown[]): object {
  return {
    embedding: vector,
    inputTextTokenCount: 1,
    response_type: 'embeddings_by_type',
    embeddings: { float: [vector] },
  };
}

describe('one text that the model does not take', () => {
  test('it fails its own call and no other of the same request', async (t) => {
    // The model counts a word as longer than we do.
    const models = createEmbedModels({ countTokens: (text) => (text.includes('poison') ? 600 : 5) });
    const server = await startFakeBedrock({ handlers: [models.handler] });
    const embedder = await openTestBedrock(server.url, 'cohere-v3-english');
    t.after(async () => {
      await embedder.close();
      await server.close();
    });
    const good = Array.from({ length: 10 }, (_, index) =>
      embedder.embed([`good ${String(index)}`], DOCUMENT),
    );
    const bad = embedder.embed(['good', 'poison'], DOCUMENT);
    good.push(embedder.embed(['good at last'], DOCUMENT));
    const error = await rejection(bad);
    assert.equal(error.code, 'invalid_request');
    assert.equal(error.field, 'texts.1');
    assert.equal((await Promise.all(good)).length, 11);
    assert.ok(server.requests.length <= 10, String(server.requests.length));
  });
});
