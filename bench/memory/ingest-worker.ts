/** The process that is watched: one ingest by a runtime, with or without the model. Started by `watch.ts`. */
import { loadConfig } from '../../src/config.js';
import type { Source } from '../../src/ingest/types.js';
import { openRuntime } from '../../src/runtime.js';
import { drawDocuments } from './documents.js';
import { openFakeEmbedder } from './fake-embedder.js';
import type { Order, Report } from './messages.js';

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
const tell = (report: Report): void => {
  process.send?.(report);
};
/** Chunks between two reports. */
const EVERY = 500;
const WARM_UP_CHUNKS = 250;

const config = loadConfig({ ...process.env, PLUMBLINE_STORE_URL: order.store });
const runtime = await openRuntime(
  config,
  order.embedder === 'fake' ? { openEmbedder: (name) => openFakeEmbedder(name, config) } : {},
);
await runtime.catalog.createCollection({ name: order.collection, embedder: 'minilm-l6' });
// Opens the embedder, and everything is used once.
await runtime.ingest(order.collection, sourceOf(WARM_UP_CHUNKS));
const told = new Promise((resolve) => process.once('message', resolve));
tell({ kind: 'ready' });
await told;
if (order.chunks > 0) await load();
await runtime.catalog.deleteCollection(order.collection);
await runtime.close();
process.disconnect();

async function load(): Promise<void> {
  let last = 0;
  const summary = await runtime.ingest(order.collection, sourceOf(order.chunks + WARM_UP_CHUNKS), {
    onProgress({ stage, chunks }) {
      if (stage === 'ingest' && chunks - last < EVERY) return;
      last = chunks;
      tell({ kind: 'progress', stage, chunks });
    },
  });
  tell({ kind: 'done', chunks: summary.chunks });
}

function sourceOf(chunks: number): Source {
  return {
    total: null,
    async *items() {
      for (const document of drawDocuments(chunks, order.seed)) yield { kind: 'document', document };
    },
  };
}
