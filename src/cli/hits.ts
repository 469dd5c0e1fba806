/** An answer for people: ranked hits with their citation, text and, if asked, arithmetic. */
import type { Explain, Hit, LegResult, QueryAnswer } from '../retrieval/schema.js';
import { printLine, type Output } from './context.js';
import { duration, oneLine, paint, plural, wrap } from './text.js';

/** Lines of a chunk that are shown unless all are asked for. */
const SNIPPET_LINES = 5;
const NEIGHBOUR_LINES = 2;
const INDENT = '   ';

export interface ShowOptions {
  readonly full: boolean;
  readonly offset: number;
}

type Passage = NonNullable<Hit['before']>[number];

export function showAnswer(output: Output, answer: QueryAnswer, options: ShowOptions): void {
  const lines = options.full ? Infinity : SNIPPET_LINES;
  for (const [index, hit] of answer.hits.entries()) {
    showHit(output, hit, options.offset + index + 1, lines);
    printLine(output);
  }
  printLine(output, paint(output, 'dim', footer(answer, options.offset)));
}

function footer(answer: QueryAnswer, offset: number): string {
  const { hits, total, took_ms: took } = answer;
  const shown =
    hits.length === 0
      ? total === 0
        ? 'No hits'
        : `No hits from ${String(offset + 1)} on, of ${plural(total, 'candidate')}`
      : `Hits ${String(offset + 1)} to ${String(offset + hits.length)} of ${plural(total, 'candidate')}`;
  const plan = answer.plan?.vector ?? null;
  return [
    shown,
    answer.mode,
    ...(plan === null ? [] : [`${plan} vector search`]),
    answer.model_version,
    duration(took.total),
  ].join(' · ');
}

function showHit(output: Output, hit: Hit, place: number, maxLines: number): void {
  const heading = pathOf(hit);
  const score = paint(output, 'green', hit.score.toFixed(4));
  printLine(output, `${paint(output, 'bold', `${String(place)}. ${heading}`)}  ${score}`);
  const source = hit.source === null || hit.source === hit.document_id ? [] : [oneLine(hit.source)];
  const citation = [...source, oneLine(hit.document_id), `chunk ${String(hit.ordinal)}`].join(' · ');
  printLine(output, `${INDENT}${paint(output, 'cyan', citation)}`);
  if (hit.matched !== undefined) showMatched(output, hit.matched);
  if (hit.explain !== undefined) showExplain(output, hit.explain);
  for (const passage of hit.before ?? []) showNeighbour(output, 'before', passage);
  showText(output, hit.text, maxLines);
  for (const passage of hit.after ?? []) showNeighbour(output, 'after', passage);
  for (const other of hit.more ?? []) {
    const where = `also chunk ${String(other.ordinal)}  ${other.score.toFixed(4)}  ${other.heading_path.map(oneLine).join(' › ')}`;
    printLine(output, `${INDENT}${paint(output, 'cyan', where.trimEnd())}`);
    showText(output, other.text, Math.min(maxLines, NEIGHBOUR_LINES));
  }
}

/** Which of the passage's small chunks were found. */
function showMatched(output: Output, matched: NonNullable<Hit['matched']>): void {
  const chunks = matched.map(({ ordinal, score }) => `chunk ${String(ordinal)} ${score.toFixed(4)}`);
  printLine(output, `${INDENT}${paint(output, 'dim', `matched: ${chunks.join(', ')}`)}`);
}

/** The heading path begins with the title. */
function pathOf(hit: Hit): string {
  const path = hit.heading_path.map(oneLine).join(' › ');
  if (path !== '') return path;
  return oneLine(hit.title ?? hit.document_id);
}

function showNeighbour(output: Output, where: 'before' | 'after', passage: Passage): void {
  printLine(output, `${INDENT}${paint(output, 'dim', `${where}: chunk ${String(passage.ordinal)}`)}`);
  for (const line of wrap(passage.text, textWidthOf(output), NEIGHBOUR_LINES)) {
    printLine(output, `${INDENT}${paint(output, 'dim', line)}`);
  }
}

function showText(output: Output, text: string, maxLines: number): void {
  for (const line of wrap(text, textWidthOf(output), maxLines)) printLine(output, `${INDENT}${line}`);
}

function textWidthOf(output: Output): number {
  return Math.max(30, Math.min(output.columns, 110) - INDENT.length);
}

function showExplain(output: Output, explain: Explain): void {
  const put = (line: string): void => {
    printLine(output, `${INDENT}${paint(output, 'yellow', line)}`);
  };
  const { vector, keyword, recency } = explain;
  if (vector !== null) put(legLine('vector', vector));
  if (keyword !== null) put(legLine('keyword', keyword));
  const constant = explain.rank_constant === null ? '' : ` (k ${String(explain.rank_constant)})`;
  const terms = [vector, keyword].flatMap((leg) =>
    leg === null ? [] : [`${number(leg.weight)} × ${number(leg.normalized)}`],
  );
  const sum = terms.length === 0 ? '' : ` = ${terms.join(' + ')}`;
  put(`${explain.method}${constant}: relevance ${number(explain.relevance)}${sum}`);
  if (recency !== null) showRecency(put, explain, recency);
  if (explain.rerank === undefined) return;
  const { model, rank, score: rerankScore } = explain.rerank;
  put(`rerank   rank ${String(rank)}, score ${number(rerankScore)}, by ${model}: this is the score`);
}

function showRecency(
  put: (line: string) => void,
  { relevance }: Explain,
  recency: NonNullable<Explain['recency']>,
): void {
  const { age_days: age, half_life_days: halfLife, decay, weight } = recency;
  const ageText = age === null ? 'no such date' : `age ${number(age)} days`;
  put(`recency  ${ageText}, half-life ${number(halfLife)} days, decay ${number(decay)}`);
  put(
    `score ${number((1 - weight) * relevance + weight * decay)} = ${number(1 - weight)} × ${number(relevance)} + ${number(weight)} × ${number(decay)}`,
  );
}

function legLine(name: string, leg: LegResult): string {
  const rank = leg.rank === null ? 'not ranked' : `rank ${String(leg.rank)}`;
  return `${name.padEnd(8)} ${rank}, raw ${number(leg.score)}, normalised ${number(leg.normalized)}, weight ${number(leg.weight)}`;
}

/** At most six decimals, none that say nothing. */
function number(value: number): string {
  return String(Number(value.toFixed(6)));
}
