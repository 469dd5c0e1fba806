/**
 * The filter language of Knowledge Bases, as its documentation describes each operator. Where it
 * does not say what happens, the fake refuses: nothing may rest on a guess.
 */
import type { FilterAttribute, RetrievalFilter } from '@aws-sdk/client-bedrock-agent-runtime';
import { assertLength, refuse } from './validation.js';

export type Metadata = Readonly<Record<string, string | number | boolean | readonly string[]>>;

const OPERATORS = [
  'equals',
  'notEquals',
  'greaterThan',
  'greaterThanOrEquals',
  'lessThan',
  'lessThanOrEquals',
  'in',
  'notIn',
  'startsWith',
  'listContains',
  'stringContains',
] as const;
type Operator = (typeof OPERATORS)[number];

/** @throws Refused as a ValidationException for what AWS's model does not allow. */
export function matches(filter: RetrievalFilter, metadata: Metadata): boolean {
  const keys = Object.keys(filter);
  const [key] = keys;
  if (keys.length !== 1 || key === undefined) throw refuse('The filter must have exactly one member');
  if (key === 'andAll' || key === 'orAll') {
    const members = (key === 'andAll' ? filter.andAll : filter.orAll) ?? [];
    if (members.length < 2) throw refuse(`Filter '${key}' must have at least 2 members`);
    // All are looked at, so that a bad one is refused wherever it stands.
    const results = members.map((member) => matches(member, metadata));
    return key === 'andAll' ? results.every(Boolean) : results.some(Boolean);
  }
  const operator = OPERATORS.find((known) => known === key);
  if (operator === undefined) throw refuse(`Filter '${key}' is not known`);
  const attribute: FilterAttribute | undefined = filter[operator];
  assertLength('filter.key', attribute?.key, 1, 100);
  return holds(operator, attribute?.value, metadata[attribute?.key ?? '']);
}

function holds(operator: Operator, operand: unknown, value: Metadata[string] | undefined): boolean {
  switch (operator) {
    case 'equals':
      assertScalar(operand);
      return value !== undefined && isScalar(value, operator) && value === operand;
    case 'notEquals':
      assertScalar(operand);
      return value === undefined || (isScalar(value, operator) && value !== operand);
    case 'greaterThan':
    case 'greaterThanOrEquals':
    case 'lessThan':
    case 'lessThanOrEquals':
      return compares(operator, operand, value);
    case 'in':
    case 'notIn': {
      if (!isStrings(operand)) throw refuse(`Filter '${operator}' takes a list of strings`);
      if (value === undefined && operator === 'notIn')
        throw refuse("'notIn' is not documented for a missing key");
      if (value === undefined) return false;
      if (typeof value !== 'string') throw refuse(`Filter '${operator}' is for strings`);
      return operand.includes(value) === (operator === 'in');
    }
    case 'listContains':
      if (typeof operand !== 'string') throw refuse("Filter 'listContains' takes a string");
      return Array.isArray(value) && value.includes(operand);
    case 'startsWith':
    case 'stringContains':
      if (typeof operand !== 'string') throw refuse(`Filter '${operator}' takes a string`);
      return (
        typeof value === 'string' &&
        (operator === 'startsWith' ? value.startsWith(operand) : value.includes(operand))
      );
    default:
      return operator satisfies never;
  }
}

function compares(operator: Operator, operand: unknown, value: Metadata[string] | undefined): boolean {
  if (typeof operand !== 'number') throw refuse(`Filter '${operator}' takes a number`);
  if (value === undefined) return false;
  if (typeof value !== 'number') throw refuse(`Filter '${operator}' is for numbers`);
  switch (operator) {
    case 'greaterThan':
      return value > operand;
    case 'greaterThanOrEquals':
      return value >= operand;
    case 'lessThan':
      return value < operand;
    default:
      return value <= operand;
  }
}

function assertScalar(operand: unknown): void {
  if (['string', 'number', 'boolean'].includes(typeof operand)) return;
  throw refuse('The filter takes a string, a number or a boolean');
}

function isScalar(value: Metadata[string], operator: Operator): boolean {
  if (typeof value !== 'object') return true;
  throw refuse(`'${operator}' is not documented for a list`);
}

function isStrings(operand: unknown): operand is readonly string[] {
  return Array.isArray(operand) && operand.every((item) => typeof item === 'string');
}
