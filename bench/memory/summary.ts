/** What the samples say. */
import { quantile, sum } from '../support/stats.js';
import type { Sample, Watched } from './watch.js';

export interface Summary {
  readonly chunks: number;
  readonly seconds: number;
  readonly baseline_mb: number;
  readonly max_mb: { readonly ingest: number; readonly index: number };
  /** The highest point, less what the process had before. */
  readonly over_mb: number;
  /** Medians of tenths of the load: whether it grows can be seen. */
  readonly tenths_mb: readonly number[];
  /** Of a line through the second half of the load. */
  readonly slope_mb_per_10000_chunks: number;
}

export function summarise({ baseline, samples, chunks, seconds }: Watched): Summary {
  const loading = samples.filter(({ stage }) => stage === 'ingest');
  const rest = samples.filter(({ stage }) => stage !== 'ingest');
  const highest = (of: readonly Sample[]): number => of.reduce((most, { rss }) => Math.max(most, rss), 0);
  const tenth = chunks / 10;
  return {
    chunks,
    seconds,
    baseline_mb: baseline,
    max_mb: { ingest: highest(loading), index: highest(rest) },
    over_mb: highest(samples) - baseline,
    tenths_mb: Array.from({ length: 10 }, (_, place) =>
      quantile(
        loading
          .filter((sample) => sample.chunks >= place * tenth && sample.chunks < (place + 1) * tenth)
          .map(({ rss }) => rss),
        0.5,
      ),
    ),
    slope_mb_per_10000_chunks: slope(loading.filter((sample) => sample.chunks >= chunks / 2)) * 10_000,
  };
}

/** By least squares. */
function slope(samples: readonly Sample[]): number {
  const meanX = sum(samples.map(({ chunks }) => chunks)) / samples.length;
  const meanY = sum(samples.map(({ rss }) => rss)) / samples.length;
  const above = sum(samples.map(({ chunks, rss }) => (chunks - meanX) * (rss - meanY)));
  const below = sum(samples.map(({ chunks }) => (chunks - meanX) ** 2));
  return above / below;
}
