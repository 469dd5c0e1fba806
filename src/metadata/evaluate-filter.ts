/** What a filter means: the reference that every store's own compilation is compared with. Pure. */
import { compareCodePoints } from './compare-code-points.js';
import type { CompareOperator, FieldValues, Filter, Scalar } from '../model.js';

/** Whether a document with these values matches. */
export type Matcher = (values: FieldValues) => boolean;

/** Compiles a filter once for many documents; the long list of an `in` becomes a set. */
export function compileFilter(filter: Filter): Matcher {
  switch (filter.kind) {
    case 'all':
      return () => true;
    case 'none':
      return () => false;
    case 'and': {
      const parts = filter.filters.map(compileFilter);
      return (values) => parts.every((part) => part(values));
    }
    case 'or': {
      const parts = filter.filters.map(compileFilter);
      return (values) => parts.some((part) => part(values));
    }
    case 'not': {
      const inner = compileFilter(filter.filter);
      return (values) => !inner(values);
    }
    case 'compare': {
      const { field, operator, value } = filter;
      return (values) => elements(values, field.name).some((element) => compares(element, operator, value));
    }
    case 'in': {
      const { field } = filter;
      const wanted = new Set(filter.values);
      return (values) => elements(values, field.name).some((element) => wanted.has(element));
    }
    case 'exists': {
      const { field, exists } = filter;
      return (values) => elements(values, field.name).length > 0 === exists;
    }
    default:
      return filter satisfies never;
  }
}

function elements(values: FieldValues, name: string): readonly Scalar[] {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined) return [];
  return typeof value === 'object' ? value : [value];
}

function compares(value: Scalar, operator: CompareOperator, operand: Scalar): boolean {
  if (operator === 'eq') return value === operand;
  const order = compareScalars(value, operand);
  switch (operator) {
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
    default:
      return operator satisfies never;
  }
}

/** NaN, which no comparison accepts, when the types differ. */
function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'string' && typeof b === 'string') return compareCodePoints(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0;
  return NaN;
}
