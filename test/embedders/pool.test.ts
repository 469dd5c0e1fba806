import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MAX_TOKENS, MINILM_MODELS } from '../../src/embedders/minilm/models.js';
import { openPool, type Pool } from '../../src/embedders/minilm/pool.js';
import type { WorkerSettings } from '../../src/embedders/minilm/protocol.js';
import { modelFiles } from './model-files.js';

const workerUrl = new URL('./dying-worker.js', import.meta.url);
const documents = { urgent: false };

describe("the local model's worker pool", () => {
  let settings: WorkerSettings;
  let folder: string;
  before(async () => {
    const model = MINILM_MODELS['minilm-l6'];
    const paths = await modelFiles();
    settings = {
      weightsPath: paths.weights,
      tokenizerPath: paths.tokenizer,
      tokenizerSha256: model.tokenizer.sha256,
      maxTokens: MAX_TOKENS,
    };
    folder = await mkdtemp(join(tmpdir(), 'plumbline-pool-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function withPool(
    threads: number,
    use: (pool: Pool) => Promise<void>,
    options: { readonly queryPauseMs?: number } = {},
  ): Promise<void> {
    const pool = await openPool({ settings, threads, workerUrl, ...options });
    try {
      await use(pool);
    } finally {
      await pool.close();
    }
  }

  test('a worker that dies once is replaced, and its texts are embedded all the same', async () => {
    await withPool(2, async (pool) => {
      const flag = join(folder, 'flag');
      await writeFile(flag, '');
      const deadlyOnce = `deadly while ${flag} is there`;
      const texts = ['a', 'b', deadlyOnce, ...Array.from({ length: 30 }, (_, index) => `text ${index}`)];
      const vectors = await pool.embed(texts, documents);
      assert.deepEqual(vectors, await pool.embed(texts, documents));
      assert.deepEqual(await pool.embed(['text 7'], { urgent: true }), [vectors[10]]);
    });
  });

  test('a text that kills each worker fails its own call, and the pool lives on', async () => {
    await withPool(1, async (pool) => {
      const expected = await pool.embed(['fine'], documents);
      await assert.rejects(pool.embed(['deadly'], documents), { code: 'embedder_unavailable' });
      assert.deepEqual(await pool.embed(['fine'], documents), expected);
    });
  });

  test('weights that cannot be loaded are an error at once', async () => {
    const weightsPath = join(folder, 'broken.onnx');
    await writeFile(weightsPath, 'not a model');
    await assert.rejects(openPool({ settings: { ...settings, weightsPath }, threads: 1 }), {
      code: 'embedder_unavailable',
    });
  });

  test('a query overtakes the documents that its worker has in hand', async () => {
    await withPool(1, async (pool) => {
      const long = 'time water house green music '.repeat(45);
      // The second text is refused when the worker comes to it, which tells when it did.
      let reachedSecond = false;
      const work = pool.embed([long, long.repeat(2), long], documents).catch(() => (reachedSecond = true));
      await pool.embed(['query'], { urgent: true });
      assert.equal(reachedSecond, false);
      await work;
      assert.equal(reachedSecond, true);
    });
  });

  test('after a query one worker gets no documents for a while', async () => {
    const signers = async (queryPauseMs: number): Promise<number> => {
      const file = join(folder, `signed-${String(queryPauseMs)}`);
      await withPool(
        2,
        async (pool) => {
          const long = 'time water house green music '.repeat(40);
          // Until both workers are there and have had work.
          const seen = join(folder, `warm-${String(queryPauseMs)}`);
          do await pool.embed(new Array<string>(8).fill(`signed in ${seen} ${long}`), documents);
          while (new Set((await readFile(seen, 'utf8')).split('\n')).size < 3);
          await pool.embed(['query'], { urgent: true });
          const texts = Array.from({ length: 20 }, (_, at) => `signed in ${file} ${String(at)} ${long}`);
          assert.equal((await pool.embed(texts, documents)).length, texts.length);
        },
        { queryPauseMs },
      );
      return new Set((await readFile(file, 'utf8')).trim().split('\n')).size;
    };
    assert.equal(await signers(600_000), 1);
    assert.equal(await signers(0), 2);
  });

  test('a small call does not wait for a large one', async () => {
    await withPool(1, async (pool) => {
      const long = 'time water house green music '.repeat(40);
      let largeDone = false;
      const large = pool.embed(new Array<string>(60).fill(long), documents).then(() => (largeDone = true));
      await pool.embed(['small'], documents);
      assert.equal(largeDone, false);
      await large;
    });
  });

  test('closing waits for what a worker is in the middle of, be it loading or a text', async () => {
    const long = 'time water house green music '.repeat(40);
    for (const kind of ['loading', 'loading', 'loading', 'running']) {
      const pool = await openPool({ settings, threads: 3 });
      if (kind === 'loading') {
        // Done by the first worker while the others, begun for it, still load the model.
        await pool.embed(['a', 'b', 'c'], documents);
      } else {
        const controller = new AbortController();
        const options = { urgent: false, signal: controller.signal };
        const call = assert.rejects(pool.embed(new Array<string>(20).fill(long), options), {
          code: 'cancelled',
        });
        await pool.embed(['a'], { urgent: true });
        controller.abort();
        await call;
      }
      // Native code that is stopped while it calls back would take the process down.
      await pool.close();
    }
  });

  test('an open, idle pool lets the process end; a call in work does not', async () => {
    const script = join(folder, 'idle.mjs');
    const poolUrl = new URL('../../src/embedders/minilm/pool.js', import.meta.url).href;
    await writeFile(
      script,
      `import { openPool } from ${JSON.stringify(poolUrl)};
       const pool = await openPool({ settings: ${JSON.stringify(settings)}, threads: 2 });
       await pool.embed(['a', 'b'], { urgent: false });
       void pool.embed(['c'], { urgent: true }).then(() => console.log('embedded'));`,
    );
    const child = spawn(process.execPath, [script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0);
    assert.equal(output, 'embedded\n');
  });
});
