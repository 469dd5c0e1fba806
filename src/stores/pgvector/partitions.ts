/**
 * In which partition a document's vectors are, and in which ones a filter can find any. Pure.
 *
 * A value has a unit: a month, a year, a whole number itself, or a number made of the value by
 * hashing. Units are dealt out to partitions one after another, so neighbours are never in one. A filter is followed
 * through both of its outcomes, as ranges of units: what `not` lets through is what the filter under
 * it can be false on, and that is not simply the rest, for a partition holds other values as well.
 */
import { createHash } from 'node:crypto';
import type { CompareOperator, FieldValues, Filter, Partitions, Scalar, VectorIndex } from '../../model.js';

/** The partitions of an index; null where it is in one piece. */
export function partitionsOf(index: VectorIndex): Partitions | null {
  return index.kind === 'hnsw' ? (index.partitions ?? null) : null;
}

/** Numbers of all partitions. The last one is for documents without the field. */
export function allBuckets({ count }: Partitions): readonly number[] {
  return Array.from({ length: count + 1 }, (_, bucket) => bucket);
}

/** The partition of a document with these values. */
export function bucketOf(values: FieldValues, partitions: Partitions): number {
  const value = Object.hasOwn(values, partitions.field) ? values[partitions.field] : undefined;
  if (value === undefined) return partitions.count;
  if (typeof value === 'object') throw new TypeError('a list has no partition');
  return modulo(unitOf(value, partitions), partitions.count);
}

/** The partitions that can hold what matches, ascending; null for all of them. */
export function bucketsOf(filter: Filter, partitions: Partitions): readonly number[] | null {
  const { ranges, missing } = outcomesOf(filter, partitions).match;
  const buckets = new Set<number>();
  for (const [from, to] of ranges) {
    // As many units as there are partitions are in all of them.
    const isWhole = to - from + 1 >= partitions.count;
    const [first, last] = isWhole ? [0, partitions.count - 1] : [from, to];
    for (let unit = first; unit <= last; unit += 1) buckets.add(modulo(unit, partitions.count));
    if (buckets.size === partitions.count) break;
  }
  if (missing) buckets.add(partitions.count);
  return buckets.size > partitions.count ? null : [...buckets].sort((a, b) => a - b);
}

/** The latest instant that JavaScript has a date for; the earliest is as far away. */
const LAST_INSTANT = 8.64e15;

