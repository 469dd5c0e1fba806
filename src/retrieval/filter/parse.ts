/**
 * The filter language: what users write → {@link Filter}. Parsed once, here; every store compiles
 * the result. Nothing is dropped: what is not understood is refused with its path.
 */
import { RetrievalError } from '../../errors.js';
import type { CompareOperator, FieldRef, Fields, Filter, Scalar } from '../../model.js';
import { scalarTypeOf, scalarHint, toScalar } from '../../metadata/values.js';

const MAX_DEPTH = 32;
const MAX_LIST = 10_000;
const MAX_NODES = 50_000;
/** Of names and strings, in UTF-16 code units. */
const MAX_CHARACTERS = 1_048_576;
/** A name in a path is shown this far: paths are for people, and a name may be a megabyte. */
const SHOWN_NAME = 100;

const OPERATORS = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists', '$not'] as const;
const COMBINERS = ['$and', '$or', '$not'] as const;

const ALL: Filter = { kind: 'all' };

interface Budget {
  nodes: number;
  characters: number;
}

/**
 * Parses a filter against a collection's fields.
 * @param input JSON, `{}` for everything
 * @throws RetrievalError `invalid_filter` or `unknown_field`, with `field` as `filter.dept.$in[3]`
 */
export function parseFilter(input: unknown, fields: Fields): Filter {
  return parseObject(input, fields, 'filter', 1, { nodes: 0, characters: 0 });
}

function parseObject(input: unknown, fields: Fields, path: string, depth: number, budget: Budget): Filter {
  if (depth > MAX_DEPTH) throw invalid(path, `is nested deeper than ${String(MAX_DEPTH)}`);
  if (!isObject(input))
    throw invalid(path, `must be an object, such as {"dept": "Legal"}; it is ${typeName(input)}`);
  spend(budget, path, 0);
  const parts = Object.entries(input).map(([key, value]) => {
    spend(budget, path, key.length);
    const inner = `${path}.${shown(key)}`;
    return key.startsWith('$')
      ? parseCombiner(key, value, fields, inner, depth, budget)
      : parseField(key, value, fields, inner, depth, budget);
  });
  return conjunction(parts);
}

function parseCombiner(
  key: string,
  value: unknown,
  fields: Fields,
  path: string,
  depth: number,
  budget: Budget,
): Filter {
  const combiner = COMBINERS.find((name) => name === key);
  switch (combiner) {
    case '$and':
      return conjunction(parseList(value, fields, path, depth, budget));
    case '$or':
      return { kind: 'or', filters: parseList(value, fields, path, depth, budget) };
    case '$not':
      return { kind: 'not', filter: parseObject(value, fields, path, depth + 1, budget) };
    case undefined:
      throw invalid(
        path,
        OPERATORS.some((name) => name === key)
          ? `stands where a field belongs; write {"field": {"${key}": …}}`
          : `is no operator; known here are ${COMBINERS.join(', ')}`,
      );
    default:
      return combiner satisfies never;
  }
}

function parseList(
  value: unknown,
  fields: Fields,
  path: string,
  depth: number,
  budget: Budget,
): readonly Filter[] {
  if (!Array.isArray(value)) throw invalid(path, `must be a list of filters; it is ${typeName(value)}`);
  if (value.length === 0) throw invalid(path, 'must hold at least one filter');
  if (value.length > MAX_LIST) throw invalid(path, `has more than ${String(MAX_LIST)} filters`);
  return value.map((item: unknown, index) =>
    parseObject(item, fields, `${path}[${String(index)}]`, depth + 1, budget),
  );
}

function parseField(
  name: string,
  value: unknown,
  fields: Fields,
  path: string,
  depth: number,
  budget: Budget,
): Filter {
  const type = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (type === undefined) {
    const known = Object.keys(fields).sort();
    throw new RetrievalError(
      'unknown_field',
      `${path}: the collection has no such field. Known fields: ${known.slice(0, 50).join(', ') || 'none'}`,
      { field: path, details: { known } },
    );
  }
  return parseConditions({ name, type }, value, path, depth, budget);
}

function parseConditions(
  field: FieldRef,
  value: unknown,
  path: string,
  depth: number,
  budget: Budget,
): Filter {
  if (depth > MAX_DEPTH) throw invalid(path, `is nested deeper than ${String(MAX_DEPTH)}`);
  if (Array.isArray(value)) {
    throw invalid(path, 'is a list; write {"$in": […]} for any of these values');
  }
  if (!isObject(value)) return equals(field, value, path, budget);
  const entries = Object.entries(value);
  if (entries.length === 0) throw invalid(path, `holds no operator; known are ${OPERATORS.join(', ')}`);
  return conjunction(
    entries.map(([key, operand]) =>
      parseOperator(field, key, operand, `${path}.${shown(key)}`, depth, budget),
    ),
  );
}

