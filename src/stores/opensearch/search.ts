/** Searches of one generation's index. A search sees one state of it, the last that was refreshed. */
import { z } from 'zod';
import { RetrievalError } from '../../errors.js';
import type { CallOptions } from '../port.js';
import type { Connection } from './connection.js';
import { FaultError, faultOf } from './errors.js';

export type Query = Readonly<Record<string, unknown>>;

/** A search's body, as OpenSearch takes it. */
export type SearchBody = Readonly<Record<string, unknown>>;

const hitSchema = z.object({
  _id: z.string().optional(),
  _score: z.number().nullish(),
  _seq_no: z.number().optional(),
  _primary_term: z.number().optional(),
  _source: z.record(z.string(), z.unknown()).optional(),
  fields: z.record(z.string(), z.array(z.unknown())).optional(),
});

const searchSchema = z.object({
  hits: z.object({
    total: z.object({ value: z.number().int() }).optional(),
    hits: z.array(hitSchema),
  }),
  aggregations: z.unknown().optional(),
});

const multiSchema = z.object({
  responses: z.array(z.union([searchSchema, z.object({ status: z.number(), error: z.unknown() })])),
});

export type Hit = z.infer<typeof hitSchema>;

export interface SearchAnswer {
  readonly hits: readonly Hit[];
  /** How many match, counted to the end. */
  readonly total: number;
  readonly aggregations: unknown;
}

export interface Searcher {
  search(index: string, body: SearchBody, options?: CallOptions): Promise<SearchAnswer>;
  /** Several in one request. Each sees a state of its own. */
  searchAll(
    index: string,
    bodies: readonly SearchBody[],
    options?: CallOptions,
  ): Promise<readonly SearchAnswer[]>;
}

/**
 * @param preference which copy of the index is asked: the same one by all of this process, so that a
 *   chunk's score is computed by one machine, and another one by other processes
 */
export function createSearcher(connection: Connection, preference: string): Searcher {
  // An answer out of some of the shards would be a wrong one.
  const parameters = { preference, allow_partial_search_results: false };
  return {
    async search(index, body, options) {
      const answer = await connection.send(
        { method: 'POST', path: `/${index}/_search`, query: parameters, body },
        options,
      );
      return toAnswer(parse(searchSchema, answer.body));
    },

    async searchAll(index, bodies, options = {}) {
      const header = JSON.stringify({ index, ...parameters });
      const lines = bodies.map((body) => `${header}\n${JSON.stringify(body)}\n`).join('');
      return connection.retried(async () => {
        const body = await connection.once({ method: 'POST', path: '/_msearch', lines }, options);
        return parse(multiSchema, body).responses.map((response) => {
          if ('error' in response) throw new FaultError(faultOf(response.status, response));
          return toAnswer(response);
        });
      }, options);
    },
  };
}

function toAnswer({ hits, aggregations }: z.infer<typeof searchSchema>): SearchAnswer {
  return { hits: hits.hits, total: hits.total?.value ?? hits.hits.length, aggregations };
}

/** @throws RetrievalError `store_invalid_response` */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RetrievalError(
    'store_invalid_response',
    `OpenSearch gave back something else than was written: ${issue?.path.join('.') ?? ''} ${issue?.code ?? ''}`,
  );
}

// Made once: some are asked a thousand times an answer, and making one costs more than asking it.
const textSchema = z.string();
const integerSchema = z.number().int();

/** The first value of a field that was asked for by `docvalue_fields`. */
export function text(hit: Hit, field: string): string {
  return parse(textSchema, hit.fields?.[field]?.[0]);
}

export function integer(hit: Hit, field: string): number {
  return parse(integerSchema, hit.fields?.[field]?.[0]);
}

/** Its id, which `columnsOnly` leaves out. */
export function idOf(hit: Hit): string {
  return parse(textSchema, hit._id);
}

/** A field of the document's source. */
export function stored(hit: Hit, field: string): string {
  return parse(textSchema, hit._source?.[field]);
}

export function both(...queries: readonly Query[]): Query {
  return { bool: { filter: queries } };
}

export const ofKind = (...kinds: readonly string[]): Query => ({ terms: { kind: kinds } });

/** No source and no ids: nothing is read but what stands in columns. */
export const columnsOnly = (...fields: readonly string[]): SearchBody => ({
  _source: false,
  stored_fields: '_none_',
  docvalue_fields: fields,
});
