/**
 * A change of the model is cut off: by kill -9 in a process of its own, and by a network that breaks
 * in the middle of a call, each at seeded moments of every stage. Run again, it ends as one that was
 * never cut off (which the memory store makes), and at most one batch is embedded again.
 *
 * `PLUMBLINE_TEST_REEMBED_POINTS` is how many moments there are in all stores; without it a share is
 * run. All of them:
 *
 *     PLUMBLINE_TEST_REEMBED_POINTS=200 PLUMBLINE_TEST_STORES=pglite,postgres,opensearch \
 *       npm test -- crash/reembed --test-timeout=7200000
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { RetrievalError } from '../../src/errors.js';
import { BUILDER } from '../../src/generations/lease.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import type { VectorStore } from '../../src/stores/port.js';
import { storeNames } from '../support/stores.js';
import { isPersistent, openArena, shift } from './arena.js';
import type { Arena } from './arena.js';
import { CUTTABLE } from './cuttable.js';
import type { Counted, Cuttable } from './cuttable.js';
import { STAGES, openReembed, prepareReembed, reembed } from './reembed.js';
import type { Stage } from './reembed.js';
import { assertSameSnapshot, snapshot } from './snapshot.js';
import type { Snapshot } from './snapshot.js';
import { openCrashStore } from './store.js';

const POINTS = Number(process.env['PLUMBLINE_TEST_REEMBED_POINTS'] ?? 20);
assert.ok(Number.isSafeInteger(POINTS) && POINTS > 0, 'PLUMBLINE_TEST_REEMBED_POINTS is a whole number');
const SHARES = {
  kill: { pglite: 0.2, postgres: 0.2, opensearch: 0 },
  cut: { pglite: 0, postgres: 0.3, opensearch: 0.3 },
} as const;
/** What waits for vectors or for writing. A document more may wait with it. */
const BATCH = 256;
const NAME = 'machines';
const QUESTIONS = ['the gasket of machine 17'];
const CHILD = fileURLToPath(new URL('./reembed-child.js', import.meta.url));

interface State {
  readonly seen: Snapshot;
  readonly generations: unknown;
  /** By document, by the hash of the text. */
  readonly vectors: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;
}

interface Expected {
  readonly state: State;
  /** Texts of a run that is not cut off. */
  readonly texts: number;
  readonly mostChunks: number;
}

const expecting = expectedState();
/** Most texts that were embedded twice. */
let most = 0;
/** Runs that were meant to be cut off, and those that were over before. */
const runs = { all: 0, over: 0 };

