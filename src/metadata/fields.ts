/** A collection's fields: which there always are, and which names are allowed. */
import { RetrievalError } from '../errors.js';
import type { Fields } from '../model.js';
import { isStorable } from './values.js';

/** What Plumbline itself knows of a document; every collection can be filtered by them. */
export const SYSTEM_FIELDS = {
  source: 'keyword',
  title: 'keyword',
  created_at: 'date',
  modified_at: 'date',
} as const satisfies Fields;

export const MAX_FIELDS = 200;
const MAX_NAME_LENGTH = 200;

/** @throws RetrievalError `invalid_request` naming the field at fault. */
export function assertFields(fields: Fields): void {
  const names = Object.keys(fields);
  if (names.length > MAX_FIELDS) {
    throw new RetrievalError(
      'invalid_request',
      `A collection can have ${String(MAX_FIELDS)} fields; ${String(names.length)} were given`,
      { field: 'fields' },
    );
  }
  for (const name of names) {
    const problem = nameProblem(name);
    if (problem !== null) {
      throw new RetrievalError('invalid_request', `A field's name ${problem}`, { field: `fields.${name}` });
    }
    const system = Object.hasOwn(SYSTEM_FIELDS, name)
      ? SYSTEM_FIELDS[name as keyof typeof SYSTEM_FIELDS]
      : undefined;
    if (system !== undefined && fields[name] !== system) {
      throw new RetrievalError('field_type_conflict', `"${name}" is always a ${system}; leave it out`, {
        field: `fields.${name}`,
      });
    }
  }
}

/** What is wrong with a field's name; null when nothing is. */
export function nameProblem(name: string): string | null {
  if (name === '') return 'is empty';
  if (name.length > MAX_NAME_LENGTH) return `is longer than ${String(MAX_NAME_LENGTH)} characters`;
  if (name.startsWith('$')) return 'begins with "$", which is for operators';
  if (name === '__proto__') return 'is "__proto__", which JavaScript keeps for itself';
  if (!isStorable(name)) return 'holds NUL or half a surrogate pair';
  return null;
}
