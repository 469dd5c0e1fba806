/** What `plumbline eval --sweep` does. */
import { writeFile } from 'node:fs/promises';
import { RetrievalError } from '../../src/errors.js';
import type { Runtime } from '../../src/runtime-types.js';
import { loadJudged, ownOf, queryOf, type EvalCommandOptions } from '../cli.js';
import { keep } from '../finish.js';
import { METRICS, type Metric } from '../measures.js';
import { assertWritable, writing } from '../outputs.js';
import { withoutTexts, writeJson, type EvalRecord } from '../record.js';
import { renderRuns } from '../report/runs-page.js';
import { renderTable, warningsOf } from '../tables.js';
import { combinations, parseSweep } from './grid.js';
import { runSweep, type Sweep } from './run.js';
import { sayVerdict } from './verdict.js';

export interface SweepCommandOptions extends EvalCommandOptions {
  /** `NAME=VALUE,VALUE…`, once a dimension. */
  readonly sweep: readonly string[];
  readonly by: Metric;
  /** Splits of the data set; without them all is measured on `split`. */
  readonly tuneOn?: string;
  readonly reportOn?: string;
  /** Folder to keep every record in. */
  readonly runsPath?: string;
}

/**
 * Measures every combination, says which is best and whether that is significant, and measures the
 * best one on the other split where one is named.
 * @returns the record that counts: of the other split, else the best one's
 * @throws RetrievalError `invalid_request`, `invalid_data_set`, and all that ingest and retrieve throw.
 */