for (const name of storeNames()) {
  if (!isPersistent(name)) continue;
  describe(`a change of the model that is cut off on ${name}`, () => {
    let arena: Arena;
    let expected: Expected;
    before(async () => {
      expected = await expecting;
      arena = await openArena(name, prepareReembed);
    });
    after(() => arena.close());

    const kills = Math.round(POINTS * SHARES.kill[name]);
    if (kills > 0) {
      describe('by kill -9', () => {
        let moments: Moments;
        before(async () => {
          const { url, drop } = await arena.fresh();
          const child = await runChild({ url, stage: null, moment: 0, by: 'itself' });
          assert.ok(child.moments !== null, 'the uninterrupted run failed');
          assert.equal(child.texts, expected.texts);
          ({ moments } = child);
          await finishAndCompare(url, expected, child.texts);
          await drop();
          for (const stage of STAGES) assert.ok((moments[stage] ?? 0) > 0, `no moment of ${stage}`);
        });
        for (let point = 0; point < kills; point += 1) {
          const stage = stageOf(point, STAGES);
          const by = (point + Math.floor(point / STAGES.length)) % 2 === 0 ? 'itself' : 'parent';
          it(`${String(point + 1)} of ${String(kills)}: ${stage}, ended by ${by}`, async () => {
            const moment = 1 + Math.floor(shift(point) * (moments[stage] ?? 1));
            const { url, drop } = await arena.fresh();
            const child = await runChild({ url, stage, moment, by });
            noteRun(child.moments === null);
            await finishAndCompare(url, expected, child.texts);
            await drop();
          });
        }
      });
    }

    const cuts = Math.round(POINTS * SHARES.cut[name]);
    if (cuts > 0 && name !== 'pglite') {
      const stages = STAGES.filter((stage) => stage !== 'chunking' && stage !== 'embedding');
      describe('by the network', () => {
        let traffic: Traffic;
        before(async () => {
          const { url, drop } = await arena.fresh();
          const way = await CUTTABLE[name](url);
          traffic = await measure(way);
          await way.close();
          await drop();
        });
        for (let point = 0; point < cuts; point += 1) {
          const stage = stageOf(point, stages);
          const counted = (point + Math.floor(point / stages.length)) % 2 === 0 ? 'asked' : 'answered';
          it(`${String(point + 1)} of ${String(cuts)}: ${stage}, by what is ${counted}`, async () => {
            const calls = traffic[stage]?.[counted] ?? [];
            const call = Math.floor(shift(point) * calls.length);
            const amount = Math.ceil(shift(point * 3 + 1) * (calls[call] ?? 0));
            const { url, drop } = await arena.fresh();
            const way = await CUTTABLE[name](url);
            const texts = await runCut(way, { stage, call, counted, amount });
            if (point % 2 === 0) await way.deliverLate();
            await finishAndCompare(url, expected, texts, () => way.deliverLate());
            await way.close();
            await drop();
          });
        }
      });
    }

    if (name !== 'pglite') {
      it('a second process stops while the first one lives, and goes on at once when it is gone', async () => {
        const { url, drop } = await arena.fresh();
        const { texts } = await runChild(
          { url, stage: 'embedding', moment: 3, by: 'nobody' },
          async (child) => {
            let asked = 0;
            const runtime = await openReembed(await openCrashStore(url), {
              embeds: (more) => (asked += more),
            });
            await assert.rejects(reembed(runtime), (error: unknown) => {
              assert.ok(error instanceof RetrievalError && error.code === 'generation_conflict');
              assert.ok(error.message.includes(`by process ${String(child.pid)} on `), error.message);
              return true;
            });
            assert.equal(asked, 0);
            await runtime.close();
            child.kill('SIGKILL');
          },
        );
        await finishAndCompare(url, expected, texts);
        await drop();
      });
    }

    it('was cut off nearly always, and paid for no more than a batch twice', (context) => {
      const { all, over } = runs;
      context.diagnostic(
        `${String(all - over)} of ${String(all)} runs were cut off; at most ${String(most)} of ${String(expected.texts)} texts were embedded twice`,
      );
      assert.ok(most <= BATCH + expected.mostChunks);
      assert.ok(over <= Math.ceil(all / 4));
    });
  });
}

function noteRun(wasCutOff: boolean): void {
  runs.all += 1;
  if (!wasCutOff) runs.over += 1;
}

type Moments = Partial<Readonly<Record<Stage, number>>>;

/** Each stage in its turn. */
function stageOf(point: number, stages: readonly Stage[]): Stage {
  return stages[(point * 3) % stages.length] ?? 'writing';
}

interface Plan {
  readonly url: string;
  readonly stage: Stage | null;
  readonly moment: number;
  /** `nobody`: it stands still there. */
  readonly by: 'itself' | 'parent' | 'nobody';
}

const momentsSchema = z.partialRecord(z.enum(STAGES), z.number());

/** Runs the child to its end, whichever that is. */
async function runChild(
  plan: Plan,
  onTold: (child: ChildProcess) => Promise<void> | void = (child) => void child.kill('SIGKILL'),
): Promise<{ readonly texts: number; readonly moments: Moments | null }> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const told: Promise<void>[] = [];
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString();
    if (told.length > 0 || !said.includes('now\n')) return;
    const telling = Promise.resolve(onTold(child)).finally(() => child.kill('SIGKILL'));
    telling.catch(() => undefined);
    told.push(telling);
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      resolve();
    });
  });
  await Promise.all(told);
  const embeds = [...said.matchAll(/^embeds (\d+)$/gmu)].map(([, texts]) => Number(texts));
  const end = /^moments (.+)$/mu.exec(said)?.[1];
  return {
    texts: embeds.reduce((sum, texts) => sum + texts, 0),
    moments: end === undefined ? null : momentsSchema.parse(JSON.parse(end)),
  };
}

