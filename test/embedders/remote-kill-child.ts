/**
 * Ingests the corpus with Titan at the endpoint of the environment, and writes a byte to stdout
 * before and after every call of the store, so that the parent can end this process at any of them.
 */
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';
import { crashCorpus } from '../crash/corpus.js';
import { marked } from '../crash/marks.js';
import { openCrashStore } from '../crash/store.js';

const [, , url = ''] = process.argv;
const runtime = await openRuntime(loadConfig(), { store: marked(await openCrashStore(url)) });
await runtime.ingest('machines', crashCorpus('second'));
await runtime.close();
