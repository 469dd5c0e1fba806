import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { RetrievalError } from '../../src/errors.js';
import { cachePath } from '../../src/embedders/minilm/files.js';
import { HUB_REVISION, MINILM_MODELS, type MiniLmModel } from '../../src/embedders/minilm/models.js';
import { resolveWeights, type WeightsOptions } from '../../src/embedders/minilm/weights.js';
import { modelFiles } from './model-files.js';

const WEIGHTS = Buffer.alloc(300_000, 'weights ');
const TOKENIZER = Buffer.from('{"tokenizer": true}');

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The default model's ways, with small files of our own. */
const SMALL: MiniLmModel = {
  ...MINILM_MODELS['minilm-l6'],
  weights: { ...MINILM_MODELS['minilm-l6'].weights, bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) },
  tokenizer: { ...MINILM_MODELS['minilm-l6'].tokenizer, bytes: TOKENIZER.length, sha256: sha256(TOKENIZER) },
};

interface Hub {
  readonly url: string;
  readonly requests: string[];
}

async function startHub(t: TestContext, answer: RequestListener): Promise<Hub> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const goodHub: RequestListener = (request, response) => {
  if (request.url?.endsWith('/onnx/model_quantized.onnx') === true) response.end(WEIGHTS);
  else if (request.url?.endsWith('/tokenizer.json') === true) response.end(TOKENIZER);
  else response.writeHead(404).end();
};

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-weights-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Only what the test names is asked. */
async function optionsFor(t: TestContext, given: Partial<WeightsOptions>): Promise<WeightsOptions> {
  return { modelDir: null, cacheDir: await temporaryFolder(t), hubUrl: null, mavenCommand: null, ...given };
}

async function put(path: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

/** Nothing but whole, final files may be left behind. */
async function assertNoLeftovers(cacheDir: string): Promise<void> {
  const names = (await readdir(cacheDir, { recursive: true })).filter((name) =>
    /partial|\.maven/u.test(name),
  );
  assert.deepEqual(names, []);
}

test('files come from the hub, at the pinned commit, and then from the cache', async (t) => {
  const hub = await startHub(t, goodHub);
  const options = await optionsFor(t, { hubUrl: `${hub.url}/` });
  const paths = await resolveWeights(SMALL, options);
  assert.deepEqual(await readFile(paths.weights), WEIGHTS);
  assert.deepEqual(await readFile(paths.tokenizer), TOKENIZER);
  assert.deepEqual(hub.requests, [
    `/Xenova/all-MiniLM-L6-v2/resolve/${HUB_REVISION}/onnx/model_quantized.onnx`,
    `/Xenova/all-MiniLM-L6-v2/resolve/${HUB_REVISION}/tokenizer.json`,
  ]);
  assert.deepEqual(await resolveWeights(SMALL, options), paths);
  assert.equal(hub.requests.length, 2);
  await assertNoLeftovers(options.cacheDir);
});

test("the user's folder comes first, flat or as the hub lays it out", async (t) => {
  const hub = await startHub(t, goodHub);
  for (const weightsName of ['model_quantized.onnx', 'onnx/model_quantized.onnx']) {
    const modelDir = await temporaryFolder(t);
    await put(join(modelDir, weightsName), WEIGHTS);
    await put(join(modelDir, 'tokenizer.json'), TOKENIZER);
    const paths = await resolveWeights(SMALL, await optionsFor(t, { modelDir, hubUrl: hub.url }));
    assert.deepEqual(paths, {
      weights: join(modelDir, weightsName),
      tokenizer: join(modelDir, 'tokenizer.json'),
    });
  }
  assert.deepEqual(hub.requests, []);
});

test("a wrong file in the user's folder is refused, though the hub has the right one", async (t) => {
  const hub = await startHub(t, goodHub);
  const modelDir = await temporaryFolder(t);
  const path = join(modelDir, 'model_quantized.onnx');
  await put(path, Buffer.from('other weights'));
  await assert.rejects(resolveWeights(SMALL, await optionsFor(t, { modelDir, hubUrl: hub.url })), (error) => {
    assert.ok(error instanceof RetrievalError && error.code === 'model_corrupt');
    assert.ok(error.message.includes(path));
    return true;
  });
  assert.deepEqual(await readFile(path, 'utf8'), 'other weights');
});

test('a corrupt file in the cache is named and replaced', async (t) => {
  const hub = await startHub(t, goodHub);
  const notices: string[] = [];
  const options = await optionsFor(t, { hubUrl: hub.url, onNotice: (notice) => notices.push(notice) });
  const path = cachePath(options.cacheDir, SMALL.weights);
  await put(path, WEIGHTS.subarray(0, 1000));
  await resolveWeights(SMALL, options);
  assert.deepEqual(await readFile(path), WEIGHTS);
  assert.ok(notices.some((notice) => notice.includes(path) && notice.includes('corrupt')));
});

test('bytes with another hash are refused and not kept', async (t) => {
  const wrong = Buffer.from(WEIGHTS);
  wrong[1000] = 0;
  const hub = await startHub(t, (request, response) => {
    response.end(request.url?.endsWith('.onnx') === true ? wrong : TOKENIZER);
  });
  const options = await optionsFor(t, { hubUrl: hub.url });
  await assert.rejects(resolveWeights(SMALL, options), { code: 'model_corrupt' });
  await assert.rejects(readFile(cachePath(options.cacheDir, SMALL.weights)), { code: 'ENOENT' });
  await assertNoLeftovers(options.cacheDir);
});

test('an endless answer is cut off once it is longer than the file', async (t) => {
  const hub = await startHub(t, (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(WEIGHTS));
      response.once('drain', more);
    };
    more();
  });
  await assert.rejects(resolveWeights(SMALL, await optionsFor(t, { hubUrl: hub.url })), {
    code: 'model_corrupt',
  });
});

