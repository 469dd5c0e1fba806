/**
 * Checks this package's measures against trec_eval's, and its randomisation test against SciPy's:
 *
 *     node dist/eval/verify.js RUN.trec QRELS.tsv [A.json B.json]
 *
 * The other side runs in a Python environment of its own, made on first use from pinned versions.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { packageRoot } from '../src/package-root.js';
import { meanMeasures, measureRun, METRICS, type Measures, type Metric } from './measures.js';
import { readQrels, type Qrels } from './qrels.js';
import { readRecord } from './record.js';
import { randomisationTest } from './statistics.js';
import { escapeId, readRun } from './trec.js';

const MEASURE_TOLERANCE = 1e-6;
/** Both sides draw at random: five standard errors of two estimates of p = 0.5 from 100,000 draws. */
const P_TOLERANCE = 0.012;

const run = promisify(execFile);
const scripts = join(packageRoot, 'eval', 'verify');

const measuresSchema = z.object({
  'ndcg@10': z.number(),
  'recall@10': z.number(),
  'recall@100': z.number(),
  'mrr@10': z.number(),
  map: z.number(),
});
const referenceSchema = z.object({ mean: measuresSchema, per_query: z.record(z.string(), measuresSchema) });

export interface MeasureCheck {
  readonly ours: Measures;
  readonly reference: Measures;
  /** Largest difference of any measure of any query, and of the means. */
  readonly largest: number;
  readonly queries: number;
}

/** A Python that has the pinned packages, made under the temporary folder unless it is there. */
export async function referencePython(): Promise<string> {
  const requirements = join(scripts, 'requirements.txt');
  const version = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const folder = join(tmpdir(), `plumbline-verify-${version}`);
  const python = join(folder, 'bin', 'python');
  const ready = join(folder, 'ready');
  if (await stat(ready).catch(() => null)) return python;
  await run('python3', ['-m', 'venv', '--clear', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  await writeFile(ready, '');
  return python;
}

/** Measures the same two files here and by trec_eval. */
export async function checkMeasures(runPath: string, qrelsPath: string): Promise<MeasureCheck> {
  const { qrels } = await readQrels({ path: qrelsPath, label: qrelsPath });
  const perQuery = measureRun(await readRun({ path: runPath, label: runPath }), qrels);
  const reference = await referenceMeasures(runPath, qrels);
  const ours = meanMeasures([...perQuery.values()]);
  const differences = [...perQuery].flatMap(([id, measures]) =>
    METRICS.map((metric) => difference(metric, measures, reference.per_query[escapeId(id)])),
  );
  const means = METRICS.map((metric) => difference(metric, ours, reference.mean));
  return {
    ours,
    reference: reference.mean,
    largest: [...differences, ...means].reduce((most, value) => Math.max(most, value), 0),
    queries: perQuery.size,
  };
}

function difference(metric: Metric, ours: Measures, theirs: Measures | undefined): number {
  return theirs === undefined ? Infinity : Math.abs(ours[metric] - theirs[metric]);
}

async function referenceMeasures(runPath: string, qrels: Qrels): Promise<z.output<typeof referenceSchema>> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-qrels-'));
  try {
    const path = join(folder, 'qrels.tsv');
    const lines = [...qrels].flatMap(([query, judgements]) =>
      [...judgements].map(([id, value]) => `${escapeId(query)}\t${escapeId(id)}\t${String(value)}\n`),
    );
    await writeFile(path, lines.join(''));
    const python = await referencePython();
    const { stdout } = await run(python, [join(scripts, 'reference.py'), 'measures', runPath, path], {
      maxBuffer: 1024 ** 3,
    });
    return referenceSchema.parse(JSON.parse(stdout));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** SciPy's two-sided p of each list of paired differences. */
export async function referencePermutation(
  samples: readonly (readonly number[])[],
): Promise<readonly number[]> {
  const python = await referencePython();
  const running = run(python, [join(scripts, 'reference.py'), 'permutation'], { maxBuffer: 1024 ** 2 });
  running.child.stdin?.end(JSON.stringify(samples));
  return z.array(z.number()).parse(JSON.parse((await running).stdout));
}

async function checkRandomisation(pathA: string, pathB: string): Promise<boolean> {
  const [a, b] = [await readRecord(pathA), await readRecord(pathB)];
  const ofB = new Map(b.per_query.map((query) => [query.id, query.metrics]));
  const samples = METRICS.map((metric) =>
    a.per_query.map((query) => (ofB.get(query.id)?.[metric] ?? 0) - query.metrics[metric]),
  );
  const expected = await referencePermutation(samples);
  let good = true;
  METRICS.forEach((metric, at) => {
    const [ours, theirs] = [randomisationTest(samples[at] ?? []), expected[at] ?? Number.NaN];
    // Written so that a NaN fails.
    if (!(Math.abs(ours - theirs) <= P_TOLERANCE)) good = false;
    console.log(`p of ${metric}: ours ${ours.toFixed(5)}, SciPy ${theirs.toFixed(5)}`);
  });
  return good;
}

async function main(parameters: readonly string[]): Promise<number> {
  const [runPath, qrelsPath, a, b] = parameters;
  if (runPath === undefined || qrelsPath === undefined) {
    console.error('Usage: node dist/eval/verify.js RUN.trec QRELS.tsv [A.json B.json]');
    return 2;
  }
  const check = await checkMeasures(runPath, qrelsPath);
  for (const metric of METRICS) {
    console.log(
      `${metric}: ours ${check.ours[metric].toFixed(8)}, trec_eval ${check.reference[metric].toFixed(8)}`,
    );
  }
  console.log(`largest difference over ${String(check.queries)} queries: ${check.largest.toExponential(2)}`);
  const measuresGood = check.largest <= MEASURE_TOLERANCE;
  const testsGood = a === undefined || b === undefined || (await checkRandomisation(a, b));
  console.log(measuresGood && testsGood ? 'equal' : 'NOT EQUAL');
  return measuresGood && testsGood ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = await main(process.argv.slice(2));
}
