/** Single metadata values: their types, and reading one from JSON. Pure. */
import type { FieldType, Scalar, ScalarType } from '../model.js';

/** Longest keyword value, in UTF-16 code units. */
export const MAX_KEYWORD_LENGTH = 8000;

const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/u;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})$/u;

/** The type of one value of a field: `keyword` of `keyword[]`. */
export function scalarTypeOf(type: FieldType): ScalarType {
  switch (type) {
    case 'keyword':
    case 'keyword[]':
      return 'keyword';
    case 'number':
    case 'number[]':
      return 'number';
    case 'boolean':
    case 'boolean[]':
      return 'boolean';
    case 'date':
    case 'date[]':
      return 'date';
    default:
      return type satisfies never;
  }
}

export function isListType(type: FieldType): boolean {
  return type.endsWith('[]');
}

/** Reads a JSON value as that type; null when it is not one. A date becomes epoch milliseconds. */
export function toScalar(value: unknown, type: ScalarType): Scalar | null {
  switch (type) {
    case 'keyword':
      return typeof value === 'string' && isStorable(value) && value.length <= MAX_KEYWORD_LENGTH
        ? value
        : null;
    case 'number':
      // Minus zero equals zero in every filter, so it is kept as zero.
      return typeof value === 'number' && Number.isFinite(value) ? value + 0 : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? parseDate(value) : null;
    default:
      return type satisfies never;
  }
}

/** What else to say of a value that {@link toScalar} did not take; empty when its JSON type says all. */
export function scalarHint(value: unknown, type: ScalarType): string {
  if (typeof value !== 'string') return '';
  if (type === 'date') return '; write dates as 2024-01-31 or 2024-01-31T12:00:00Z, with the offset';
  if (type !== 'keyword') return '';
  return isStorable(value)
    ? `; keyword values have at most ${String(MAX_KEYWORD_LENGTH)} characters`
    : '; it holds NUL or half a surrogate pair';
}

/**
 * Epoch milliseconds of an ISO 8601 date (midnight UTC) or a date and time with an offset; null
 * for anything else. A time without an offset means a different moment on each machine, so it is
 * refused; a day that no calendar has (February 30) too.
 */
export function parseDate(text: string): number | null {
  if (!DATE_ONLY.test(text) && !DATE_TIME.test(text)) return null;
  const day = text.slice(0, 10);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return null;
  const time = DATE_ONLY.test(text) ? midnight : Date.parse(text.replace(' ', 'T'));
  return Number.isNaN(time) ? null : time;
}

/** Whether every store can keep the text: well-formed Unicode without NUL. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