function parseOperator(
  field: FieldRef,
  key: string,
  operand: unknown,
  path: string,
  depth: number,
  budget: Budget,
): Filter {
  spend(budget, path, 0);
  const operator = OPERATORS.find((name) => name === key);
  switch (operator) {
    case '$eq':
      return equals(field, operand, path, budget);
    case '$ne':
      return { kind: 'not', filter: equals(field, operand, path, budget) };
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return compare(field, operator, operand, path, budget);
    case '$in':
      return oneOf(field, operand, path, budget);
    case '$nin':
      return { kind: 'not', filter: oneOf(field, operand, path, budget) };
    case '$exists':
      if (typeof operand !== 'boolean')
        throw invalid(path, `must be true or false; it is ${typeName(operand)}`);
      return { kind: 'exists', field, exists: operand };
    case '$not':
      return { kind: 'not', filter: parseConditions(field, operand, path, depth + 1, budget) };
    case undefined:
      throw invalid(path, `is no operator; known are ${OPERATORS.join(', ')}`);
    default:
      return operator satisfies never;
  }
}

function equals(field: FieldRef, operand: unknown, path: string, budget: Budget): Filter {
  if (operand === null) return { kind: 'exists', field, exists: false };
  return { kind: 'compare', field, operator: 'eq', value: scalar(field, operand, path, budget) };
}

function compare(
  field: FieldRef,
  operator: '$gt' | '$gte' | '$lt' | '$lte',
  operand: unknown,
  path: string,
  budget: Budget,
): Filter {
  if (scalarTypeOf(field.type) === 'boolean') {
    throw invalid(path, `cannot order the boolean field "${shown(field.name)}"; use $eq or $ne`);
  }
  const names = { $gt: 'gt', $gte: 'gte', $lt: 'lt', $lte: 'lte' } as const satisfies Record<
    string,
    CompareOperator
  >;
  return { kind: 'compare', field, operator: names[operator], value: scalar(field, operand, path, budget) };
}

function oneOf(field: FieldRef, operand: unknown, path: string, budget: Budget): Filter {
  if (!Array.isArray(operand)) throw invalid(path, `must be a list of values; it is ${typeName(operand)}`);
  if (operand.length > MAX_LIST) throw invalid(path, `has more than ${String(MAX_LIST)} values`);
  const values = operand.map((item: unknown, index) =>
    scalar(field, item, `${path}[${String(index)}]`, budget),
  );
  return { kind: 'in', field, values };
}

function scalar(field: FieldRef, operand: unknown, path: string, budget: Budget): Scalar {
  spend(budget, path, typeof operand === 'string' ? operand.length : 8);
  if (operand === null) {
    throw invalid(
      path,
      'is null, which has no order and no place in a list; for an absent field write {"$exists": false}',
    );
  }
  const type = scalarTypeOf(field.type);
  const value = toScalar(operand, type);
  if (value === null) {
    throw invalid(
      path,
      `is not a ${type}, as field "${shown(field.name)}" is; it is ${typeName(operand)}${scalarHint(operand, type)}`,
    );
  }
  return value;
}

function conjunction(parts: readonly Filter[]): Filter {
  const real = parts.filter((part) => part.kind !== 'all');
  const [only] = real;
  if (only === undefined) return ALL;
  return real.length === 1 ? only : { kind: 'and', filters: real };
}

function spend(budget: Budget, path: string, characters: number): void {
  budget.nodes += 1;
  budget.characters += characters;
  if (budget.nodes > MAX_NODES || budget.characters > MAX_CHARACTERS) {
    throw invalid(
      path,
      'makes the filter too large; the limits are 50,000 names and values, and 1,048,576 characters',
    );
  }
}

/** A plain object; a `Date` or a `Map` has no keys and would read as a filter that matches all. */
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A name as it stands in a path: short, and well-formed. */
function shown(name: string): string {
  return (name.length > SHOWN_NAME ? `${name.slice(0, SHOWN_NAME)}…` : name).toWellFormed();
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function invalid(path: string, problem: string): RetrievalError {
  return new RetrievalError('invalid_filter', `${path} ${problem}`, { field: path });
}