/** @returns a whole number, which for dates never falls as the date goes on */
function unitOf(value: Scalar, { by, count }: Partitions): number {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string') return hash(value) % count;
  // Years and numbers of tenants come one after another.
  if (by === 'value') return Number.isInteger(value) ? modulo(value, count) : hash(String(value)) % count;
  const date = new Date(Math.min(LAST_INSTANT, Math.max(-LAST_INSTANT, Math.floor(value))));
  return by === 'year' ? date.getUTCFullYear() : date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** The same for what the database takes for equal: texts of the same UTF-8. */
function hash(text: string): number {
  return createHash('sha256').update(text, 'utf8').digest().readUInt32BE();
}

function modulo(unit: number, count: number): number {
  return ((unit % count) + count) % count;
}

/** From one unit to another, both included. */
type Range = readonly [from: number, to: number];

/** A set of documents by what they have in the field. */
interface Units {
  /** Ascending, none touching another. */
  readonly ranges: readonly Range[];
  /** Whether those without the field belong to it. */
  readonly missing: boolean;
}

/** The documents on which a filter can be true, and those on which it can be false. */
interface Outcomes {
  readonly match: Units;
  readonly miss: Units;
}

const NONE: Units = { ranges: [], missing: false };
const MISSING: Units = { ranges: [], missing: true };
const ANY: Units = { ranges: [[-Infinity, Infinity]], missing: true };
const PRESENT: Units = { ranges: ANY.ranges, missing: false };
/** Nothing is known. */
const EITHER: Outcomes = { match: ANY, miss: ANY };

function outcomesOf(filter: Filter, partitions: Partitions): Outcomes {
  switch (filter.kind) {
    case 'all':
      return { match: ANY, miss: NONE };
    case 'none':
      return { match: NONE, miss: ANY };
    case 'and': {
      const parts = filter.filters.map((part) => outcomesOf(part, partitions));
      return {
        match: parts.reduce((both, { match }) => intersection(both, match), ANY),
        miss: union(parts.map(({ miss }) => miss)),
      };
    }
    case 'or': {
      const parts = filter.filters.map((part) => outcomesOf(part, partitions));
      return {
        match: union(parts.map(({ match }) => match)),
        miss: parts.reduce((both, { miss }) => intersection(both, miss), ANY),
      };
    }
    case 'not': {
      const { match, miss } = outcomesOf(filter.filter, partitions);
      return { match: miss, miss: match };
    }
    case 'compare':
      if (filter.field.name !== partitions.field) return EITHER;
      return filter.operator === 'eq'
        ? oneOf([filter.value], partitions)
        : ordered(filter.operator, filter.value, partitions);
    case 'in':
      return filter.field.name === partitions.field ? oneOf(filter.values, partitions) : EITHER;
    case 'exists': {
      if (filter.field.name !== partitions.field) return EITHER;
      return filter.exists ? { match: PRESENT, miss: MISSING } : { match: MISSING, miss: PRESENT };
    }
    default:
      return filter satisfies never;
  }
}

function oneOf(values: readonly Scalar[], partitions: Partitions): Outcomes {
  if (values.length === 0) return { match: NONE, miss: ANY };
  const units = new Set<number>();
  for (const value of values) {
    if (typeof value === 'number' && !Number.isFinite(value)) return EITHER;
    units.add(unitOf(value, partitions));
    // By value there are no more than these.
    if (partitions.by === 'value' && units.size === partitions.count) break;
  }
  const match = union([{ ranges: [...units].map((unit) => [unit, unit]), missing: false }]);
  // Other values share a unit, but for booleans: there what is not one is the other.
  if (!values.every((value) => typeof value === 'boolean')) return { match, miss: ANY };
  const others = [0, 1].filter((unit) => !units.has(unit));
  return { match, miss: union([MISSING, { ranges: others.map((unit) => [unit, unit]), missing: false }]) };
}

function ordered(operator: Exclude<CompareOperator, 'eq'>, value: Scalar, partitions: Partitions): Outcomes {
  if (partitions.by === 'value' || typeof value !== 'number' || !Number.isFinite(value)) {
    return { match: PRESENT, miss: ANY };
  }
  const at = unitOf(value, partitions);
  // Of what comes before the first moment of a month, nothing is in that month.
  const before = unitOf(Math.ceil(value) - 1, partitions);
  const from = (unit: number, missing: boolean): Units => ({ ranges: [[unit, Infinity]], missing });
  const to = (unit: number, missing: boolean): Units => ({ ranges: [[-Infinity, unit]], missing });
  switch (operator) {
    case 'gt':
      return { match: from(at, false), miss: to(at, true) };
    case 'gte':
      return { match: from(at, false), miss: to(before, true) };
    case 'lt':
      return { match: to(before, false), miss: from(at, true) };
    case 'lte':
      return { match: to(at, false), miss: from(at, true) };
    default:
      return operator satisfies never;
  }
}

function union(sets: readonly Units[]): Units {
  const sorted = sets.flatMap(({ ranges }) => ranges).sort(([a], [b]) => (a === b ? 0 : a < b ? -1 : 1));
  const ranges: Range[] = [];
  for (const [from, to] of sorted) {
    const last = ranges.at(-1);
    if (last === undefined || from > last[1] + 1) ranges.push([from, to]);
    else if (to > last[1]) ranges[ranges.length - 1] = [last[0], to];
  }
  return { ranges, missing: sets.some(({ missing }) => missing) };
}

function intersection(a: Units, b: Units): Units {
  const ranges: Range[] = [];
  const left = a.ranges.values();
  const right = b.ranges.values();
  let one = left.next().value;
  let other = right.next().value;
  while (one !== undefined && other !== undefined) {
    const from = Math.max(one[0], other[0]);
    const to = Math.min(one[1], other[1]);
    if (from <= to) ranges.push([from, to]);
    if (one[1] < other[1]) one = left.next().value;
    else other = right.next().value;
  }
  return { ranges, missing: a.missing && b.missing };
}
