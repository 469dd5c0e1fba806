/** Objects in S3 as a source. */
import type { Source } from '../../types.js';
import { failedItem } from '../problems.js';
import { entryItems, type ObjectOptions } from './items.js';
import { contains, isNamed, locationUrl, objectUrl, parseS3Url, type S3Location } from './location.js';
import type { S3Objects } from './objects.js';
import { askEach } from '../../read-ahead.js';
import { entryOf, selectEntries, type Entry } from './select.js';

export interface S3Options extends ObjectOptions {
  /** Objects that a listing answers at a time, at most 1000. */
  readonly pageSize?: number;
}

/**
 * Lists the locations when it is pulled. Objects whose version is the stored one are not read; an
 * object of JSON lines always is, since its documents have ids of their own.
 * @throws RetrievalError `source_denied`, `source_unavailable`, and `invalid_request` when there is no
 *   such bucket, from `items`.
 */
export function s3Source(objects: S3Objects, locations: readonly S3Location[], options: S3Options): Source {
  return {
    total: null,
    async *items(signal, stored) {
      const empty: S3Location[] = [];
      const entries = selectEntries(objects, locations, options, signal, (location) => empty.push(location));
      yield* entryItems(objects, entries, options, signal, stored);
      // A failure, so that a wrong prefix never looks like a removal.
      for (const location of empty) yield failedItem(locationUrl(location), 'holds no documents');
    },
    async stillThere(ids, signal) {
      const found = await askEach(
        ids,
        async (id, joint) => {
          const ref = refOf(id);
          if (ref === null || !locations.some((location) => contains(location, ref))) return null;
          const entry = await entryOf(objects, ref, isNamed(locations, ref), options, { signal: joint });
          return entry === null ? null : id;
        },
        signal,
      );
      return new Set(found);
    },
  };
}

/** Entries that are known already, as a source. */
export function entriesSource(objects: S3Objects, entries: readonly Entry[], options: ObjectOptions): Source {
  return {
    total: null,
    items: (signal, stored) => entryItems(objects, iterate(entries), options, signal, stored),
  };
}

async function* iterate<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function refOf(id: string): { readonly bucket: string; readonly key: string } | null {
  try {
    const { bucket, key, kind } = parseS3Url(id);
    // A key that ends in `*` is read as a prefix, but a document's id is the whole key.
    const whole = kind === 'prefix' ? `${key}*` : key;
    return objectUrl({ bucket, key: whole }) === id ? { bucket, key: whole } : null;
  } catch {
    return null;
  }
}
