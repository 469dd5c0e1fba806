/** Compiles a filter to SQL over a collection's columns, with every value bound. Pure. */
import { RetrievalError } from '../../errors.js';
import { isListType, scalarTypeOf } from '../../metadata/values.js';
import type { CompareOperator, FieldRef, Filter, Scalar } from '../../model.js';
import { double, inList, integer, text } from './binds.js';
import type { Bind, Binds } from './binds.js';
import type { FieldColumn } from './columns.js';
import { NO_PIECE, TAIL_COLUMNS, encodeKeyword } from './keywords.js';
import type { EncodedKeyword } from './keywords.js';

const OPERATORS = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** What a filter is compiled over: a table `t` with a document's id and its field columns. */
export interface FilterTarget {
  readonly columns: readonly FieldColumn[];
  /** The table of lists' elements and long keywords' tails. */
  readonly elements: string;
}

/**
 * A condition that is true or false, never unknown, for each row of `t`: a comparison asks first
 * whether the value is there. Negation is therefore a plain NOT.
 */
export function filterSql(filter: Filter, target: FilterTarget, binds: Binds): string {
  switch (filter.kind) {
    case 'all':
      return '1 = 1';
    case 'none':
      return '1 = 0';
    case 'and':
      return combined(filter.filters, 'AND', '1 = 1', target, binds);
    case 'or':
      return combined(filter.filters, 'OR', '1 = 0', target, binds);
    case 'not':
      return `NOT (${filterSql(filter.filter, target, binds)})`;
    case 'compare':
      return compare(filter.field, filter.operator, filter.value, target, binds);
    case 'in':
      return oneOf(filter.field, filter.values, target, binds);
    case 'exists':
      return `t.${columnOf(filter.field, target).column} IS ${filter.exists ? 'NOT NULL' : 'NULL'}`;
    default:
      return filter satisfies never;
  }
}

function combined(
  filters: readonly Filter[],
  word: 'AND' | 'OR',
  empty: string,
  target: FilterTarget,
  binds: Binds,
): string {
  const [only] = filters;
  if (only === undefined) return empty;
  if (filters.length === 1) return filterSql(only, target, binds);
  return filters.map((part) => `(${filterSql(part, target, binds)})`).join(` ${word} `);
}

function compare(
  field: FieldRef,
  operator: CompareOperator,
  value: Scalar,
  target: FilterTarget,
  binds: Binds,
): string {
  const { column, position } = columnOf(field, target);
  if (isListType(field.type)) {
    const condition =
      typeof value === 'string'
        ? compareElement(encodeKeyword(value), operator, binds)
        : `e.num ${OPERATORS[operator]} ${binds.add(double(Number(value)))}`;
    return anyElement(position, target, condition);
  }
  if (typeof value !== 'string') {
    return `t.${column} IS NOT NULL AND t.${column} ${OPERATORS[operator]} ${binds.add(scalarBind(field, value))}`;
  }
  const keyword = encodeKeyword(value);
  const place = binds.add(text(keyword.head));
  if (!keyword.isLong) return `t.${column} IS NOT NULL AND t.${column} ${OPERATORS[operator]} ${place}`;
  // A row with the same full head has its tail among the elements.
  const sameHead = `t.${column} = ${place} AND ${anyElement(position, target, compareTail(keyword.tail, operator, binds))}`;
  if (operator === 'eq') return `t.${column} IS NOT NULL AND ${sameHead}`;
  return `t.${column} IS NOT NULL AND (t.${column} ${strictly(operator)} ${place} OR (${sameHead}))`;
}

function oneOf(field: FieldRef, values: readonly Scalar[], target: FilterTarget, binds: Binds): string {
  const { column, position } = columnOf(field, target);
  if (values.length === 0) return '1 = 0';
  const isList = isListType(field.type);
  if (scalarTypeOf(field.type) !== 'keyword') {
    const list = values.map((value) => (isList ? double(Number(value)) : scalarBind(field, value)));
    if (isList) return anyElement(position, target, inList('e.num', list, binds));
    return `t.${column} IS NOT NULL AND ${inList(`t.${column}`, list, binds)}`;
  }
  const keywords = values.map((value) => encodeKeyword(String(value)));
  const short = keywords.filter(({ isLong }) => !isLong).map(({ head }) => text(head));
  const long = keywords.filter(({ isLong }) => isLong);
  const head = isList ? 'e.p1' : `t.${column}`;
  const conditions = [
    ...(short.length === 0 ? [] : [inList(head, short, binds)]),
    ...long.map((keyword) => {
      const tail = compareTail(keyword.tail, 'eq', binds);
      const same = `${head} = ${binds.add(text(keyword.head))}`;
      return `(${same} AND ${isList ? tail : anyElement(position, target, tail)})`;
    }),
  ];
  const any = conditions.length === 1 ? conditions.join('') : `(${conditions.join(' OR ')})`;
  return isList ? anyElement(position, target, any) : `t.${column} IS NOT NULL AND ${any}`;
}

function anyElement(position: number, { elements }: FilterTarget, condition: string): string {
  return (
    `EXISTS (SELECT 1 FROM ${elements} e WHERE e.document_id = t.document_id ` +
    `AND e.field_position = ${String(Math.trunc(position))} AND ${condition})`
  );
}

/** A list's element, whose pieces are all in its row. */
function compareElement(keyword: EncodedKeyword, operator: CompareOperator, binds: Binds): string {
  const place = binds.add(text(keyword.head));
  if (!keyword.isLong) return `e.p1 ${OPERATORS[operator]} ${place}`;
  const same = `e.p1 = ${place} AND ${compareTail(keyword.tail, operator, binds)}`;
  return operator === 'eq' ? `(${same})` : `(e.p1 ${strictly(operator)} ${place} OR (${same}))`;
}

/** Piece after piece: the first that differs decides. */
function compareTail(
  tail: readonly string[],
  operator: CompareOperator,
  binds: Binds,
  columns: readonly string[] = TAIL_COLUMNS,
): string {
  const [column, ...rest] = columns;
  const [piece, ...others] = tail;
  if (column === undefined) return operator === 'gt' || operator === 'lt' ? '1 = 0' : '1 = 1';
  if (piece === undefined) return compareEnd(column, operator);
  const place = binds.add(text(piece));
  const held = `NVL(e.${column}, '${NO_PIECE}')`;
  const same = `${held} = ${place} AND ${compareTail(others, operator, binds, rest)}`;
  return operator === 'eq' ? `(${same})` : `(${held} ${strictly(operator)} ${place} OR (${same}))`;
}

/** The operand ends here: what goes on is greater. */
function compareEnd(column: string, operator: CompareOperator): string {
  switch (operator) {
    case 'eq':
    case 'lte':
      return `e.${column} IS NULL`;
    case 'gt':
      return `e.${column} IS NOT NULL`;
    case 'gte':
      return '1 = 1';
    case 'lt':
      return '1 = 0';
    default:
      return operator satisfies never;
  }
}

function strictly(operator: Exclude<CompareOperator, 'eq'>): '>' | '<' {
  return operator === 'gt' || operator === 'gte' ? '>' : '<';
}

function scalarBind(field: FieldRef, value: Scalar): Bind {
  return scalarTypeOf(field.type) === 'boolean' ? integer(Number(value)) : double(Number(value));
}

function columnOf(field: FieldRef, { columns }: FilterTarget): FieldColumn {
  const found = columns.find(({ name }) => name === field.name);
  if (found !== undefined) return found;
  throw new RetrievalError('unknown_field', `The collection has no field "${field.name}"`, {
    field: `filter.${field.name}`,
  });
}
