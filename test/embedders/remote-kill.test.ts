/**
 * kill -9 at twenty seeded moments of an ingest with a remote embedder, then a rerun: the collection
 * equals that of an uninterrupted run, and no text is paid for twice but those that were on their way.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createEmbedModels } from '../bedrock/embed-models.js';
import { useTestCredentials } from '../bedrock/embed-support.js';
import { startFakeBedrock } from '../bedrock/server.js';
import { crashCorpus } from '../crash/corpus.js';
import { assertSameSnapshot, snapshot } from '../crash/snapshot.js';
import type { Snapshot } from '../crash/snapshot.js';

const MOMENTS = 20;
/** Titan takes one text a request, so that a batch is what is on its way at once. */
const CONCURRENCY = 4;
const CHILD = fileURLToPath(new URL('./remote-kill-child.js', import.meta.url));

useTestCredentials();

/** A folder for the data and one for the cache, and a Bedrock that counts. */
interface Place {
  readonly environment: Readonly<Record<string, string>>;
  /** Runs the child, and kills it at that mark; answers how many there were. */
  runChild(killAt: number): Promise<number>;
  /** Texts of documents that were paid for, in order. */
  paid(): readonly string[];
  close(): Promise<void>;
}

async function openPlace(folder: string, store = `pglite:${join(folder, 'data')}`): Promise<Place> {
  const models = createEmbedModels({ countTokens: (text) => Math.ceil(text.length / 4) });
  const fake = await startFakeBedrock({ handlers: [models.handler] });
  const environment = {
    PLUMBLINE_STORE_URL: store,
    PLUMBLINE_CACHE_DIR: join(folder, 'cache'),
    PLUMBLINE_BEDROCK_REGION: 'eu-central-1',
    PLUMBLINE_BEDROCK_ENDPOINT: fake.url,
    PLUMBLINE_BEDROCK_CONCURRENCY: String(CONCURRENCY),
  };
  return {
    environment,
    async runChild(killAt) {
      const child = spawn(process.execPath, [CHILD, store], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, ...environment },
      });
      let marks = 0;
      const mark = (count: number): void => {
        marks += count;
        if (marks >= killAt) child.kill('SIGKILL');
      };
      child.stdout.on('data', (data: Buffer) => {
        mark(data.length);
      });
      fake.failWhen(() => {
        mark(1);
        return null;
      });
      const code = await new Promise<number | null>((resolve, reject) => {
        child.on('error', reject);
        child.on('close', resolve);
      });
      fake.failWhen(null);
      if (killAt === Infinity) assert.equal(code, 0, 'the uninterrupted run failed');
      return marks;
    },
    paid: () => models.embedded.map(({ text }) => text).filter((text) => text.includes(' turns. ')),
    close: () => fake.close(),
  };
}

async function withRuntime<T>(place: Place, run: (runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = await openRuntime(loadConfig(place.environment));
  try {
    return await run(runtime);
  } finally {
    await runtime.close();
  }
}

describe('kill -9 during an ingest with a remote embedder', { concurrency: 2, timeout: 900_000 }, () => {
  let root: string;
  let expected: Snapshot;
  let texts: number;
  let marks: number;

  /** A copy of the empty collection. */
  const fresh = async (name: string): Promise<Place> => {
    const folder = join(root, name);
    await cp(join(root, 'template'), folder, { recursive: true });
    return openPlace(folder);
  };

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'plumbline-remote-kill-'));
    const reference = await openPlace(join(root, 'reference'), 'memory:');
    expected = await withRuntime(reference, async (runtime) => {
      await runtime.catalog.createCollection({ name: 'machines', embedder: 'titan-v2-256' });
      await runtime.ingest('machines', crashCorpus('second'));
      texts = reference.paid().length;
      return snapshot(runtime);
    });
    await reference.close();
    const template = await openPlace(join(root, 'template'));
    await withRuntime(template, (runtime) =>
      runtime.catalog.createCollection({ name: 'machines', embedder: 'titan-v2-256' }),
    );
    await template.close();
    const whole = await fresh('whole');
    marks = await whole.runChild(Infinity);
    assert.equal(whole.paid().length, texts);
    await whole.close();
    assert.ok(marks > texts, String(marks));
  });
  after(() => rm(root, { recursive: true, force: true }));

  for (let moment = 0; moment < MOMENTS; moment += 1) {
    it(`moment ${String(moment + 1)} of ${String(MOMENTS)}`, async (t) => {
      const place = await fresh(`run-${String(moment)}`);
      t.after(() => place.close());
      // Spread over the whole run, with a seeded shift inside each stretch.
      await place.runChild(Math.floor(((moment + shift(moment)) / MOMENTS) * marks));
      await withRuntime(place, async (runtime) => {
        const { failed } = await runtime.ingest('machines', crashCorpus('second'));
        assert.deepEqual(failed, []);
        const paid = place.paid();
        const again = paid.length - new Set(paid).size;
        t.diagnostic(`${String(again)} of ${String(texts)} texts were paid for again`);
        assert.equal(new Set(paid).size, texts);
        assert.ok(again <= CONCURRENCY, `${String(again)} texts were paid for again`);
        assertSameSnapshot(await snapshot(runtime), expected);
      });
    });
  }
});

/** The fractional part of multiples of the golden ratio: in [0, 1), even, and the same each time. */
function shift(seed: number): number {
  return (seed * 0.618_033_988_749_895) % 1;
}
