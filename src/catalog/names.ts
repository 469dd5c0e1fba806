/** What a collection may be called. */
import { RetrievalError } from '../errors.js';

/** Lower-case letters, digits, `-` and `_`; at most 63; begins with a letter or digit. */
export const COLLECTION_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/u;

/** @throws RetrievalError `invalid_collection_name`. */
export function assertCollectionName(name: string): void {
  if (COLLECTION_NAME.test(name)) return;
  throw new RetrievalError(
    'invalid_collection_name',
    'A collection name is 1 to 63 lower-case letters, digits, "-" and "_", and begins with a letter or digit',
    { field: 'name' },
  );
}
