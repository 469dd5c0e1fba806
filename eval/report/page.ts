/**
 * A measurement as one HTML file that needs nothing else: no script, no font, no request. It shows
 * the questions to the data's owner, and never a passage.
 */
import { METRICS } from '../measures.js';
import { STAGES, type EvalRecord, type QueryRecord } from '../record.js';
import { warningsOf } from '../tables.js';
import { renderFigures } from './figures.js';
import { escapeHtml, renderHtmlTable } from './html.js';
import { STYLE } from './style.js';

const WORST = 25;
/** A question may be a whole document; the table shows its beginning. */
const SHOWN_CHARACTERS = 300;

/** `queries`: id → text. */
export function renderReport(record: EvalRecord, queries: ReadonlyMap<string, string>): string {
  const { data_set: data, settings } = record;
  const heading = `${data.name}, ${data.split} split, ${settings.mode}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(`Retrieval quality: ${heading}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Retrieval quality: ${escapeHtml(heading)}</h1>
<p class="soft">${escapeHtml(summaryLine(record))}</p>
${renderWarnings(record)}
${renderTiles(record)}
<h2>What was found</h2>
<div class="grid-of-two">
${renderFigures(record)}
</div>
<h2>Time by stage</h2>
<div class="card">${renderLatency(record)}</div>
<h2>Weakest queries</h2>
<div class="card">${renderWorst(record, queries)}</div>
<h2>How it was measured</h2>
<div class="card">${renderSettings(record)}</div>
</main>
</body>
</html>
`;
}

function summaryLine(record: EvalRecord): string {
  const { data_set: data, collection } = record;
  return [
    `${String(data.queries)} judged queries`,
    `${String(collection.documents)} documents in ${String(collection.chunks)} chunks`,
    record.model_version,
    record.store,
    record.started_at.slice(0, 10),
  ].join(' · ');
}

function renderWarnings(record: EvalRecord): string {
  const warnings = warningsOf(record);
  if (warnings.length === 0) return '';
  return `<ul class="warnings">${warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`).join('')}</ul>`;
}

function renderTiles(record: EvalRecord): string {
  const tiles = METRICS.map((metric) => {
    const [low, high] = record.intervals[metric];
    return tile(metric, record.metrics[metric].toFixed(3), `95 %: ${low.toFixed(3)} – ${high.toFixed(3)}`);
  });
  const { p50, p95 } = record.latency_ms.wall;
  return `<dl class="tiles">${tiles.join('')}${tile('p50 per query', `${p50.toFixed(1)} ms`, `p95: ${p95.toFixed(1)} ms`)}</dl>`;
}

function tile(name: string, value: string, note: string): string {
  return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(note)}</small></dd></div>`;
}

function renderLatency(record: EvalRecord): string {
  const meaning: Readonly<Record<(typeof STAGES)[number], string>> = {
    embed: 'from the question to its vector',
    legs: 'vector and keyword search, in parallel',
    complete: 'the missing scores of each candidate',
    total: 'all the service did',
    wall: 'what the caller waited',
  };
  return renderHtmlTable({
    caption: 'Milliseconds, one query at a time after a warm-up',
    head: ['stage', 'what', 'p50', 'p95'],
    words: [0, 1],
    rows: STAGES.map((stage) => [
      stage,
      meaning[stage],
      record.latency_ms[stage].p50.toFixed(2),
      record.latency_ms[stage].p95.toFixed(2),
    ]),
  });
}

function renderWorst(record: EvalRecord, queries: ReadonlyMap<string, string>): string {
  const worst = record.per_query
    .filter((query) => query.relevant > 0)
    .sort(
      (a, b) =>
        a.metrics['ndcg@10'] - b.metrics['ndcg@10'] || a.metrics['recall@100'] - b.metrics['recall@100'],
    )
    .slice(0, WORST);
  return renderHtmlTable({
    caption: `The ${String(worst.length)} queries of lowest nDCG@10`,
    head: ['query', 'text', 'nDCG@10', 'recall@100', 'relevant', 'first relevant', 'first hit'],
    words: [0, 1, 6],
    rows: worst.map((query) => [
      query.id,
      shorten(queries.get(query.id) ?? query.failed ?? ''),
      query.metrics['ndcg@10'].toFixed(3),
      query.metrics['recall@100'].toFixed(3),
      String(query.relevant),
      firstRelevant(query),
      query.hits[0]?.id ?? '–',
    ]),
  });
}

function shorten(text: string): string {
  const characters = Array.from(text); // whole characters: half a surrogate pair is not HTML
  return characters.length <= SHOWN_CHARACTERS ? text : `${characters.slice(0, SHOWN_CHARACTERS).join('')} …`;
}

function firstRelevant(query: QueryRecord): string {
  if (query.metrics['mrr@10'] > 0) return String(Math.round(1 / query.metrics['mrr@10']));
  return query.metrics['recall@100'] > 0 ? '11–100' : 'not found';
}

function renderSettings(record: EvalRecord): string {
  const { commit } = record;
  const facts: Readonly<Record<string, unknown>> = {
    ...record.settings,
    pin: record.pin,
    generation: record.generation,
    store: record.store,
    'data set hash': record.data_set.hash,
    'corpus hash': record.data_set.corpus_hash,
    judgements: record.data_set.judgements,
    ingest: record.ingest,
    'queries, ms': Math.round(record.queries_elapsed_ms),
    started: record.started_at,
    finished: record.finished_at,
    version: record.version,
    commit: commit === null ? null : `${commit.hash}${commit.dirty ? ', with changes' : ''}`,
  };
  return renderHtmlTable({
    caption: 'Settings, model and data',
    head: ['name', 'value'],
    words: [0, 1],
    rows: Object.entries(facts).map(([name, value]) => [
      name.replaceAll('_', ' '),
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  });
}
