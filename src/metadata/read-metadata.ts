/**
 * A document's metadata: checked, completed by what Plumbline knows, and typed. Pure.
 *
 * Nested objects are addressed by dotted paths. A value is filterable when its field is known;
 * in `inferred` mode, strings, numbers, booleans and lists of one of these make new fields. What
 * is not filterable is kept and returned, never dropped. A value that stands at a known field and
 * that filters could not see is refused: a filter must not take it for absent.
 */
import { RetrievalError } from '../errors.js';
import type {
  Collection,
  Document,
  FieldType,
  Fields,
  FieldValues,
  JsonObject,
  JsonValue,
  Scalar,
} from '../model.js';
import { MAX_FIELDS, nameProblem } from './fields.js';
import { MAX_KEYWORD_LENGTH, isListType, isStorable, scalarHint, scalarTypeOf, toScalar } from './values.js';

const MAX_DEPTH = 16;
const MAX_JSON_LENGTH = 262_144;
/** A path is shown this far in messages. */
const SHOWN_PATH = 200;

export interface ReadMetadata {
  /** What is stored and returned: the given metadata with `title` and `source`. */
  readonly metadata: JsonObject;
  readonly values: FieldValues;
  /** Fields the collection does not have yet; always empty in `declared` mode. */
  readonly newFields: Fields;
}

/**
 * @throws RetrievalError `invalid_metadata`, or `field_type_conflict` for a value that a filter on
 *   its field could not see; `field` is the path
 */
export function readMetadata(
  document: Document,
  collection: Pick<Collection, 'fieldMode' | 'fields'>,
): ReadMetadata {
  const metadata = withSystemValues(document);
  // First of all, for it bounds the depth that everything after it recurses to.
  assertKeepable(metadata, '', 0);
  if (JSON.stringify(metadata).length > MAX_JSON_LENGTH) {
    throw unkeepable(`is longer than ${String(MAX_JSON_LENGTH)} characters as JSON`);
  }
  const values: Record<string, Scalar | readonly Scalar[]> = {};
  const newFields: Record<string, FieldType> = {};
  for (const { path, value, isInList } of flatten(metadata, '', false)) {
    const known = Object.hasOwn(collection.fields, path) ? collection.fields[path] : undefined;
    // An object at a known path, or a known path inside a list of objects.
    if (known !== undefined && value !== null && (isInList || isJsonObject(value))) {
      throw conflict(path, value, known, isInList ? '; filters do not see into lists of objects' : '');
    }
    if (value === null || isInList || isJsonObject(value)) continue;
    const type = known ?? (collection.fieldMode === 'inferred' ? inferType(value) : null);
    if (type === null) continue;
    if (known === undefined) {
      const problem = nameProblem(path);
      if (path === '') throw unkeepable('has a field whose name is empty; name it or leave it out');
      if (problem !== null) throw invalid(path, `is a field's name that ${problem}`);
    }
    if (Object.hasOwn(values, path))
      throw invalid(path, 'is given twice: nested, and with a dot in its name');
    if (known === undefined) newFields[path] = type;
    const typed = readValue(path, value, type);
    if (typed !== null) values[path] = typed;
  }
  const count = Object.keys(collection.fields).length + Object.keys(newFields).length;
  if (Object.keys(newFields).length > 0 && count > MAX_FIELDS) {
    throw unkeepable(
      `would give the collection ${String(count)} fields, and ${String(MAX_FIELDS)} is the most; declare the fields that filters need`,
    );
  }
  return { metadata, values, newFields };
}

function withSystemValues(document: Document): JsonObject {
  const own: Record<string, JsonValue> = {};
  for (const name of ['title', 'source'] as const) {
    const value = document[name];
    // A title longer than a keyword could not be filtered by; it is still shown as the title.
    if (value !== null && value.length <= MAX_KEYWORD_LENGTH) own[name] = value;
  }
  return { ...document.metadata, ...own };
}

