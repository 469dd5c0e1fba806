/**
 * Our filters in the filter language of Knowledge Bases. It cannot negate a group, so negations
 * are pushed inward; what then has no equal in it is refused, never dropped. Pure.
 *
 * On a missing key `notEquals` is true there and everything else false, as documented; of `notIn`
 * that is not documented, so several `notEquals` stand for it.
 */
import type { RetrievalFilter } from '@aws-sdk/client-bedrock-agent-runtime';
import { RetrievalError } from '../errors.js';
import { isListType } from '../metadata/values.js';
import type { CompareOperator, FieldRef, Filter, Scalar } from '../model.js';
import type { KnowledgeBase } from './types.js';

/** Filters that say the same of every document cannot be written there. */
export type Translated =
  | { readonly kind: 'all' }
  | { readonly kind: 'none' }
  | { readonly kind: 'filter'; readonly filter: RetrievalFilter };

const ALL: Translated = { kind: 'all' };
const NONE: Translated = { kind: 'none' };

type DateUnit = KnowledgeBase['dateUnit'];

/** @throws RetrievalError `invalid_filter` naming the operator and the field. */
export function toRetrievalFilter(filter: Filter, dateUnit: DateUnit): Translated {
  return translate(filter, false, dateUnit);
}

function translate(filter: Filter, isNegated: boolean, unit: DateUnit): Translated {
  switch (filter.kind) {
    case 'all':
      return isNegated ? NONE : ALL;
    case 'none':
      return isNegated ? ALL : NONE;
    case 'and':
    case 'or': {
      const parts = filter.filters.map((part) => translate(part, isNegated, unit));
      return (filter.kind === 'and') === isNegated ? any(parts) : every(parts);
    }
    case 'not':
      return translate(filter.filter, !isNegated, unit);
    case 'compare':
      return compare(filter.field, filter.operator, filter.value, isNegated, unit);
    case 'in':
      return oneOf(filter.field, filter.values, isNegated, unit);
    case 'exists':
      throw refused(filter.field, '$exists', 'and no other way to ask whether a field is there');
    default:
      return filter satisfies never;
  }
}

function compare(
  field: FieldRef,
  operator: CompareOperator,
  value: Scalar,
  isNegated: boolean,
  unit: DateUnit,
): Translated {
  if (operator === 'eq') return oneOf(field, [value], isNegated, unit);
  const name = `$${operator}`;
  if (field.type !== 'number' && field.type !== 'date') {
    throw refused(field, name, `on a ${field.type}: they order numbers and dates only`);
  }
  if (isNegated) {
    throw refused(
      field,
      `$not around ${name}`,
      `which would match documents without the field as well; write the opposite comparison, ${OPPOSITES[operator]}, which leaves these out`,
    );
  }
  const attribute = { key: field.name, value: stored(field, value, unit) };
  switch (operator) {
    case 'gt':
      return is({ greaterThan: attribute });
    case 'gte':
      return is({ greaterThanOrEquals: attribute });
    case 'lt':
      return is({ lessThan: attribute });
    case 'lte':
      return is({ lessThanOrEquals: attribute });
    default:
      return operator satisfies never;
  }
}

const OPPOSITES = { gt: '$lte', gte: '$lt', lt: '$gte', lte: '$gt' } as const;

function oneOf(field: FieldRef, given: readonly Scalar[], isNegated: boolean, unit: DateUnit): Translated {
  const key = field.name;
  const values = [...new Set(given)].map((value) => stored(field, value, unit));
  if (isListType(field.type)) {
    if (isNegated) throw refused(field, values.length === 1 ? '$ne' : '$nin', 'on lists');
    return any(values.map((value) => is({ listContains: { key, value } })));
  }
  if (isNegated) return every(values.map((value) => is({ notEquals: { key, value } })));
  // `in` is for texts only.
  if (field.type === 'keyword' && values.length > 1) return is({ in: { key, value: values } });
  return any(values.map((value) => is({ equals: { key, value } })));
}

function stored(field: FieldRef, value: Scalar, unit: DateUnit): Scalar {
  return field.type === 'date' && typeof value === 'number' && unit === 'seconds' ? value / 1000 : value;
}

function is(filter: RetrievalFilter): Translated {
  return { kind: 'filter', filter };
}

/** `andAll` takes two members or more, so none and one are something else. */
function every(parts: readonly Translated[]): Translated {
  if (parts.some(({ kind }) => kind === 'none')) return NONE;
  const filters = parts.flatMap((part) =>
    part.kind === 'filter' ? (part.filter.andAll ?? [part.filter]) : [],
  );
  const [only] = filters;
  if (only === undefined) return ALL;
  return is(filters.length === 1 ? only : { andAll: filters });
}

function any(parts: readonly Translated[]): Translated {
  if (parts.some(({ kind }) => kind === 'all')) return ALL;
  const filters = parts.flatMap((part) =>
    part.kind === 'filter' ? (part.filter.orAll ?? [part.filter]) : [],
  );
  const [only] = filters;
  if (only === undefined) return NONE;
  return is(filters.length === 1 ? only : { orAll: filters });
}

function refused(field: FieldRef, operator: string, why: string): RetrievalError {
  return new RetrievalError(
    'invalid_filter',
    `filter.${field.name}: the filters of a Bedrock knowledge base have no ${operator} ${why}`,
    { field: `filter.${field.name}`, details: { operator, field: field.name } },
  );
}
