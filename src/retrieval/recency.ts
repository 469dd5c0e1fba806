/** Recency: a query's preference for newer documents. Pure. */
import { RetrievalError } from '../errors.js';
import type { Collection } from '../model.js';
import type { Explain, QueryRequest } from './schema.js';

const DAY_MS = 86_400_000;

export interface RecencySettings {
  readonly halfLifeDays: number;
  /** Share of the decay in the score, 0 to 1. */
  readonly weight: number;
  /** Epoch milliseconds from which ages are counted. */
  readonly now: number;
}

/**
 * The recency part of an explanation. A document without the date has decay 0: nothing says that
 * it is new. A date in the future counts as now.
 * @param date epoch milliseconds, or null
 */
export function recencyPart(date: number | null, settings: RecencySettings): NonNullable<Explain['recency']> {
  const ageDays = date === null ? null : Math.max(0, (settings.now - date) / DAY_MS);
  return {
    age_days: ageDays,
    half_life_days: settings.halfLifeDays,
    decay: decay(ageDays, settings.halfLifeDays),
    weight: settings.weight,
  };
}

/** Exponential decay: 1 now, one half after each half-life. */
export function decay(ageDays: number | null, halfLifeDays: number): number {
  return ageDays === null ? 0 : 0.5 ** (ageDays / halfLifeDays);
}

/** @throws RetrievalError `unknown_field` or `invalid_request` when the query's field is no date. */
export function assertRecencyField(
  collection: Pick<Collection, 'fields'>,
  request: Pick<QueryRequest, 'recency'>,
): void {
  if (request.recency === undefined) return;
  const { field } = request.recency;
  const type = collection.fields[field];
  if (type === 'date') return;
  const dates = Object.keys(collection.fields).filter((name) => collection.fields[name] === 'date');
  throw new RetrievalError(
    type === undefined ? 'unknown_field' : 'invalid_request',
    `Recency needs a date field; "${field}" is ${type === undefined ? 'not a field of the collection' : `a ${type}`}. Date fields: ${dates.join(', ') || 'none'}`,
    { field: 'recency.field', details: { known: dates } },
  );
}
