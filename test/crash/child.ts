/**
 * Ingests the second state of the corpus and writes a byte to stdout before and after every call
 * of a port, so that the parent can end this process at any of them.
 */
import { writeSync } from 'node:fs';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { VectorStore } from '../../src/stores/port.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { crashCorpus } from './corpus.js';
import { openCrashStore } from './store.js';

const mark = (): void => {
  writeSync(1, '.');
};

function marked(store: VectorStore): VectorStore {
  return new Proxy(store, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== 'function') return value;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        mark();
        const answer: unknown = await Reflect.apply(value, target, args);
        mark();
        return answer;
      };
    },
  });
}

const [, , url = ''] = process.argv;
const embedder = createFakeEmbedder({ before: mark });
const runtime = await openRuntime(loadConfig({}), {
  store: marked(await openCrashStore(url)),
  openEmbedder: () => Promise.resolve(embedder),
});
await runtime.ingest('machines', crashCorpus('second'), { prune: true });
await runtime.close();
