/** The collection of a soak, and what all of its workers share. */
import { loadConfig } from '../../../src/config.js';
import type { ChunkerSettings, Generation } from '../../../src/model.js';
import { modelVersion } from '../../../src/pin.js';
import { openRuntime } from '../../../src/runtime.js';
import type { Runtime } from '../../../src/runtime-types.js';
import type { VectorStore } from '../../../src/stores/port.js';
import { createFakeEmbedder } from '../../support/fake-embedder.js';
import { createRandom } from '../../support/random.js';
import type { Random } from '../../support/random.js';
import { sourceOf } from '../../support/source.js';
import { createCutter, documentOf } from './documents.js';
import type { Cutter } from './documents.js';
import { createTruth } from './truth.js';
import type { Truth } from './truth.js';

export const NAME = 'soak';
const DOCUMENTS = 40;
/** Each generation cuts otherwise than the one before it, and every second has the other model. */
const TARGETS = [16, 21, 28, 37, 49] as const;
const MODELS = ['first', 'second'] as const;

/** How often what happened. */
export interface Counts {
  answers: number;
  passages: number;
  /** Answers of a generation that was named. */
  named: number;
  /** Of these, refused because the generation had been dropped. */
  gone: number;
  written: number;
  deleted: number;
  built: number;
  switches: number;
  dropped: number;
  /** Switches and builds that had to be asked for again, because too much was written. */
  conflicts: number;
}

export interface World {
  /** Of the process that writes, and of the one that asks and switches. */
  readonly writing: Runtime;
  readonly asking: Runtime;
  readonly truth: Truth;
  readonly cut: Cutter;
  readonly counts: Counts;
  readonly random: Random;
  /** Whether the time is over, or a worker has failed. Each does once what it is there for, however slow the store. */
  ended(): boolean;
  /** How the generations cut, and the names of their models. */
  readonly forms: Map<number, Form>;
  /** Generations that may be asked by their number, for as long as they are here. */
  readonly retired: Set<number>;
  /** What the next generation is made with. */
  nextForm(): { readonly embedder: string; readonly chunker: ChunkerSettings };
}

export interface Form {
  readonly chunker: ChunkerSettings;
  readonly modelVersion: string;
}

export function formOf({ chunker, pin }: Pick<Generation, 'chunker' | 'pin'>): Form {
  return { chunker, modelVersion: modelVersion(pin) };
}

export async function openWorld(
  [writer, asker]: readonly [VectorStore, VectorStore],
  ended: () => boolean,
  seed: number,
): Promise<World> {
  const embedders = new Map(
    MODELS.map((name) => [name as string, createFakeEmbedder({ name, pin: { model: name } })]),
  );
  const cutting = createFakeEmbedder();
  const open = (store: VectorStore): Promise<Runtime> =>
    openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
      store,
      openEmbedder: (name) => {
        const embedder = embedders.get(name);
        return embedder === undefined ? Promise.reject(new Error(name)) : Promise.resolve(embedder);
      },
    });
  const writing = await open(writer);
  const asking = writer === asker ? writing : await open(asker);

  let made = 0;
  const nextForm: World['nextForm'] = () => {
    made += 1;
    return {
      embedder: MODELS[made % MODELS.length] ?? 'first',
      chunker: { kind: 'fixed', targetTokens: TARGETS[made % TARGETS.length] ?? 16, overlapTokens: 0 },
    };
  };
  const truth = createTruth(DOCUMENTS);
  const { generation } = await writing.catalog.createCollection({
    name: NAME,
    fields: { key: 'keyword', version: 'number' },
    ...nextForm(),
  });
  const first = truth.ids.map((id) => documentOf(id, truth.begin(id)));
  await writing.ingest(NAME, sourceOf(first));
  for (const id of truth.ids) truth.written(id, 1);
  return {
    writing,
    asking,
    truth,
    cut: createCutter(cutting),
    random: createRandom(seed),
    ended,
    forms: new Map([[generation.id, formOf(generation)]]),
    retired: new Set(),
    nextForm,
    counts: {
      answers: 0,
      passages: 0,
      named: 0,
      gone: 0,
      written: 0,
      deleted: 0,
      built: 0,
      switches: 0,
      dropped: 0,
      conflicts: 0,
    },
  };
}
