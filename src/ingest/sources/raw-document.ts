/** What a source knows of a document, made into a `RawDocument`: one rule for all sources. */
import { RetrievalError } from '../../errors.js';
import { parseDate } from '../../metadata/values.js';
import type { Format, JsonObject, JsonValue, RawDocument } from '../../model.js';

export interface Ingredients {
  readonly id: string;
  readonly format: Format;
  readonly content: string;
  /** As the document itself has it: front matter, the members of a JSON line. */
  readonly metadata: JsonObject;
  /** Given for all documents; wins over the document's own, being the more explicit. */
  readonly overrides: JsonObject;
  /** What stands in where the document does not say where it came from. */
  readonly source?: string;
  /** What stands in where the document does not say when it changed; ISO 8601. */
  readonly modifiedAt?: string;
}

/** The system field ← the names it goes by in the wild; the first that is there is taken. */
const DATE_NAMES = {
  created_at: ['created_at', 'created', 'date', 'published_at', 'published'],
  modified_at: ['modified_at', 'modified', 'updated_at', 'updated', 'lastmod'],
} as const;

/** Levels of nested metadata; with fewer than a stack has, whatever walks the metadata later is safe. */
const MAX_DEPTH = 16;

/** Jekyll's `2024-01-31 10:00:00 +0100`. */
const SPACED_OFFSET = /^(\d{4}-\d{2}-\d{2})[Tt ](\S+) ([+-]\d{2}:?\d{2}|[Zz]|UTC)$/u;

/**
 * Takes `title` and `source` (else `url`) out of the metadata, and adds `created_at` and
 * `modified_at` beside the names they were found under. Nothing else is changed or left out.
 * @throws RetrievalError `invalid_metadata` with the `field`: a title that is no text, a bad date, or
 *   `metadata` nested too deep.
 */
export function toRawDocument(ingredients: Ingredients): RawDocument {
  const { id, format, content, modifiedAt } = ingredients;
  const metadata: Record<string, JsonValue> = { ...ingredients.metadata, ...ingredients.overrides };
  if (isDeeperThan(metadata, MAX_DEPTH)) {
    throw new RetrievalError('invalid_metadata', `metadata is nested deeper than ${String(MAX_DEPTH)}`, {
      field: 'metadata',
    });
  }

  const title = readText(metadata, 'title');
  const source = readText(metadata, 'source') ?? readUrl(metadata) ?? ingredients.source;
  delete metadata['title'];
  delete metadata['source'];
  for (const name of ['created_at', 'modified_at'] as const) {
    const date = readDate(metadata, DATE_NAMES[name]);
    if (date !== null) metadata[name] = date;
  }
  if (modifiedAt !== undefined && !Object.hasOwn(metadata, 'modified_at'))
    metadata['modified_at'] = modifiedAt;

  return {
    id,
    format,
    content,
    metadata,
    ...(title === null ? {} : { title }),
    ...(source === undefined ? {} : { source }),
  };
}

function readText(metadata: JsonObject, name: string): string | null {
  const value = Object.hasOwn(metadata, name) ? metadata[name] : null;
  if (value === undefined || value === null) return null;
  // YAML reads `title: 2024` as a number; it was meant as the title.
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    const text = String(value).trim();
    return text === '' ? null : text;
  }
  throw invalid(name, 'is not a text');
}

/** A `url` that is no text is left alone: it is an ordinary member then. */
function readUrl(metadata: JsonObject): string | null {
  const url = Object.hasOwn(metadata, 'url') ? metadata['url'] : null;
  return typeof url === 'string' && url.trim() !== '' ? url.trim() : null;
}

function readDate(metadata: JsonObject, names: readonly string[]): string | null {
  for (const name of names) {
    const value = Object.hasOwn(metadata, name) ? metadata[name] : null;
    // `published: false` is how site generators mark a draft.
    if (value === undefined || value === null || value === '' || typeof value === 'boolean') continue;
    const text = typeof value === 'string' ? toIso(value.trim()) : null;
    if (text === null || parseDate(text) === null) {
      throw invalid(
        name,
        'is not a date; write 2024-01-31 or 2024-01-31T12:00:00Z (a time needs its offset)',
      );
    }
    return text;
  }
  return null;
}

function toIso(text: string): string {
  const [, day, time, offset] = SPACED_OFFSET.exec(text) ?? [];
  if (day === undefined || time === undefined || offset === undefined) return text;
  return `${day}T${time}${offset === 'UTC' ? 'Z' : offset}`;
}

function isDeeperThan(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item: JsonValue) => isDeeperThan(item, levels - 1));
}

function invalid(name: string, problem: string): RetrievalError {
  return new RetrievalError('invalid_metadata', `metadata.${name} ${problem}`, { field: `metadata.${name}` });
}
