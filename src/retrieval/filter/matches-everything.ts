/** Whether a filter names nothing, so that a delete by it must be refused. Pure. */
import type { Filter } from '../../model.js';

/** True when the filter's own form says that it matches every document. */
export function matchesEverything(filter: Filter): boolean {
  return fold(filter) === true;
}

/** True: matches all; false: matches none; null: depends on the document. */
function fold(filter: Filter): boolean | null {
  switch (filter.kind) {
    case 'all':
      return true;
    case 'none':
      return false;
    case 'and':
      return foldAll(filter.filters, false);
    case 'or':
      return foldAll(filter.filters, true);
    case 'not': {
      const inner = fold(filter.filter);
      return inner === null ? null : !inner;
    }
    case 'in':
      return filter.values.length === 0 ? false : null;
    case 'compare':
    case 'exists':
      return null;
    default:
      return filter satisfies never;
  }
}

/** `decisive` settles the whole: false in a conjunction, true in a disjunction. */
function foldAll(filters: readonly Filter[], decisive: boolean): boolean | null {
  const parts = filters.map(fold);
  if (parts.includes(decisive)) return decisive;
  return parts.every((part) => part === !decisive) ? !decisive : null;
}
