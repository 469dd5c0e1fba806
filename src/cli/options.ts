/** Reading option values. Each parser throws what commander shows as a usage error. */
import { InvalidArgumentError } from 'commander';
import type { DeleteCeiling } from '../ingest/types.js';
import type { FieldType, JsonObject, JsonValue } from '../model.js';
import { RetrievalError } from '../errors.js';

/** A whole number from `least` up. */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/u.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${String(least)}.`);
    }
    return value;
  };
}

/** A number of documents, or a share of them: `500`, `10%`. */
export function deleteCeiling(text: string): DeleteCeiling {
  const [, number = '', percent] = /^(\d+(?:\.\d+)?)(%?)$/u.exec(text) ?? [];
  const value = Number(number);
  if (percent === '%' && value <= 100) return { kind: 'share', share: value / 100 };
  if (percent !== '' || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('Write a number of documents, or a share of them such as 10%.');
  }
  return { kind: 'documents', documents: value };
}

export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

/** Collects `NAME=VALUE` and `NAME:=JSON` into one object. */
export function metadataPair(text: string, before: JsonObject): JsonObject {
  const at = text.indexOf('=');
  if (at <= 0 || text.startsWith(':=')) {
    throw new InvalidArgumentError('Write NAME=VALUE, or NAME:=JSON.');
  }
  const isJson = text[at - 1] === ':';
  const name = text.slice(0, isJson ? at - 1 : at);
  const raw = text.slice(at + 1);
  return { ...before, [name]: isJson ? explicitJson(raw) : guessedValue(raw) };
}

function explicitJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new InvalidArgumentError('What follows ":=" must be JSON.');
  }
}

/** Numbers only as JSON would print them, so that a version `1.10` or a code `007` stays a text. */
function guessedValue(text: string): JsonValue {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (/^-?\d/u.test(text) && String(Number(text)) === text && Number.isFinite(Number(text)))
    return Number(text);
  if (text.startsWith('[')) {
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      return text;
    }
  }
  return text;
}

const FIELD_TYPES = {
  keyword: true,
  number: true,
  boolean: true,
  date: true,
  'keyword[]': true,
  'number[]': true,
  'boolean[]': true,
  'date[]': true,
} as const satisfies Record<FieldType, true>;

/** Collects `NAME:TYPE`. */
export function fieldPair(
  text: string,
  before: Readonly<Record<string, FieldType>> = {},
): Readonly<Record<string, FieldType>> {
  const at = text.lastIndexOf(':');
  const type = text.slice(at + 1);
  if (at <= 0 || !isFieldType(type)) {
    throw new InvalidArgumentError(`Write NAME:TYPE; types are ${Object.keys(FIELD_TYPES).join(', ')}.`);
  }
  return { ...before, [text.slice(0, at)]: type };
}

function isFieldType(text: string): text is FieldType {
  return Object.hasOwn(FIELD_TYPES, text);
}

/** `FIELD:HALF_LIFE_DAYS:WEIGHT`; the field's own name may hold colons. */
export function recency(text: string): { field: string; half_life_days: number; weight: number } {
  const parts = text.split(':');
  const weight = parts.pop() ?? '';
  const halfLife = parts.pop() ?? '';
  const field = parts.join(':');
  if (field === '' || halfLife === '' || weight === '') {
    throw new InvalidArgumentError('Write FIELD:HALF_LIFE_DAYS:WEIGHT, such as modified_at:30:0.3.');
  }
  return { field, half_life_days: decimal(halfLife), weight: decimal(weight) };
}

/**
 * A filter as JSON. The text is not repeated: it may hold names.
 * @throws RetrievalError `invalid_filter`.
 */
export function filterJson(text: string): JsonObject {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    throw notAFilter();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notAFilter();
  return value as JsonObject;
}

function notAFilter(): RetrievalError {
  return new RetrievalError(
    'invalid_filter',
    'The filter is not a JSON object; in a shell, put it in single quotes: --filter \'{"lang": "en"}\'',
    { field: 'filter' },
  );
}

/** The members that are given: exact optional properties have no room for `undefined`. */
export function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