interface Entry {
  readonly path: string;
  readonly value: JsonValue;
  /** Whether a list stands somewhere above it. */
  readonly isInList: boolean;
}

/** Every key with its path, objects before what they hold. */
function* flatten(value: JsonObject, prefix: string, isInList: boolean): Generator<Entry> {
  for (const [key, item] of Object.entries(value)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    yield { path, value: item, isInList };
    if (isJsonObject(item)) yield* flatten(item, path, isInList);
    else yield* flattenList(item, path);
  }
}

/** The objects in a list, and in the lists in it. */
function* flattenList(value: JsonValue, path: string): Generator<Entry> {
  if (!isList(value)) return;
  for (const item of value) {
    if (isJsonObject(item)) yield* flatten(item, path, true);
    else yield* flattenList(item, path);
  }
}

/** @throws RetrievalError `invalid_metadata` for what not every store can keep */
function assertKeepable(value: JsonValue, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw invalid(path, `is nested deeper than ${String(MAX_DEPTH)}`);
  if (typeof value === 'string' && !isStorable(value))
    throw invalid(path, 'holds NUL or half a surrogate pair');
  if (typeof value === 'number' && !Number.isFinite(value)) throw invalid(path, 'is not a finite number');
  if (isList(value)) {
    for (const item of value) assertKeepable(item, path, depth + 1);
  } else if (isJsonObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (!isStorable(key)) throw unkeepable('has a key with NUL or half a surrogate pair');
      if (key === '__proto__') throw unkeepable('has a key "__proto__", which JavaScript keeps for itself');
      assertKeepable(item, path === '' ? key : `${path}.${key}`, depth + 1);
    }
  }
}

function inferType(value: JsonValue): FieldType | null {
  if (!isList(value)) return inferScalar(value);
  const types = new Set(value.map(inferScalar));
  const [only] = types;
  return types.size === 1 && only !== undefined && only !== null ? `${only}[]` : null;
}

/** A new text field too long for a keyword is prose: kept, but not a field. */
function inferScalar(value: JsonValue): 'keyword' | 'number' | 'boolean' | null {
  if (typeof value === 'string') return value.length <= MAX_KEYWORD_LENGTH ? 'keyword' : null;
  if (typeof value === 'number') return 'number';
  return typeof value === 'boolean' ? 'boolean' : null;
}

function readValue(path: string, value: JsonValue, type: FieldType): Scalar | readonly Scalar[] | null {
  if (!isListType(type)) return readScalar(path, value, type);
  const items = isList(value) ? value : [value];
  return items.length === 0 ? null : items.map((item) => readScalar(path, item, type));
}

function readScalar(path: string, value: JsonValue, type: FieldType): Scalar {
  const scalar = toScalar(value, scalarTypeOf(type));
  if (scalar === null) throw conflict(path, value, type, scalarHint(value, scalarTypeOf(type)));
  return scalar;
}

function isJsonObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function conflict(path: string, value: JsonValue, expected: FieldType, hint: string): RetrievalError {
  const given = value === null ? 'null' : isList(value) ? 'list' : typeof value;
  return new RetrievalError(
    'field_type_conflict',
    `metadata.${shown(path)} is not a ${expected}, which this field of the collection is, but a ${given}${hint}`,
    { field: `metadata.${shown(path)}`, details: { expected, given } },
  );
}

function invalid(path: string, problem: string): RetrievalError {
  const field = `metadata.${shown(path)}`;
  return new RetrievalError('invalid_metadata', `${field} ${problem}`, { field });
}

function unkeepable(problem: string): RetrievalError {
  return new RetrievalError('invalid_metadata', `metadata ${problem}`, { field: 'metadata' });
}

function shown(path: string): string {
  return path.length > SHOWN_PATH ? `${path.slice(0, SHOWN_PATH).toWellFormed()}…` : path;
}
