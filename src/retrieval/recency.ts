/** Recency: a query's preference for newer documents. Pure. */
import type { Explain } from './schema.js';

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
