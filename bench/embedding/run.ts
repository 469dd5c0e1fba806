/**
 * Measures the local embedder against bare onnxruntime and the transformers.js pipeline.
 *
 *     node dist/bench/embedding/run.js [BEIR_FOLDER] [--texts N] [--rounds N] [--threads N] [--out FOLDER]
 */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../src/config.js';
import { MINILM_MODELS } from '../../src/embedders/minilm/models.js';
import { readTokenizer } from '../../src/embedders/minilm/tokenizer.js';
import { resolveWeights } from '../../src/embedders/minilm/weights.js';
import type { Embedder } from '../../src/embedders/port.js';
import { openEmbedder } from '../../src/embedders/registry.js';
import { packageRoot } from '../../src/package-root.js';
import { modelVersion } from '../../src/pin.js';
import { quantile } from '../support/stats.js';
import { bareOnnxruntime, plumbline, transformersPipelines, type Contender } from './contenders.js';
import { writeReport, type Row } from './report.js';
import { dataSetTexts, madeUpTexts } from './texts.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    texts: { type: 'string', default: '960' },
    rounds: { type: 'string', default: '10' },
    threads: { type: 'string', default: '2' },
    out: { type: 'string', default: join(packageRoot, 'docs', 'benchmarks') },
  },
});
const rounds = Number(values.rounds);
const threads = Number(values.threads);
const [folder] = positionals;

const { models } = loadConfig();
const model = MINILM_MODELS['minilm-l6'];
const onNotice = (notice: string): void => console.error(notice);
const paths = await resolveWeights(model, { ...models, modelDir: models.dir, onNotice });
const tokenizer = await readTokenizer(paths.tokenizer, model.tokenizer.sha256);
const count = Number(values.texts);
const texts =
  folder === undefined ? madeUpTexts(count, tokenizer) : await dataSetTexts(folder, count, tokenizer);

const embedder = await openEmbedder(model.name, { ...models, threads });
const ours = plumbline(embedder);
const contenders: readonly Contender[] = [
  ours,
  await bareOnnxruntime(paths, tokenizer, threads),
  ...(await transformersPipelines(paths, [1, 32])),
];

// All of it once, so that every thread is up and warm.
for (const contender of contenders) await contender.run(texts.slice(0, 32));

const seconds = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
const perRound = Math.ceil(texts.length / rounds);
for (let round = 0; round < rounds; round++) {
  const slice = texts.slice(round * perRound, (round + 1) * perRound);
  if (slice.length === 0) break;
  for (let turn = 0; turn < contenders.length; turn++) {
    const contender = contenders[(round + turn) % contenders.length];
    if (contender !== undefined) seconds.get(contender)?.push(await contender.run(slice));
  }
  console.error(`round ${round + 1} of ${rounds}`);
}

const rows = contenders.map((contender): Row => {
  const own = seconds.get(contender) ?? [];
  const reference = seconds.get(ours) ?? [];
  return {
    name: contender.name,
    textsPerSecond: texts.length / own.reduce((sum, value) => sum + value, 0),
    plumblineRatio: quantile(
      own.map((value, round) => value / (reference[round] ?? Number.NaN)),
      0.5,
    ),
  };
});
const queryTimes = await timeQueries(embedder);
const tokens = texts.reduce((sum, text) => sum + tokenizer.count(text), 0);
const report = await writeReport(values.out, {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}`,
  node: process.versions.node,
  model: modelVersion(model.pin),
  threads,
  texts: {
    source: folder === undefined ? 'made up, seeded' : "a data set's documents, cut to the model's window",
    count: texts.length,
    rounds,
    meanTokens: tokens / texts.length,
  },
  rows,
  queryMs: { p50: quantile(queryTimes, 0.5), p95: quantile(queryTimes, 0.95) },
  maxEventLoopDelayMs: ours.maxDelayMs(),
});
console.log(report);
for (const contender of contenders) await contender.close();

async function timeQueries(opened: Embedder): Promise<number[]> {
  const times: number[] = [];
  for (let query = 0; query < 220; query++) {
    const started = performance.now();
    await opened.embed([`Does treatment number ${query} lower the risk of a second stroke?`], {
      inputType: 'query',
    });
    times.push(performance.now() - started);
  }
  return times.slice(20);
}
