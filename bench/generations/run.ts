/**
 * Measures a change of the chunker in mid-service: building a generation against bare embedding of
 * the same texts, in turns; queries while it is built against queries when nothing else goes on;
 * switching back and forth under a stream of queries; and what the store keeps before, during and
 * after.
 *
 *     node dist/bench/generations/run.js [--store URL] [--documents N] [--tokens N] [--queries N] [--rounds N] [--out FOLDER]
 *
 * URL is of a PostgreSQL or an OpenSearch, in which it works in a database or in indexes of its own;
 * without one, an embedded database. `--tokens` is the size of the new generation's chunks: the shorter
 * they are, the more there is to do around the embedding of each.
 */
import { parseArgs } from 'node:util';
import { chunkWith } from '../../src/chunking/chunkers.js';
import { loadConfig } from '../../src/config.js';
import { openEmbedder } from '../../src/embedders/registry.js';
import type { ModelSettings } from '../../src/embedders/registry.js';
import type { RawDocument } from '../../src/model.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { mulberry32 } from '../support/random.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import type { Circumstances } from '../support/report.js';
import { quantile } from '../support/stats.js';
import { takeTurns } from '../support/turns.js';
import { withStorage } from './storage.js';
import type { Bytes, Storage } from './storage.js';

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    documents: { type: 'string', default: '5000' },
    tokens: { type: 'string', default: '180' },
    queries: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
const AUTHOR = { by: 'bench', reason: 'bench' };
/** Queries of the measurements before and during the build. */
const TIMED = 200;
const SWITCHES = 20;
const READERS = 4;
const HITS = 10;
/** Share of vectors that a build may take over. */
const MOST_REUSED = 0.01;
/** Texts that each side embeds before its clock runs. */
const WARM_UP = 64;
const NAME = 'bench-generations';

interface Results extends Circumstances {
  readonly store: string;
  readonly documents: number;
  readonly chunks: number;
  readonly embedded: number;
  /** Tokens a chunk of the new generation has at most. */
  readonly tokens: number;
  readonly threads: number;
  readonly rounds: number;
  readonly build: {
    readonly chunks_per_second: number;
    readonly bare_chunks_per_second: number;
    readonly ratio: number;
    readonly ratios: readonly number[];
    readonly target: number;
  };
  readonly query_ms: {
    readonly idle: { readonly p50: number; readonly p95: number };
    readonly building: { readonly p50: number; readonly p95: number; readonly queries: number };
    readonly ratio_p95: number;
    readonly target: number;
  };
  readonly switching: Switching;
  readonly bytes: {
    readonly one: Bytes;
    readonly two: Bytes;
    readonly after: Bytes;
    readonly index: number | null;
  };
}

interface Switching {
  readonly queries: number;
  readonly switches: number;
  readonly errors: number;
  readonly short: number;
}

/** Made-up words have three tokens each, and a document makes four chunks. */
const WORDS_A_TOKEN = 4 / 3;
const CHUNKER = { kind: 'fixed', targetTokens: Number(values.tokens), overlapTokens: 0 } as const;

const documents = makeDocuments(Number(values.documents), Math.round(CHUNKER.targetTokens * WORDS_A_TOKEN));
await withStorage(values.store, async (storage) => {
  const config = loadConfig({ ...process.env, PLUMBLINE_STORE_URL: storage.url });
  const runtime = await openRuntime(config, { store: storage.store });
  try {
    await measure(runtime, storage, config.models);
  } finally {
    await runtime.close();
  }
});

