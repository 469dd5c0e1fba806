/** Relevance judgements: BEIR's tab-separated files and TREC's four columns. */
import { dataSetError, readLines, type InputFile } from './lines.js';

/** Document id → relevance, of one query. Above 0 is relevant; the number is the gain in nDCG. */
export type Judgements = ReadonlyMap<string, number>;

/** Query id → its judgements, in the file's order. */
export type Qrels = ReadonlyMap<string, Judgements>;

export interface QrelsFile {
  readonly qrels: Qrels;
  readonly judgements: number;
  /** Pairs judged more than once with different values; the last one counts, as in BEIR. */
  readonly conflicts: number;
}

/**
 * Reads `query document relevance` or TREC's `query iteration document relevance`, with or without
 * a header. Columns are parted by tabs (then ids may hold spaces) or by white space.
 * @throws RetrievalError `invalid_data_set`, with file and line.
 */
export async function readQrels(file: InputFile, signal?: AbortSignal): Promise<QrelsFile> {
  const qrels = new Map<string, Map<string, number>>();
  let judgements = 0;
  let conflicts = 0;
  let first = true;
  for await (const line of readLines(file, signal)) {
    const columns = splitColumns(line.text);
    const isFirst = first;
    first = false;
    const [query, document, relevance] =
      columns.length === 4 ? [columns[0], columns[2], columns[3]] : columns;
    if (
      columns.length < 3 ||
      columns.length > 4 ||
      query === undefined ||
      document === undefined ||
      relevance === undefined
    ) {
      throw dataSetError(
        file,
        line.number,
        'does not have three columns (query, document, relevance) or four',
      );
    }
    if (!/^[+-]?\d{1,9}$/u.test(relevance)) {
      if (isFirst && !/^[+-]?[\d.]/u.test(relevance)) continue; // a header
      throw dataSetError(file, line.number, 'the relevance is not a whole number');
    }
    if (query.trim() === '' || document.trim() === '')
      throw dataSetError(file, line.number, 'an id is empty');

    let ofQuery = qrels.get(query);
    if (ofQuery === undefined) qrels.set(query, (ofQuery = new Map<string, number>()));
    const value = Number(relevance);
    const before = ofQuery.get(document);
    if (before === undefined) judgements += 1;
    else if (before !== value) conflicts += 1;
    ofQuery.set(document, value);
  }
  if (judgements === 0) throw dataSetError(file, null, 'holds no judgement');
  return { qrels, judgements, conflicts };
}

function splitColumns(text: string): readonly string[] {
  const byTab = text.split('\t');
  return byTab.length >= 3 ? byTab : text.trim().split(/\s+/u);
}
