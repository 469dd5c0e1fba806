/** Versions of the extension. Pure. */

/** Whether `version` (`0.8.2`) is that one or a later one; parts that are not there count as 0. */
export function isAtLeast(version: string, needed: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of needed.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