async function measure(runtime: Runtime, storage: Storage, models: ModelSettings): Promise<void> {
  await runtime.catalog.createCollection({
    name: NAME,
    embedder: 'minilm-l6',
    chunker: { kind: 'structure' },
  });
  await runtime.ingest(NAME, {
    total: documents.length,
    async *items() {
      for (const document of documents) yield { kind: 'document', document };
    },
  });
  const before = (await runtime.catalog.getCollection(NAME)).generation.id;
  const idle = await timeQueries(runtime, TIMED);
  const one = await storage.bytes();

  const rates = await rateBuilds(runtime, models);
  const under = build(runtime);
  const busy: number[] = [];
  const state = { done: false };
  const watched = under.finally(() => {
    state.done = true;
  });
  while (!state.done) busy.push(...(await timeQueries(runtime, 5)));
  const built = await watched;
  const two = await storage.bytes();

  const switched = await switchUnderLoad(runtime, before, built.id, Number(values.queries));
  // An odd switch more: the one that stays is the new one.
  await runtime.generations.activate(NAME, built.id, { ...AUTHOR, force: true });
  const dropped = await runtime.generations.collectGarbage(NAME, 0, AUTHOR);
  if (dropped.length !== 1) throw new Error('The generation that was left has not been dropped');
  const after = await storage.bytes();

  const median = (of: readonly number[]): number => quantile(of, 0.5);
  const results: Results = {
    ...circumstances(),
    store: runtime.store.kind,
    documents: documents.length,
    chunks: built.chunks,
    embedded: built.embedded,
    tokens: CHUNKER.targetTokens,
    threads: models.threads,
    rounds: rates.built.length,
    build: {
      chunks_per_second: median(rates.built),
      bare_chunks_per_second: median(rates.bare),
      ratio: median(rates.built) / median(rates.bare),
      ratios: rates.built.map((rate, at) => rate / (rates.bare[at] ?? Number.NaN)),
      target: 0.85,
    },
    query_ms: {
      idle: { p50: quantile(idle, 0.5), p95: quantile(idle, 0.95) },
      building: { p50: quantile(busy, 0.5), p95: quantile(busy, 0.95), queries: busy.length },
      ratio_p95: quantile(busy, 0.95) / quantile(idle, 0.95),
      target: 2,
    },
    switching: switched,
    bytes: { one, two, after, index: await storage.indexBytes(NAME) },
  };
  await writeResults(values.out, `generations-${runtime.store.kind}`, results, page(results));
  console.log(JSON.stringify(results, null, 2));
}

/** Alone, for the throughput: each round builds and embeds, and who begins changes. */
async function rateBuilds(
  runtime: Runtime,
  models: ModelSettings,
): Promise<{ readonly built: readonly number[]; readonly bare: readonly number[] }> {
  const texts = await textsOf(runtime, models);
  const built: number[] = [];
  const bare: number[] = [];
  const embedder = await openEmbedder('minilm-l6', models);
  try {
    await takeTurns(
      Array.from({ length: Number(values.rounds) }, (_, at) => at),
      [
        async () => {
          const { id, chunks, embedded, seconds } = await build(runtime);
          if (chunks !== texts.length) throw new Error('The two sides have other texts');
          built.push(embedded / seconds);
          await runtime.generations.drop(NAME, id, AUTHOR);
        },
        async () => {
          await embedder.embed(texts.slice(0, WARM_UP), { inputType: 'document' });
          const began = performance.now();
          await embedder.embed(texts, { inputType: 'document' });
          bare.push(texts.length / ((performance.now() - began) / 1000));
        },
      ],
    );
  } finally {
    await embedder.close();
  }
  return { built, bare };
}

/** The texts that a build embeds, in the order in which it does: by document id. */
async function textsOf(runtime: Runtime, models: ModelSettings): Promise<readonly string[]> {
  const embedder = await openEmbedder('minilm-l6', models);
  const texts: string[] = [];
  for (const { id } of documents.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const stored = await runtime.catalog.getDocument(NAME, id);
    const { chunks } = await chunkWith(stored.document, CHUNKER, embedder);
    texts.push(...chunks.map(({ indexedText }) => indexedText));
  }
  await embedder.close();
  return texts;
}

/** From the first text to the finished index. */
async function build(runtime: Runtime): Promise<{
  readonly id: number;
  readonly chunks: number;
  readonly embedded: number;
  readonly seconds: number;
}> {
  const { id } = await runtime.generations.start(NAME, { chunker: CHUNKER }, AUTHOR);
  const summary = await runtime.generations.build(NAME, id, AUTHOR);
  // The ends of a few documents are the same passages under both chunkers.
  if (summary.reused > MOST_REUSED * summary.chunks) {
    throw new Error('Vectors were taken over; little would be measured');
  }
  return {
    id,
    chunks: summary.chunks,
    embedded: summary.embedded,
    seconds: summary.elapsedMs / 1000,
  };
}

