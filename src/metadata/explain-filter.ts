/** Why a document does not match a filter. Pure. */
import type { Filter, FieldValues, Scalar } from '../model.js';
import { compileFilter } from './evaluate-filter.js';

/** One predicate that stands in the way. */
export interface FailedPredicate {
  /** Null: the filter matches nothing at all. */
  readonly field: string | null;
  /** As the filter language writes it: `$eq`, `$in`, … */
  readonly operator: string;
  /** What was asked for. */
  readonly operand: Scalar | readonly Scalar[] | null;
  /** The predicate is true of the document, and the filter negates it. */
  readonly negated: boolean;
  /** What the document has; null when it has no such field. */
  readonly value: Scalar | readonly Scalar[] | null;
}

/** The predicates by which the document is left out; none when it matches. */
export function explainFilter(filter: Filter, values: FieldValues): readonly FailedPredicate[] {
  return compileFilter(filter)(values) ? [] : culprits(filter, values, false);
}

/** @param wanted whether predicates are looked for that are true, under a negation */
function culprits(filter: Filter, values: FieldValues, wanted: boolean): readonly FailedPredicate[] {
  if (compileFilter(filter)(values) !== wanted) return [];
  const value = (name: string): Scalar | readonly Scalar[] | null =>
    Object.hasOwn(values, name) ? (values[name] ?? null) : null;
  switch (filter.kind) {
    case 'all':
    case 'none':
      return [{ field: null, operator: filter.kind, operand: null, negated: wanted, value: null }];
    case 'and':
    case 'or':
      return filter.filters.flatMap((part) => culprits(part, values, wanted));
    case 'not':
      return culprits(filter.filter, values, !wanted);
    case 'compare': {
      const { field, operator } = filter;
      return [
        {
          field: field.name,
          operator: `$${operator}`,
          operand: filter.value,
          negated: wanted,
          value: value(field.name),
        },
      ];
    }
    case 'in':
      return [
        {
          field: filter.field.name,
          operator: '$in',
          operand: filter.values,
          negated: wanted,
          value: value(filter.field.name),
        },
      ];
    case 'exists':
      return [
        {
          field: filter.field.name,
          operator: '$exists',
          operand: filter.exists,
          negated: wanted,
          value: value(filter.field.name),
        },
      ];
    default:
      return filter satisfies never;
  }
}
