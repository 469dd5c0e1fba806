/**
 * Ingests the corpus with Titan at the endpoint of the environment, and writes a byte to stdout
 * before and after every call of the store, so that the parent can end this process at any of them.
 */
import { writeSync } from 'node:fs';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import type { VectorStore } from '../../src/stores/port.js';
import { crashCorpus } from '../crash/corpus.js';
import { openCrashStore } from '../crash/store.js';

function marked(store: VectorStore): VectorStore {
  return new Proxy(store, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== 'function') return value;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        writeSync(1, '.');
        const answer: unknown = await Reflect.apply(value, target, args);
        writeSync(1, '.');
        return answer;
      };
    },
  });
}

const [, , url = ''] = process.argv;
const runtime = await openRuntime(loadConfig(), { store: marked(await openCrashStore(url)) });
await runtime.ingest('machines', crashCorpus('second'));
await runtime.close();
