/** Answers as JSON: the same names as the REST API, which writes `snake_case`. */

/** Members whose keys are the user's own. */
const OPAQUE = new Set(['metadata', 'fields', 'values']);

/** The value with the keys of its objects in `snake_case`; the user's own keys stay. */
export function toWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [snakeCase(key), OPAQUE.has(key) ? item : toWire(item)]),
  );
}

function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}
