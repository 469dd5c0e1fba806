/** Every question with what became of it, for the script to filter, sort and compare. */
import type { EvalRecord, QueryRecord } from '../record.js';
import { escapeHtml } from './html.js';

const SHOWN_HITS = 5;

export interface QuestionsTable {
  readonly records: readonly EvalRecord[];
  readonly labels: readonly string[];
  /** Place of the record that is compared with the first one. */
  readonly winner: number;
}

/** The tools and the table. Only questions that all records have are compared. */
export function renderQuestions({ records, labels, winner }: QuestionsTable): string {
  const best = records[winner];
  if (best === undefined) return '';
  // Compared with itself, the first one would have neither wins nor losses.
  const compares = records.length > 1;
  const shown = compares && winner === 0 ? 1 : winner;
  const byId = records.map((record) => new Map(record.per_query.map((query) => [query.id, query])));
  const rows = best.per_query.map((query, place) => {
    const values = byId.map((of) => of.get(query.id)?.metrics['ndcg@10'] ?? 0);
    return renderRow(byId[shown]?.get(query.id) ?? query, place, values, compares ? shown : null);
  });
  const head = [
    '<th scope="col" class="words">question</th>',
    ...(compares
      ? ['<th scope="col">before</th><th scope="col">after</th><th scope="col">change</th>']
      : ['<th scope="col">nDCG@10</th>']),
    '<th scope="col">relevant</th><th scope="col">first at</th>',
  ];
  return `${renderTools(labels, compares, shown)}
<div class="scroll tall" role="region" aria-label="Questions" tabindex="0"><table id="questions">
<caption>nDCG@10 of each question${compares ? `; hits are those of ${escapeHtml(labels[shown] ?? '')}` : ''}</caption>
<thead><tr>${head.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>`;
}

function renderTools(labels: readonly string[], compares: boolean, shown: number): string {
  const options = (selected: number): string =>
    labels
      .map(
        (label, at) =>
          `<option value="${String(at)}"${at === selected ? ' selected' : ''}>${escapeHtml(label)}</option>`,
      )
      .join('');
  const selects = compares
    ? `<label>before <select name="a">${options(0)}</select></label><label>after <select name="b">${options(shown)}</select></label>`
    : '';
  const orders: readonly (readonly [string, string])[] = [
    ['place', 'as in the data set'],
    ['worst', 'worst first'],
    ['best', 'best first'],
    ...(compares
      ? ([
          ['loss', 'largest loss first'],
          ['win', 'largest win first'],
        ] as const)
      : []),
  ];
  return `<form id="tools" hidden>${selects}
<label>containing <input name="text" type="search" autocomplete="off"></label>
<label>sort <select name="sort">${orders.map(([value, name]) => `<option value="${value}">${name}</option>`).join('')}</select></label>
<label class="check"><input name="losses" type="checkbox"> ${compares ? 'only losses' : 'only those with nothing relevant in the first ten'}</label>
<output id="shown"></output></form>`;
}

function renderRow(
  query: QueryRecord,
  place: number,
  values: readonly number[],
  compared: number | null,
): string {
  const after = values[compared ?? 0] ?? 0;
  const before = values[0] ?? 0;
  const numbers =
    compared === null
      ? `<td data-c="b">${after.toFixed(3)}</td>`
      : `<td data-c="a">${before.toFixed(3)}</td><td data-c="b">${after.toFixed(3)}</td>${change(after - before)}`;
  return `<tr data-n="${String(place)}" data-v="${values.map((value) => String(Number(value.toFixed(6)))).join(' ')}"><th scope="row" class="words">${renderQuestion(query)}</th>${numbers}<td>${String(query.relevant)}</td><td>${firstRelevant(query)}</td></tr>`;
}

function change(difference: number): string {
  const kind = difference < -1e-9 ? 'loss' : difference > 1e-9 ? 'win' : '';
  return `<td data-c="d" class="${kind}">${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(3)}</td>`;
}

function renderQuestion(query: QueryRecord): string {
  const id = `<small>${escapeHtml(query.id)}</small>`;
  const text = escapeHtml(query.text ?? query.failed ?? '');
  if (query.hits.length === 0) return `${text} ${id}`;
  const hits = query.hits.slice(0, SHOWN_HITS).map(({ id: hit, title, score, relevance }) => {
    const mark =
      (relevance ?? 0) > 0 ? ` <b>relevant${relevance === 1 ? '' : ` ${String(relevance)}`}</b>` : '';
    const name =
      title === undefined ? escapeHtml(hit) : `${escapeHtml(title)} <small>${escapeHtml(hit)}</small>`;
    return `<li>${name} <small>${score.toFixed(4)}</small>${mark}</li>`;
  });
  return `<details><summary>${text} ${id}</summary><ol>${hits.join('')}</ol></details>`;
}

function firstRelevant(query: QueryRecord): string {
  if (query.metrics['mrr@10'] > 0) return String(Math.round(1 / query.metrics['mrr@10']));
  return query.metrics['recall@100'] > 0 ? '11–100' : '–';
}
