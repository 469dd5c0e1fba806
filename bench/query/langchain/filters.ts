/**
 * Filters of every kind of Plumbline's language, and each as the peers' own languages say it. Where
 * a peer has no way to say it, it is null.
 */
import type { FieldRef, Filter } from '../../../src/model.js';
import { FIELDS } from '../../load/corpus.js';

type PeerFilter = Readonly<Record<string, unknown>>;

export interface FilterCase {
  readonly name: string;
  readonly filter: Filter;
  readonly pgvector: PeerFilter | null;
  readonly opensearch: PeerFilter | null;
}

function field(name: keyof typeof FIELDS): FieldRef {
  return { name, type: FIELDS[name] };
}

const shelf = (value: string): Filter => ({ kind: 'compare', field: field('shelf'), operator: 'eq', value });
const year = (operator: 'gte' | 'lt', value: number): Filter => ({
  kind: 'compare',
  field: field('year'),
  operator,
  value,
});
const open = (value: boolean): Filter => ({ kind: 'compare', field: field('open'), operator: 'eq', value });
const tagged = (...values: readonly string[]): Filter => ({ kind: 'in', field: field('tags'), values });
const not = (filter: Filter): Filter => ({ kind: 'not', filter });

export const FILTERS: readonly FilterCase[] = [
  {
    name: 'eq, keyword',
    filter: shelf('shelf-3'),
    pgvector: { shelf: 'shelf-3' },
    opensearch: { shelf: 'shelf-3' },
  },
  {
    name: 'eq, number',
    filter: { kind: 'compare', field: field('year'), operator: 'eq', value: 2001 },
    pgvector: { year: 2001 },
    opensearch: { year: 2001 },
  },
  { name: 'eq, true', filter: open(true), pgvector: { open: true }, opensearch: { open: true } },
  { name: 'eq, false', filter: open(false), pgvector: { open: false }, opensearch: { open: false } },
  {
    name: 'eq, element of a list',
    filter: { kind: 'compare', field: field('tags'), operator: 'eq', value: 'tag-7' },
    pgvector: { tags: { arrayContains: ['tag-7'] } },
    opensearch: { tags: 'tag-7' },
  },
  {
    name: 'in, keyword',
    filter: { kind: 'in', field: field('shelf'), values: ['shelf-1', 'shelf-2', 'shelf-5'] },
    pgvector: { shelf: { in: ['shelf-1', 'shelf-2', 'shelf-5'] } },
    opensearch: { shelf: ['shelf-1', 'shelf-2', 'shelf-5'] },
  },
  {
    name: 'in, elements of a list',
    filter: tagged('tag-1', 'tag-2'),
    pgvector: { tags: { arrayContains: ['tag-1', 'tag-2'] } },
    opensearch: { tags: ['tag-1', 'tag-2'] },
  },
  {
    name: 'in, no value',
    filter: { kind: 'in', field: field('shelf'), values: [] },
    pgvector: { shelf: { in: [] } },
    opensearch: { shelf: [] },
  },
  {
    name: 'range, open',
    filter: year('gte', 2015),
    pgvector: { year: { gte: 2015 } },
    opensearch: { year: { gte: 2015 } },
  },
  {
    name: 'range, closed',
    filter: { kind: 'and', filters: [year('gte', 2000), year('lt', 2002)] },
    pgvector: { year: { gte: 2000, lt: 2002 } },
    opensearch: { year: { gte: 2000, lt: 2002 } },
  },
  {
    name: 'range, of strings',
    filter: { kind: 'compare', field: field('shelf'), operator: 'lt', value: 'shelf-2' },
    pgvector: { shelf: { lt: 'shelf-2' } },
    opensearch: { shelf: { lt: 'shelf-2' } },
  },
  {
    name: 'ne, keyword',
    filter: not(shelf('shelf-3')),
    pgvector: { shelf: { neq: 'shelf-3' } },
    opensearch: null,
  },
  {
    name: 'ne, where some have no value',
    filter: not(open(true)),
    pgvector: { open: { neq: true } },
    opensearch: null,
  },
  {
    name: 'nin, elements of a list that some have not',
    filter: not(tagged('tag-1', 'tag-2')),
    pgvector: { tags: { notIn: ['tag-1', 'tag-2'] } },
    opensearch: null,
  },
  {
    name: 'exists, not',
    filter: { kind: 'exists', field: field('open'), exists: false },
    pgvector: null,
    opensearch: { open: { exists: false } },
  },
  {
    name: 'and',
    filter: { kind: 'and', filters: [shelf('shelf-3'), year('gte', 2015), open(true)] },
    pgvector: { shelf: 'shelf-3', year: { gte: 2015 }, open: true },
    opensearch: { shelf: 'shelf-3', year: { gte: 2015 }, open: true },
  },
  {
    name: 'or',
    filter: { kind: 'or', filters: [shelf('shelf-3'), year('lt', 1992)] },
    pgvector: null,
    opensearch: null,
  },
  {
    name: 'not of and',
    filter: not({ kind: 'and', filters: [year('gte', 1995), open(true)] }),
    pgvector: null,
    opensearch: null,
  },
  {
    name: 'a value nobody has',
    filter: shelf('shelf-none'),
    pgvector: { shelf: 'shelf-none' },
    opensearch: { shelf: 'shelf-none' },
  },
];
