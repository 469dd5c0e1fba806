/** A change of the model, from its start to the last trace of the old one, watched step by step. */
import assert from 'node:assert/strict';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { crashCorpus } from './corpus.js';

/** Where it can be cut off. */
export const STAGES = [
  'looking',
  'creating',
  'reading',
  'chunking',
  'embedding',
  'writing',
  'finishing',
  'activating',
  'dropping',
  'noting',
] as const;
export type Stage = (typeof STAGES)[number];

/** Calls of the store that are stages of their own; its records are `noting`, and the others `looking`. */
const CALLS: Readonly<Record<string, Stage>> = {
  create: 'creating',
  missing: 'reading',
  getDocument: 'reading',
  putChunks: 'writing',
  finishLoad: 'finishing',
  activate: 'activating',
  drop: 'dropping',
};

export interface Watch {
  /** Called at each moment of a stage: before and after a call, and in the work between. */
  readonly at?: (stage: Stage, moment: 'before' | 'after' | 'amid') => void;
  /** So many texts are about to be embedded. */
  readonly embeds?: (texts: number) => void;
}

const NAME = 'machines';
/** More than a batch. */
const DOCUMENTS = 70;
const AUTHOR = { by: 'tester' };

export async function openReembed(store: VectorStore, { at, embeds }: Watch = {}): Promise<Runtime> {
  const first = createFakeEmbedder({ name: 'first' });
  const plain = createFakeEmbedder({
    name: 'second',
    // Twice the chunks, and a model of this machine.
    maxTokens: 32,
    pin: { model: 'second-words', weightsSha256: 'f'.repeat(64) },
    before: (texts, { inputType }) => {
      if (inputType !== 'document') return;
      embeds?.(texts.length);
      at?.('embedding', 'amid');
    },
  });
  const { tokenizer } = plain;
  const second = {
    ...plain,
    tokenizer: {
      ...tokenizer,
      count: (text: string): number => {
        at?.('chunking', 'amid');
        return tokenizer.count(text);
      },
    },
  };
  return openRuntime(loadConfig({}), {
    store: at === undefined ? store : watched(store, at),
    embedders: ['first', 'second'],
    openEmbedder: (name) => Promise.resolve(name === 'second' ? second : first),
    // What retires now can be dropped now, whatever the clocks.
    now: () => Date.now() + 60_000,
  });
}

/** A collection to be changed. Closes the store. */
export async function prepareReembed(store: VectorStore): Promise<void> {
  const runtime = await openReembed(store);
  await runtime.catalog.createCollection({ name: NAME, embedder: 'first' });
  const { failed } = await runtime.ingest(NAME, crashCorpus('second', DOCUMENTS));
  assert.deepEqual(failed, []);
  await runtime.close();
}

/** Goes on wherever an earlier call was cut off, as the command line does. */
export async function reembed({ generations }: Runtime): Promise<void> {
  const all = await generations.list(NAME);
  if (all.find(({ state }) => state === 'active')?.embedder !== 'second') {
    const { id } =
      all.find(({ state }) => state === 'building') ??
      (await generations.start(
        NAME,
        { embedder: 'second', chunker: { kind: 'structure', targetTokens: 32, overlapTokens: 0 } },
        AUTHOR,
      ));
    await generations.build(NAME, id, AUTHOR);
    await generations.activate(NAME, id, { ...AUTHOR, force: true, reason: 'a test' });
  }
  await generations.collectGarbage(NAME, 0, AUTHOR);
}

function watched(store: VectorStore, at: NonNullable<Watch['at']>): VectorStore {
  const { generations, records } = store;
  assert.ok(generations !== undefined && records !== undefined);
  return {
    ...watchedPart(store, at, 'looking'),
    generations: watchedPart(generations, at, 'looking'),
    records: watchedPart(records, at, 'noting'),
  };
}

function watchedPart<T extends object>(part: T, at: NonNullable<Watch['at']>, others: Stage): T {
  const watchedMembers = Object.entries(part).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function' || name === 'close') return [name, value] as const;
    const stage = CALLS[name] ?? others;
    const call = async (...args: readonly unknown[]): Promise<unknown> => {
      at(stage, 'before');
      const answer: unknown = await Reflect.apply(value, part, args);
      at(stage, 'after');
      return answer;
    };
    return [name, call] as const;
  });
  return { ...part, ...Object.fromEntries(watchedMembers) };
}
