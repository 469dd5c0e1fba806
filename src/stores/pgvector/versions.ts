/** Versions of the extension, and what can be done with each. Pure. */

/** What a version of pgvector lets Plumbline do. */
export interface VectorFeatures {
  readonly version: string;
  /** HNSW, without which Plumbline does not start: from 0.5. */
  readonly supported: boolean;
  /** HNSW over half-precision numbers: from 0.7. */
  readonly halfvec: boolean;
  /** Searching on when a filter leaves too few: from 0.8. Before it, the store then compares every match. */
  readonly iterativeScan: boolean;
  /** Building with several workers is safe: from 0.8.2. Before it, one can write past its memory (CVE-2026-3172). */
  readonly parallelBuild: boolean;
}

/** The oldest version that is supported. */
export const OLDEST_SUPPORTED = '0.5';

/** @param version as `pg_extension` has it: `0.8.2` */
export function vectorFeatures(version: string): VectorFeatures {
  return {
    version,
    supported: isAtLeast(version, [0, 5]),
    halfvec: isAtLeast(version, [0, 7]),
    iterativeScan: isAtLeast(version, [0, 8]),
    parallelBuild: isAtLeast(version, [0, 8, 2]),
  };
}

/** Whether `version` (`0.8.2`) is that one or a later one; parts that are not there count as 0. */
function isAtLeast(version: string, needed: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of needed.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
