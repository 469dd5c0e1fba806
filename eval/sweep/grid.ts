/** What a sweep varies, and the combinations of it. */
import { chunkerSettings, formatChunker, parseChunker } from '../../src/catalog/chunker.js';
import { RetrievalError } from '../../src/errors.js';
import { FUSION_METHODS, MODES, type QueryInput } from '../../src/retrieval/schema.js';
import type { OwnCollection } from '../collection.js';
import { DIMENSIONS, type Dimension } from './dimensions.js';

/** A sweep measures at most this many combinations: each asks every question. */
const MOST = 200;

/** Dimension → its values as written, in the order they were given. */
export type Grid = ReadonlyMap<Dimension, readonly string[]>;

export type SweptQuery = Pick<
  QueryInput,
  'mode' | 'fusion' | 'candidates' | 'ef_search' | 'exact' | 'rerank'
>;

/** What all combinations share, unless they say otherwise. */
export interface SweepBase {
  readonly own: OwnCollection;
  readonly query: SweptQuery;
}

export interface Combination {
  /** `chunker=fixed:300/50 vector_weight=0.8`: of what is swept, that which has an effect here. */
  readonly name: string;
  readonly own: OwnCollection;
  readonly query: SweptQuery;
}

/**
 * Reads `NAME=VALUE,VALUE…`, once for each dimension.
 * @throws RetrievalError `invalid_request`.
 */
export function parseSweep(specs: readonly string[]): Grid {
  const grid = new Map<Dimension, readonly string[]>();
  for (const spec of specs) {
    const at = spec.indexOf('=');
    const name = DIMENSIONS.find((dimension) => dimension === spec.slice(0, Math.max(0, at)));
    if (name === undefined) {
      throw invalid(`a sweep is NAME=VALUE,VALUE with NAME one of ${DIMENSIONS.join(', ')}`);
    }
    if (grid.has(name)) throw invalid(`${name} is swept twice; name all its values in one --sweep`);
    const values = spec
      .slice(at + 1)
      .split(',')
      .map((value) => value.trim());
    if (values.includes('')) throw invalid(`a value of ${name} is empty`);
    for (const value of values) assertValue(name, value);
    grid.set(name, [...new Set(values)]);
  }
  return grid;
}

function assertValue(name: Dimension, value: string): void {
  switch (name) {
    case 'embedder':
      return;
    case 'chunker':
      chunkerSettings(parseChunker(value));
      return;
    case 'mode':
      if (!MODES.some((mode) => mode === value)) throw invalid(`mode is one of ${MODES.join(', ')}`);
      return;
    case 'fusion':
      if (!FUSION_METHODS.some((method) => method === value)) {
        throw invalid(`fusion is one of ${FUSION_METHODS.join(', ')}`);
      }
      return;
    case 'vector_weight':
      if (!/^(?:0|1|0?\.\d{1,6}|1\.0{1,6})$/u.test(value)) throw invalid('vector_weight is from 0 to 1');
      return;
    case 'rank_constant':
    case 'candidates':
    case 'ef_search':
      if (!/^[1-9]\d{0,4}$/u.test(value)) throw invalid(`${name} is a whole number from 1`);
      return;
    default:
      name satisfies never;
  }
}

/** @throws RetrievalError `invalid_request` when there are too many. */
export function combinations(grid: Grid, base: SweepBase): readonly Combination[] {
  const count = [...grid.values()].reduce((product, values) => product * values.length, 1);
  if (count > MOST) {
    throw invalid(`that is ${String(count)} combinations; a sweep measures at most ${String(MOST)}`);
  }
  let rows: readonly ReadonlyMap<Dimension, string>[] = [new Map<Dimension, string>()];
  for (const [name, values] of grid) {
    rows = rows.flatMap((row) => values.map((value) => new Map([...row, [name, value]])));
  }
  // Where a setting has no effect, two rows may come to the same.
  const distinct = new Map<string, Combination>();
  for (const row of rows) {
    const combination = combine(row, base);
    const key = JSON.stringify([ownKey(combination.own), combination.query]);
    if (!distinct.has(key)) distinct.set(key, combination);
  }
  return [...distinct.values()];
}

function combine(row: ReadonlyMap<Dimension, string>, base: SweepBase): Combination {
  const used: string[] = [];
  const take = (name: Dimension): string | undefined => {
    const value = row.get(name);
    if (value !== undefined) used.push(`${name}=${value}`);
    return value;
  };
  const number = (name: Dimension): number | undefined => {
    const value = take(name);
    return value === undefined ? undefined : Number(value);
  };
  const embedder = take('embedder') ?? base.own.embedder;
  const chunkerText = take('chunker');
  const chunker = chunkerText === undefined ? base.own.chunker : parseChunker(chunkerText);
  const modeText = take('mode');
  const mode = MODES.find((one) => one === modeText) ?? base.query.mode;
  const isHybrid = (mode ?? 'hybrid') === 'hybrid';
  const fusion = isHybrid ? combineFusion(take, number, base.query.fusion) : undefined;
  const candidates = number('candidates') ?? base.query.candidates;
  const efSearch = mode === 'keyword' ? undefined : (number('ef_search') ?? base.query.ef_search);
  const { exact, rerank } = base.query;
  return {
    name: used.join(' '),
    own: { ...base.own, embedder, ...(chunker === undefined ? {} : { chunker }) },
    query: {
      ...(mode === undefined ? {} : { mode }),
      ...(fusion === undefined ? {} : { fusion }),
      ...(candidates === undefined ? {} : { candidates }),
      ...(efSearch === undefined ? {} : { ef_search: efSearch }),
      ...(exact === undefined || mode === 'keyword' ? {} : { exact }),
      ...(rerank === undefined ? {} : { rerank }),
    },
  };
}

/** Only what the method takes: a weight means nothing to rrf, nor a rank constant to the others. */
function combineFusion(
  take: (name: Dimension) => string | undefined,
  number: (name: Dimension) => number | undefined,
  base: QueryInput['fusion'],
): QueryInput['fusion'] {
  const text = take('fusion');
  const method = FUSION_METHODS.find((one) => one === text) ?? base?.method;
  if (method === 'rrf') {
    const constant = number('rank_constant') ?? base?.rank_constant;
    return { method, ...(constant === undefined ? {} : { rank_constant: constant }) };
  }
  const weight = number('vector_weight') ?? base?.vector_weight;
  if (method === undefined && weight === undefined) return undefined;
  return {
    ...(method === undefined ? {} : { method }),
    ...(weight === undefined ? {} : { vector_weight: weight }),
  };
}

/** Equal for combinations that are measured in one collection. */
export function ownKey({ embedder, language, metric, index, chunker }: OwnCollection): string {
  return JSON.stringify([embedder, language, metric, index, formatChunker(chunkerSettings(chunker))]);
}

function invalid(problem: string): RetrievalError {
  return new RetrievalError('invalid_request', `--sweep: ${problem}`, { field: 'sweep' });
}
