/**
 * Measures the whole ingest pipeline against bare onnxruntime embedding of the same chunks.
 *
 *     node dist/bench/ingest/run.js BEIR_FOLDER [--store URL] [--slices N] [--threads N] [--out FOLDER]
 *
 * The corpus goes in slice by slice. In each slice both contenders work on the same documents,
 * and which of them begins changes from slice to slice.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadDataSet } from '../../eval/dataset.js';
import { loadConfig } from '../../src/config.js';
import { MINILM_MODELS } from '../../src/embedders/minilm/models.js';
import { readTokenizer } from '../../src/embedders/minilm/tokenizer.js';
import { resolveWeights } from '../../src/embedders/minilm/weights.js';
import type { RawDocument } from '../../src/model.js';
import { openRuntime } from '../../src/runtime.js';
import type { Source } from '../../src/ingest/types.js';
import { bareOnnxruntime } from '../embedding/contenders.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { quantile, sum } from '../support/stats.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: 'string' },
    slices: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    split: { type: 'string', default: 'test' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('Name a data set folder in BEIR form');
const threads = Number(values.threads);
const collection = `bench-ingest-${String(Date.now())}`;
const scratch = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));

const config = loadConfig({
  ...process.env,
  PLUMBLINE_STORE_URL: values.store ?? `pglite:${join(scratch, 'data')}`,
  PLUMBLINE_EMBED_THREADS: String(threads),
});
const runtime = await openRuntime(config);
const model = MINILM_MODELS['minilm-l6'];
const paths = await resolveWeights(model, { ...config.models, modelDir: config.models.dir });
const bare = await bareOnnxruntime(
  paths,
  await readTokenizer(paths.tokenizer, model.tokenizer.sha256),
  threads,
);
await runtime.catalog.createCollection({ name: collection, embedder: model.name });

const slices = await readSlices(folder, Number(values.slices));
const rows: { readonly chunks: number; readonly ingest: number; readonly bare: number }[] = [];
for (const [index, documents] of slices.entries()) {
  const texts = await chunkTexts(documents);
  if (index === 0) {
    // Everything is up and warm before the clock runs.
    await bare.run(texts.slice(0, 32));
    await runtime.ingest(collection, sourceOf(documents.slice(0, 16)));
    await runtime.ingest(collection, sourceOf([]), { prune: true });
  }
  const contenders = [
    async (): Promise<readonly [string, number]> => ['bare', await bare.run(texts)],
    async (): Promise<readonly [string, number]> => ['ingest', await timeIngest(documents)],
  ];
  if (index % 2 === 1) contenders.reverse();
  const seconds: Record<string, number> = {};
  for (const contender of contenders) {
    const [name, time] = await contender();
    seconds[name] = time;
  }
  rows.push({ chunks: texts.length, ingest: seconds['ingest'] ?? NaN, bare: seconds['bare'] ?? NaN });
  console.error(`slice ${String(index + 1)} of ${String(slices.length)}`);
}

const chunks = sum(rows.map((row) => row.chunks));
const ratio = sum(rows.map((row) => row.bare)) / sum(rows.map((row) => row.ingest));
const results = {
  ...circumstances(),
  store: runtime.store.kind,
  threads,
  documents: sum(slices.map((slice) => slice.length)),
  chunks,
  chunks_per_second: {
    ingest: chunks / sum(rows.map((row) => row.ingest)),
    bare: chunks / sum(rows.map((row) => row.bare)),
  },
  ratio,
  median_slice_ratio: quantile(
    rows.map((row) => row.bare / row.ingest),
    0.5,
  ),
  target: 0.85,
};
await writeResults(
  values.out,
  `ingest-${runtime.store.kind}`,
  results,
  `# Speed of ingest, ${runtime.store.kind}

\`node dist/bench/ingest/run.js FOLDER\`, ${results.date}, ${results.machine}, Node ${results.node}.

${String(results.documents)} documents, ${String(chunks)} chunks, in ${String(rows.length)} slices; in each slice both
contenders work on the same documents in turn. Ingest is all of it: reading, hashing, parsing, chunking,
embedding, keyword analysis, writing. Bare onnxruntime embeds the ready-made chunks, one text a run on
${String(threads)} threads, and throws the vectors away.

| | chunks/s |
| --- | --- |
| bare onnxruntime | ${results.chunks_per_second.bare.toFixed(1)} |
| ingest | ${results.chunks_per_second.ingest.toFixed(1)} |

Ratio **${ratio.toFixed(3)}** (median of the slices ${results.median_slice_ratio.toFixed(3)}); wanted: at least 0.85.
`,
);
console.log(JSON.stringify(results, null, 2));
await bare.close();
await runtime.catalog.deleteCollection(collection);
await runtime.close();
await rm(scratch, { recursive: true, force: true });
if (!(ratio >= results.target)) process.exitCode = 1;

async function timeIngest(documents: readonly RawDocument[]): Promise<number> {
  const began = performance.now();
  await runtime.ingest(collection, sourceOf(documents));
  return (performance.now() - began) / 1000;
}

async function chunkTexts(documents: readonly RawDocument[]): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const item of runtime.dryRun(collection, sourceOf(documents))) {
    if (item.kind === 'failed') throw new Error(`A document of the data set failed: ${item.failure.reason}`);
    texts.push(...item.document.chunks.map((chunk) => chunk.indexedText));
  }
  return texts;
}

async function readSlices(path: string, count: number): Promise<readonly (readonly RawDocument[])[]> {
  const { corpus } = await loadDataSet(path, { split: values.split, corpus: true });
  const documents: RawDocument[] = [];
  for await (const item of corpus?.source().items() ?? []) {
    if (item.kind === 'document') documents.push(item.document);
  }
  const size = Math.ceil(documents.length / count);
  return Array.from({ length: count }, (_, index) => documents.slice(index * size, (index + 1) * size));
}

function sourceOf(documents: readonly RawDocument[]): Source {
  return {
    total: documents.length,
    async *items() {
      for (const document of documents) yield { kind: 'document', document };
    },
  };
}