export async function runSweepCommand(runtime: Runtime, options: SweepCommandOptions): Promise<EvalRecord> {
  const { output, jsonPath, htmlPath, runsPath, by } = options;
  assertOptions(options);
  for (const path of [jsonPath, htmlPath]) if (path !== undefined) await assertWritable(path);
  const grid = parseSweep(options.sweep);
  if (options.collection !== undefined && (grid.has('chunker') || grid.has('embedder'))) {
    throw invalid('a collection that exists has its chunker and embedder; sweep settings of the query');
  }
  const combined = combinations(grid, { own: ownOf(options), query: queryOf(options) });
  const tune = await loadJudged(runtime, options, options.tuneOn);
  const report = options.reportOn === undefined ? null : await loadJudged(runtime, options, options.reportOn);
  const asKept = options.texts === true ? (record: EvalRecord) => record : withoutTexts;
  let done = 0;
  const sweep = await runSweep(runtime, {
    tune,
    report,
    combinations: combined,
    by,
    ...(options.collection === undefined ? {} : { collection: options.collection }),
    ...(options.generation === undefined ? {} : { generation: options.generation }),
    ...(options.fresh === undefined ? {} : { fresh: options.fresh }),
    ...(options.ignoreIdenticalIds === undefined ? {} : { ignoreIdenticalIds: options.ignoreIdenticalIds }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    onRun: async ({ name, record }) => {
      done += 1;
      output(
        `${String(done)} · ${record.data_set.split} · ${name}: ${by} ${record.metrics[by].toFixed(4)}, p50 ${record.latency_ms.wall.p50.toFixed(1)} ms`,
      );
      if (runsPath !== undefined) await keep(runsPath, asKept(record), output);
    },
  });
  const labels = sweep.runs.map(({ name }) => name);
  const [first, ...others] = sweep.runs;
  if (jsonPath !== undefined) await writing(jsonPath, writeJson(jsonPath, toJson(sweep, asKept)));
  if (htmlPath !== undefined) {
    const page = renderRuns({ records: [first.record, ...others.map(({ record }) => record)], by, labels });
    await writing(htmlPath, writeFile(htmlPath, page));
  }
  for (const line of renderSweep(sweep, report === null)) output(line);
  for (const message of sweepWarnings(sweep)) options.onWarning?.(message);
  const best = sweep.runs[sweep.verdict.winner] ?? first;
  return (sweep.reported ?? best).record;
}

function assertOptions({ tuneOn, reportOn, runPath, folder }: SweepCommandOptions): void {
  if (runPath !== undefined) throw invalid('a run file holds one measurement; leave out --run');
  if ((tuneOn === undefined) !== (reportOn === undefined)) {
    throw invalid('--tune-on and --report-on go together: the best on the one is reported on the other');
  }
  if (tuneOn === undefined) return;
  if (tuneOn === reportOn) throw invalid('--report-on has to be another split than --tune-on');
  if (folder === undefined) throw invalid('questions of your own have no splits; a folder has');
}

function invalid(problem: string): RetrievalError {
  return new RetrievalError('invalid_request', `--sweep: ${problem}`, { field: 'sweep' });
}

/** The table of a sweep, its verdict, and what the other split says. */
function renderSweep({ runs, verdict, reported }: Sweep, isReportedAsChosen: boolean): readonly string[] {
  const { by, leads } = verdict;
  const names = runs.map(({ name }) => name);
  const order = runs
    .map((run, at) => ({ run, lead: leads[at] ?? null }))
    .sort((a, b) => b.run.record.metrics[by] - a.run.record.metrics[by]);
  const [first] = runs;
  return [
    '',
    `${first.record.data_set.name} ${first.record.data_set.split} · ${String(first.record.data_set.queries)} questions`,
    '',
    ...renderTable(
      ['setting', ...METRICS, `95 % of ${by}`, 'behind', 'p', 'p, Holm', 'p50 ms'],
      order.map(({ run: { name, record }, lead }) => [
        name,
        ...METRICS.map((metric) => record.metrics[metric].toFixed(4)),
        record.intervals[by].map((value) => value.toFixed(4)).join(' – '),
        lead === null ? 'best' : lead.difference.toFixed(4),
        lead === null ? '' : sayP(lead.p),
        lead === null ? '' : sayP(lead.pHolm),
        record.latency_ms.wall.p50.toFixed(1),
      ]),
    ),
    'p: paired randomisation test against the best one, two-sided; Holm corrects for the number of comparisons',
    '',
    sayVerdict(verdict, names),
    ...(runs.length > 1 && isReportedAsChosen
      ? ['These numbers flatter the best one: it was chosen by them. Use --tune-on and --report-on.']
      : []),
    ...(reported === null ? [] : renderReported(reported.name, reported.record)),
  ];
}

/** Each once, whichever measurements it is of. */
function sweepWarnings({ runs, reported }: Sweep): ReadonlySet<string> {
  const all = reported === null ? runs : [...runs, reported];
  return new Set(all.flatMap(({ record }) => warningsOf(record)));
}

function renderReported(name: string, record: EvalRecord): readonly string[] {
  return [
    '',
    `${record.data_set.split}, which it was not chosen by · ${String(record.data_set.queries)} questions · ${name}`,
    '',
    ...renderTable(
      ['measure', 'mean', '95 % interval'],
      METRICS.map((metric) => [
        metric,
        record.metrics[metric].toFixed(4),
        record.intervals[metric].map((value) => value.toFixed(4)).join(' – '),
      ]),
    ),
  ];
}

function sayP(p: number): string {
  return p < 0.0001 ? '< 0.0001' : p.toFixed(4);
}

/** The sweep as JSON; the records are whole, so that a report can be made of it later. */
function toJson({ runs, verdict, reported }: Sweep, asKept: (record: EvalRecord) => EvalRecord): unknown {
  return {
    format: 1,
    by: verdict.by,
    winner: runs[verdict.winner]?.name ?? null,
    as_good: verdict.asGood.map((at) => runs[at]?.name ?? ''),
    runs: runs.map(({ name, record }, at) => {
      const lead = verdict.leads[at] ?? null;
      return {
        name,
        lead_of_winner:
          lead === null
            ? null
            : { difference: lead.difference, interval: lead.interval, p: lead.p, p_holm: lead.pHolm },
        record: asKept(record),
      };
    }),
    reported: reported === null ? null : { name: reported.name, record: asKept(reported.record) },
  };
}