/** By stage, what each of its calls asked and was answered. */
type Traffic = Partial<Record<Stage, Readonly<Record<Counted, number[]>>>>;

async function measure(way: Cuttable): Promise<Traffic> {
  const traffic: Traffic = {};
  let began = { asked: 0, answered: 0 };
  const runtime = await openReembed(way.store, {
    at: (stage, moment) => {
      const now = { asked: way.traffic('asked'), answered: way.traffic('answered') };
      if (moment === 'before') began = now;
      if (moment !== 'after') return;
      const own = (traffic[stage] ??= { asked: [], answered: [] });
      for (const counted of ['asked', 'answered'] as const) own[counted].push(now[counted] - began[counted]);
    },
  });
  await reembed(runtime);
  await runtime.close();
  return traffic;
}

/** Runs until the way is cut in that call, and repairs it; answers how many texts were embedded. */
async function runCut(
  way: Cuttable,
  cut: { readonly stage: Stage; readonly call: number; readonly counted: Counted; readonly amount: number },
): Promise<number> {
  let texts = 0;
  let calls = 0;
  const runtime = await openReembed(way.store, {
    embeds: (more) => (texts += more),
    at: (stage, moment) => {
      if (stage !== cut.stage || moment !== 'before') return;
      if (calls === cut.call) way.cutAfter(cut.counted, cut.amount);
      calls += 1;
    },
  });
  const [result] = await Promise.allSettled([reembed(runtime)]);
  const wasCut = way.repair();
  noteRun(wasCut);
  await runtime.close();
  if (result.status === 'rejected') {
    assert.ok(result.reason instanceof RetrievalError, String(result.reason));
    assert.ok(wasCut, result.reason.message);
  }
  return texts;
}

/** @param late called when all is done */
async function finishAndCompare(
  url: string,
  { state, texts, mostChunks }: Expected,
  paid: number,
  late: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  let again = paid;
  const store = await openCrashStore(url);
  const runtime = await openReembed(store, { embeds: (more) => (again += more) });
  try {
    await reembed(runtime);
    await late();
    const actual = await stateOf(store);
    assertSameSnapshot(actual.seen, state.seen);
    assert.deepEqual(actual.generations, state.generations);
    assert.deepEqual(actual.vectors, state.vectors);
    assert.ok(again >= texts, 'what is there was made');
    most = Math.max(most, again - texts);
    assert.ok(again <= texts + BATCH + mostChunks, `${String(again - texts)} texts were embedded twice`);
    // One that was killed after its last batch may have left a sign; whoever builds next removes it.
    const signs = await store.records?.list(NAME, { kinds: [BUILDER], limit: 10 });
    assert.ok((signs?.length ?? 0) <= 2);
  } finally {
    await runtime.close();
  }
}

async function stateOf(store: VectorStore): Promise<State> {
  const runtime = await openReembed(store);
  const [active, ...more] = await runtime.generations.list(NAME);
  assert.ok(active !== undefined && more.length === 0, 'the old one is gone');
  const { state, embedder, documents, chunks, missing } = active;
  const vectors = new Map<string, ReadonlyMap<string, readonly number[]>>();
  const ref = { collection: NAME, generation: active.id };
  const { items } = await runtime.catalog.listDocuments(NAME, { limit: 1000 });
  for (const { id } of items) {
    const own = await store.documentVectors(ref, id);
    vectors.set(id, new Map([...own].map(([hash, vector]) => [hash, [...vector]])));
  }
  return {
    seen: await snapshot(runtime, QUESTIONS),
    generations: { state, embedder, documents, chunks, missing },
    vectors,
  };
}

async function expectedState(): Promise<Expected> {
  const store = createMemoryStore();
  let texts = 0;
  // Closing would forget what it holds.
  await prepareReembed({ ...store, close: () => Promise.resolve() });
  await reembed(await openReembed(store, { embeds: (more) => (texts += more) }));
  const state = await stateOf(store);
  const mostChunks = Math.max(...[...state.vectors.values()].map((own) => own.size));
  return { state, texts, mostChunks };
}
