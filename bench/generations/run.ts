/**
 * Measures a change of the chunker in mid-service: building a generation against bare embedding of
 * the same texts, queries while it is built against queries when nothing else goes on, and
 * switching back and forth under a stream of queries.
 *
 *     node dist/bench/generations/run.js [--store URL] [--documents N] [--queries N] [--out FOLDER]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chunkWith } from '../../src/chunking/chunkers.js';
import { loadConfig } from '../../src/config.js';
import { openEmbedder } from '../../src/embedders/registry.js';
import type { RawDocument } from '../../src/model.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import { mulberry32 } from '../support/random.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { quantile } from '../support/stats.js';

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    documents: { type: 'string', default: '5000' },
    queries: { type: 'string', default: '10000' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
const AUTHOR = { by: 'bench', reason: 'bench' };
/** Queries of the measurements before and during the build. */
const TIMED = 200;
const SWITCHES = 20;
const READERS = 4;
const HITS = 10;

const scratch = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));
const name = `bench-generations-${String(Date.now())}`;
const config = loadConfig({
  ...process.env,
  PLUMBLINE_STORE_URL: values.store ?? `pglite:${join(scratch, 'data')}`,
});
const runtime = await openRuntime(config);
const documents = makeDocuments(Number(values.documents));
try {
  await runtime.catalog.createCollection({ name, embedder: 'minilm-l6', chunker: { kind: 'structure' } });
  await runtime.ingest(name, {
    total: documents.length,
    async *items() {
      for (const document of documents) yield { kind: 'document', document };
    },
  });
  const before = (await runtime.catalog.getCollection(name)).generation.id;
  const idle = await timeQueries(TIMED);

  // Alone, for the throughput; then again under queries.
  const alone = await build();
  const bare = await embedBare();
  await runtime.generations.drop(name, alone.id, AUTHOR);
  const under = build();
  const busy: number[] = [];
  const state = { done: false };
  const watched = under.finally(() => {
    state.done = true;
  });
  while (!state.done) busy.push(...(await timeQueries(5)));
  const built = await watched;

  const switched = await switchUnderLoad(before, built.id, Number(values.queries));
  const results = {
    ...circumstances(),
    store: runtime.store.kind,
    documents: documents.length,
    chunks: alone.chunks,
    build: {
      chunks_per_second: alone.chunks / alone.seconds,
      bare_chunks_per_second: bare,
      ratio: alone.chunks / alone.seconds / bare,
      target: 0.85,
    },
    query_ms: {
      idle: { p50: quantile(idle, 0.5), p95: quantile(idle, 0.95) },
      building: { p50: quantile(busy, 0.5), p95: quantile(busy, 0.95), queries: busy.length },
      ratio_p95: quantile(busy, 0.95) / quantile(idle, 0.95),
      target: 2,
    },
    switching: switched,
  };
  await writeResults(
    values.out,
    `generations-${runtime.store.kind}`,
    results,
    `# Changing a generation in mid-service: ${runtime.store.kind}

\`node dist/bench/generations/run.js --store …\`, ${results.date}, ${results.machine}, Node ${results.node}.

${String(documents.length)} documents, ${String(alone.chunks)} chunks in the new generation, all embedded anew with the local model.

| | measured | wanted |
| --- | --- | --- |
| build against bare embedding of the same texts | ${results.build.ratio.toFixed(3)} (${results.build.chunks_per_second.toFixed(0)} and ${bare.toFixed(0)} a second) | ≥ 0.85 |
| p95 of a query while building, against idle | ${results.query_ms.ratio_p95.toFixed(2)} (${results.query_ms.building.p95.toFixed(1)} and ${results.query_ms.idle.p95.toFixed(1)} ms) | ≤ 2 |
| errors and short answers in ${String(switched.queries)} queries through ${String(switched.switches)} switches | ${String(switched.errors + switched.short)} | 0 |
`,
  );
  console.log(JSON.stringify(results, null, 2));
} finally {
  await runtime.catalog.deleteCollection(name).catch(() => undefined);
  await runtime.close();
  await rm(scratch, { recursive: true, force: true });
}

async function build(): Promise<{ readonly id: number; readonly chunks: number; readonly seconds: number }> {
  const { id } = await runtime.generations.start(
    name,
    { chunker: { kind: 'fixed', targetTokens: 60, overlapTokens: 0 } },
    AUTHOR,
  );
  const summary = await runtime.generations.build(name, id, AUTHOR);
  if (summary.embedded !== summary.chunks)
    throw new Error('Vectors were taken over; nothing would be measured');
  return { id, chunks: summary.chunks, seconds: summary.elapsedMs / 1000 };
}

/** Chunks a second of embedding the same texts and nothing else. */
async function embedBare(): Promise<number> {
  const embedder = await openEmbedder('minilm-l6', config.models);
  const texts: string[] = [];
  for (const { id } of documents) {
    const stored = await runtime.catalog.getDocument(name, id);
    const { chunks } = await chunkWith(
      stored.document,
      { kind: 'fixed', targetTokens: 60, overlapTokens: 0 },
      embedder,
    );
    texts.push(...chunks.map(({ indexedText }) => indexedText));
  }
  await embedder.embed(texts.slice(0, 64), { inputType: 'document' });
  const began = performance.now();
  await embedder.embed(texts, { inputType: 'document' });
  const seconds = (performance.now() - began) / 1000;
  await embedder.close();
  return texts.length / seconds;
}

async function timeQueries(count: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const began = performance.now();
    await ask(at);
    times.push(performance.now() - began);
  }
  return times;
}

async function ask(at: number): Promise<{ readonly hits: number; readonly generation: number }> {
  const document = documents[(at * 37) % documents.length];
  const words = document?.content.split(' ').slice(0, 6).join(' ') ?? 'word';
  const answer = await runtime.retrieve(name, queryRequestSchema.parse({ query: words, top_k: HITS }));
  return { hits: answer.hits.length, generation: answer.generation };
}

async function switchUnderLoad(
  first: number,
  second: number,
  queries: number,
): Promise<{
  readonly queries: number;
  readonly switches: number;
  readonly errors: number;
  readonly short: number;
}> {
  let asked = 0;
  let errors = 0;
  let short = 0;
  let switches = 0;
  const readers = Array.from({ length: READERS }, async () => {
    while (asked < queries) {
      asked += 1;
      try {
        const { hits, generation } = await ask(asked);
        if (hits !== HITS || (generation !== first && generation !== second)) short += 1;
      } catch {
        errors += 1;
      }
    }
  });
  for (let at = 0; at < SWITCHES; at += 1) {
    // Spread over the queries.
    while (asked < (queries * at) / SWITCHES) await new Promise((resolve) => setTimeout(resolve, 5));
    await runtime.generations.activate(name, at % 2 === 0 ? second : first, { ...AUTHOR, force: true });
    switches += 1;
  }
  await Promise.all(readers);
  return { queries: asked, switches, errors, short };
}

/** Texts of made-up words, some six chunks each in the new generation. */
function makeDocuments(count: number): readonly RawDocument[] {
  const random = mulberry32(7);
  const words = Array.from({ length: 4000 }, (_, at) => `word${at.toString(36)}`);
  return Array.from({ length: count }, (_, at) => ({
    id: `d${String(at)}`,
    format: 'text',
    content: Array.from({ length: 80 }, () => words[Math.floor(random() ** 2 * words.length)] ?? '').join(
      ' ',
    ),
    metadata: {},
  }));
}