const failures: readonly {
  readonly name: string;
  readonly answer: RequestListener;
  readonly says: RegExp;
}[] = [
  {
    name: 'a 404',
    answer: (_request, response) => void response.writeHead(404).end(),
    says: /answered 404/u,
  },
  {
    name: 'half an answer with its length',
    answer: (_request, response) => {
      response.writeHead(200, { 'content-length': WEIGHTS.length });
      response.write(WEIGHTS.subarray(0, 100_000), () => response.destroy());
    },
    says: /terminated|closed/u,
  },
  {
    name: 'half an answer that ends well',
    answer: (_request, response) => void response.end(WEIGHTS.subarray(0, 100_000)),
    says: /ended after 100000 of the 300000 bytes/u,
  },
  { name: 'no answer', answer: () => undefined, says: /no answer within/u },
  {
    name: 'an answer that stops',
    answer: (_request, response) => void response.write(WEIGHTS.subarray(0, 100_000)),
    says: /no more data within/u,
  },
];
for (const { name, answer, says } of failures) {
  test(`${name} from the hub: an error that lists what was tried and what to do, nothing kept`, async (t) => {
    const hub = await startHub(t, answer);
    const modelDir = await temporaryFolder(t);
    const hubTimeouts = { connectMs: 300, idleMs: 300 };
    const options = await optionsFor(t, {
      modelDir,
      hubUrl: hub.url,
      hubTimeouts,
      mavenCommand: 'no-such-program-as-maven',
    });
    await assert.rejects(resolveWeights(SMALL, options), (error) => {
      assert.ok(error instanceof RetrievalError);
      assert.equal(error.code, 'model_unavailable');
      assert.match(error.message, says);
      for (const part of [
        `folder ${modelDir}: holds no model_quantized.onnx`,
        `cache ${options.cacheDir}: holds no tokenizer.json`,
        `the model hub ${hub.url}`,
        'the program "no-such-program-as-maven" is not installed',
        'PLUMBLINE_MODEL_DIR',
      ]) {
        assert.ok(error.message.includes(part), part);
      }
      return true;
    });
    // One file's failure is enough to give the hub up.
    assert.equal(hub.requests.length, 1);
    await assertNoLeftovers(options.cacheDir);
  });
}

test('several that want the same files at once fetch them once', async (t) => {
  const hub = await startHub(t, goodHub);
  const options = await optionsFor(t, { hubUrl: hub.url });
  const found = await Promise.all(Array.from({ length: 8 }, () => resolveWeights(SMALL, options)));
  for (const paths of found) assert.deepEqual(await readFile(paths.weights), WEIGHTS);
  assert.equal(hub.requests.length, 2);
});

test('an abort stops a fetch with cancelled', async (t) => {
  const controller = new AbortController();
  const hub = await startHub(t, (_request, response) => {
    response.write(WEIGHTS.subarray(0, 1000), () => controller.abort());
  });
  const options = await optionsFor(t, { hubUrl: hub.url, signal: controller.signal });
  await assert.rejects(resolveWeights(SMALL, options), { code: 'cancelled' });
  await assertNoLeftovers(options.cacheDir);
});

test('a cache folder that cannot be made is named', async (t) => {
  const file = join(await temporaryFolder(t), 'file');
  await writeFile(file, '');
  const options = await optionsFor(t, { cacheDir: join(file, 'cache') });
  await assert.rejects(resolveWeights(SMALL, options), (error) => {
    assert.ok(error instanceof RetrievalError && error.code === 'model_unavailable');
    assert.equal(error.field, 'PLUMBLINE_CACHE_DIR');
    return true;
  });
});

const hasMaven = spawnSync('mvn', ['--version']).status === 0;
test(
  "Maven's copy has the pinned bytes",
  { skip: hasMaven ? false : 'Maven is not installed' },
  async (t) => {
    // Maven's own cache does not bear two Mavens at a time; this fills it under the fetch lock.
    await modelFiles();
    const model = MINILM_MODELS['minilm-l6'];
    const options = await optionsFor(t, { mavenCommand: 'mvn' });
    const paths = await resolveWeights(model, options);
    assert.equal(sha256(await readFile(paths.weights)), model.weights.sha256);
    assert.equal(sha256(await readFile(paths.tokenizer)), model.tokenizer.sha256);
    await assertNoLeftovers(options.cacheDir);
  },
);
