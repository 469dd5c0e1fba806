/** What every connection is set to. */
import type { VectorFeatures } from './versions.js';

/**
 * Breadth of the HNSW search: measured 0.993 of the exact top ten over 78,000 vectors, where 40,
 * the extension's default, finds 0.961.
 */
export const DEFAULT_EF_SEARCH = 200;

/**
 * Iterative scans go on until a filter has enough matches; their limits are set so high that a
 * store finds too few only when there are too few (it then compares exactly anyway).
 */
export function sessionSettings(statementTimeoutMs: number, { iterativeScan }: VectorFeatures): string {
  return [
    `set statement_timeout = ${String(Math.trunc(statementTimeoutMs))}`,
    // The library's parameters exist once it is loaded.
    'select null::vector',
    `set hnsw.ef_search = ${String(DEFAULT_EF_SEARCH)}`,
    'set ivfflat.probes = 20',
    ...(iterativeScan
      ? [
          'set hnsw.iterative_scan = relaxed_order',
          'set hnsw.max_scan_tuples = 200000',
          'set hnsw.scan_mem_multiplier = 4',
          'set ivfflat.iterative_scan = relaxed_order',
        ]
      : []),
    'set jit = off',
    'set search_path = public, plumbline',
  ].join('; ');
}
