/** Whole numbers within limits. */
import { RetrievalError } from '../errors.js';

/** @throws RetrievalError `invalid_request` naming the field, the value and the limits. */
export function assertRange(field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RetrievalError(
    'invalid_request',
    `${field} is ${String(value)}; it must be a whole number from ${String(least)} to ${String(most)}`,
    { field },
  );
}
