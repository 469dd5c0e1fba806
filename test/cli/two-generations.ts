/** A collection "parts" of two generations in memory, for commands that compare or ask them. */
import { loadConfig } from '../../src/config.js';
import type { Runtime } from '../../src/runtime-types.js';
import { openRuntime } from '../../src/runtime.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { runInProcess, sentencesOf } from './support.js';
import type { InProcess } from './support.js';

const BY = { by: 'test' };

export interface TwoGenerations {
  readonly runtime: Runtime;
  /** Runs a command line over the runtime, which stays open. */
  readonly run: (...args: string[]) => Promise<InProcess>;
}

/** @param words each is a document of sentences about it */
export async function openTwoGenerations(folder: string, words: readonly string[]): Promise<TwoGenerations> {
  const models = {
    first: createFakeEmbedder({ name: 'first' }),
    second: createFakeEmbedder({ name: 'second', pin: { model: 'second' } }),
  };
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    openEmbedder: (name) => Promise.resolve(name === 'first' ? models.first : models.second),
  });
  await runtime.catalog.createCollection({ name: 'parts', embedder: 'first' });
  await runtime.ingest('parts', sentencesOf(words));
  const { id } = await runtime.generations.start('parts', { embedder: 'second' }, BY);
  await runtime.generations.build('parts', id, BY);
  // Each command closes its runtime, which here is one for all.
  const kept: Runtime = { ...runtime, close: () => Promise.resolve() };
  return { runtime, run: (...args) => runInProcess(args, { runtime: kept, cwd: folder }) };
}
