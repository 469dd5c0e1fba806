/**
 * Ingests the second state of the corpus and writes a byte to stdout before and after every call
 * of a port, so that the parent can end this process at any of them.
 */
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { crashCorpus } from './corpus.js';
import { mark, marked } from './marks.js';
import { openCrashStore } from './store.js';

const [, , url = ''] = process.argv;
const embedder = createFakeEmbedder({ before: mark });
const runtime = await openRuntime(loadConfig({}), {
  store: marked(await openCrashStore(url)),
  openEmbedder: () => Promise.resolve(embedder),
});
await runtime.ingest('machines', crashCorpus('second'), { prune: true });
await runtime.close();
