/**
 * Recall of an OpenSearch collection's graph by its compression: against comparing every vector, of
 * the same questions. Made-up vectors of 384 dimensions in clusters, unit length.
 *   node scripts/services/opensearch/compression.mjs 'opensearch://127.0.0.1:9217?engine=lucene' [CHUNKS] [LEVEL …]
 */
import { randomUUID } from 'node:crypto';
import { parseStoreUrl } from '../../../dist/src/config.js';
import { openOpenSearchStore } from '../../../dist/src/stores/opensearch/index.js';

const DIMENSIONS = 384;
const CLUSTERS = 300;
const QUESTIONS = 200;
const BATCH = 500;
const KS = [10, 100];
const [url = 'opensearch://127.0.0.1:9217?engine=lucene', chunks = '10000', ...levels] =
  process.argv.slice(2);

/** mulberry32: the same numbers every time. */
let state = 7;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
function unit(values) {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
}
const centres = Array.from({ length: CLUSTERS }, () => Array.from({ length: DIMENSIONS }, normal));
function near() {
  const centre = centres[Math.floor(random() * CLUSTERS)] ?? [];
  return unit(centre.map((value) => value + normal()));
}
const vectors = Array.from({ length: Number(chunks) }, near);
const questions = Array.from({ length: QUESTIONS }, near);

const pin = {
  provider: 'made-up',
  model: 'clusters',
  revision: '1',
  weightsSha256: null,
  tokenizerSha256: null,
  dimensions: DIMENSIONS,
  pooling: 'mean',
  normalized: true,
  precision: 'fp32',
  documentPrefix: '',
  queryPrefix: '',
};
function writeOf(vector, at) {
  const id = `d${String(at)}`;
  const chunk = {
    id: `c${String(at)}`,
    documentId: id,
    ordinal: 0,
    start: 0,
    end: 1,
    overlap: 0,
    headingPath: [],
    text: 'x',
    indexedText: 'x',
    tokens: 1,
    split: 'block',
    vector,
  };
  const document = { id, title: null, source: null, text: 'x', blocks: [], metadata: {} };
  return { document, values: {}, contentHash: id, chunks: [chunk] };
}

const store = await openOpenSearchStore({ ...parseStoreUrl(url), prefix: `compression-${randomUUID()}` });
for (const level of levels.length === 0 ? ['whole', '4x'] : levels) {
  const name = `at-${level}`;
  const index = { kind: 'hnsw', m: 16, efConstruction: 512, buildAfter: 0 };
  const { generation } = await store.createCollection({
    name,
    fieldMode: 'declared',
    fields: {},
    language: 'none',
    embedder: 'made-up',
    pin,
    chunker: { kind: 'structure', targetTokens: 400, overlapTokens: 50 },
    metric: 'cosine',
    index: level === 'whole' ? index : { ...index, compression: level },
  });
  const ref = { collection: name, generation: generation.id };
  const started = performance.now();
  for (let at = 0; at < vectors.length; at += BATCH) {
    const batch = vectors.slice(at, at + BATCH).map((vector, place) => writeOf(vector, at + place));
    await store.putDocuments(ref, pin, batch);
  }
  const load = (performance.now() - started) / 1000;
  for (const efSearch of [100, 512]) {
    for (const k of KS) {
      let [found, wanted, approximate, took] = [0, 0, 0, 0];
      for (const vector of questions) {
        const query = { vector, k, filter: { kind: 'all' }, efSearch };
        const exact = await store.vectorLeg(ref, { ...query, exact: true });
        const before = performance.now();
        const { hits, plan } = await store.vectorLeg(ref, query);
        took += performance.now() - before;
        if (plan.strategy === 'approximate') approximate += 1;
        const ids = new Set(hits.map(({ chunkId }) => chunkId));
        wanted += exact.hits.length;
        found += exact.hits.filter(({ chunkId }) => ids.has(chunkId)).length;
      }
      console.log(
        `${level}: ef_search ${String(efSearch)}, recall@${String(k)} ${(found / wanted).toFixed(4)}, ${(took / QUESTIONS).toFixed(1)} ms a question (${String(approximate)} of ${String(QUESTIONS)} by the graph; load ${load.toFixed(0)} s)`,
      );
    }
  }
  await store.deleteCollection(name);
}
await store.close();