async function timeQueries(runtime: Runtime, count: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const began = performance.now();
    await ask(runtime, at);
    times.push(performance.now() - began);
  }
  return times;
}

async function ask(
  runtime: Runtime,
  at: number,
): Promise<{ readonly hits: number; readonly generation: number }> {
  const document = documents[(at * 37) % documents.length];
  const words = document?.content.split(' ').slice(0, 6).join(' ') ?? 'word';
  const answer = await runtime.retrieve(NAME, queryRequestSchema.parse({ query: words, top_k: HITS }));
  return { hits: answer.hits.length, generation: answer.generation };
}

async function switchUnderLoad(
  runtime: Runtime,
  first: number,
  second: number,
  queries: number,
): Promise<Switching> {
  let asked = 0;
  let errors = 0;
  let short = 0;
  let switches = 0;
  const readers = Array.from({ length: READERS }, async () => {
    while (asked < queries) {
      asked += 1;
      try {
        const { hits, generation } = await ask(runtime, asked);
        if (hits !== HITS || (generation !== first && generation !== second)) short += 1;
      } catch {
        errors += 1;
      }
    }
  });
  for (let at = 0; at < SWITCHES; at += 1) {
    // Spread over the queries.
    while (asked < (queries * at) / SWITCHES) await new Promise((resolve) => setTimeout(resolve, 5));
    await runtime.generations.activate(NAME, at % 2 === 0 ? second : first, { ...AUTHOR, force: true });
    switches += 1;
  }
  await Promise.all(readers);
  return { queries: asked, switches, errors, short };
}

/** Texts of made-up words. */
function makeDocuments(count: number, length: number): readonly RawDocument[] {
  const random = mulberry32(7);
  const words = Array.from({ length: 4000 }, (_, at) => `word${at.toString(36)}`);
  return Array.from({ length: count }, (_, at) => ({
    id: `d${String(at)}`,
    format: 'text',
    content: Array.from({ length }, () => words[Math.floor(random() ** 2 * words.length)] ?? '').join(' '),
    metadata: {},
  }));
}

function page(results: Results): string {
  const { build, query_ms, switching, bytes } = results;
  const megabytes = (of: number): string => (of / 1_000_000).toFixed(1);
  const row = (name: string, { all, documents: own }: Bytes): string =>
    `| ${name} | ${megabytes(all)} | ${own === null ? 'each generation has its own' : megabytes(own)} |`;
  return `# Changing a generation in mid-service: ${results.store}

\`node dist/bench/generations/run.js --store …\`, ${results.date}, ${results.machine}, Node ${results.node}.

${String(results.documents)} documents, ${String(results.chunks)} chunks of up to ${String(results.tokens)} tokens in the new generation, of which
${String(results.embedded)} were embedded anew, with the local model on ${String(results.threads)} threads. Building and bare embedding took ${String(results.rounds)} turns each; a build ends when its index is finished.

| | measured | wanted |
| --- | --- | --- |
| build against bare embedding of the same texts | ${build.ratio.toFixed(3)} (${build.chunks_per_second.toFixed(0)} and ${build.bare_chunks_per_second.toFixed(0)} a second) | ≥ 0.85 |
| p95 of a query while building, against idle | ${query_ms.ratio_p95.toFixed(2)} (${query_ms.building.p95.toFixed(1)} and ${query_ms.idle.p95.toFixed(1)} ms) | ≤ 2 |
| errors and short answers in ${String(switching.queries)} queries through ${String(switching.switches)} switches | ${String(switching.errors + switching.short)} | 0 |

What the store keeps of the collection. Switches rewrite documents whose number of chunks is another then; the versions
that ${String(switching.switches)} of them left behind count as documents until they are vacuumed away.

| | MB | of them documents |
| --- | --- | --- |
${row('the first generation', bytes.one)}
${row('during the switch: both', bytes.two)}
${row('after the switches and gc: the new one', bytes.after)}

${bytes.index === null ? '' : `Of the new one ${megabytes(bytes.index)} MB are its vector index.\n`}`;
}
