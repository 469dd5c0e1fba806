/** What one measurement leaves behind, as JSON: enough to repeat, compare and draw it. Names are the wire's. */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { RetrievalError } from '../src/errors.js';
import { MODES } from '../src/retrieval/schema.js';
import { firstIssue } from './corpus.js';

/** Raised when a reader of old records would misread new ones. */
const FORMAT = 1;

const count = z.number().int().min(0);
const milliseconds = z.number().min(0);
const json = z.record(z.string(), z.json());

const measuresSchema = z.object({
  'ndcg@10': z.number(),
  'recall@10': z.number(),
  'recall@100': z.number(),
  'mrr@10': z.number(),
  map: z.number(),
});

const intervalSchema = z.tuple([z.number(), z.number()]);

/** Times of one query. `total` is the service's own, `wall` what its caller waited. */
const timesSchema = z.object({
  embed: milliseconds,
  legs: milliseconds,
  complete: milliseconds,
  total: milliseconds,
  wall: milliseconds,
});

const percentilesSchema = z.object({ p50: milliseconds, p95: milliseconds });

const queryRecordSchema = z.object({
  id: z.string(),
  /** As it was asked; its beginning, where it is long. */
  text: z.string().optional(),
  metrics: measuresSchema,
  relevant: count.meta({ description: 'Relevant documents by the judgements' }),
  retrieved: count,
  /** Null when it was not asked, or refused. */
  took_ms: timesSchema.nullable(),
  /** The first ten, in trec_eval's order; relevance is null without a judgement. */
  hits: z.array(
    z.object({
      id: z.string(),
      score: z.number(),
      relevance: z.number().int().nullable(),
      title: z.string().optional(),
    }),
  ),
  /** Why there is no answer. */
  failed: z.string().optional(),
});

const evalRecordSchema = z.object({
  format: z.literal(FORMAT),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime(),
  data_set: z.object({
    name: z.string(),
    split: z.string(),
    hash: z.string().meta({ description: "SHA-256 of the split's judgements and their queries" }),
    corpus_hash: z.string().nullable(),
    queries: count.meta({ description: 'Judged queries: what every mean divides by' }),
    judgements: count,
    documents: count.nullable(),
    warnings: z.array(z.string()),
  }),
  /** Equal to trec_eval -c on the run file. */
  metrics: measuresSchema,
  /** 95 % bootstrap interval of each mean, over queries. */
  intervals: z.object({
    'ndcg@10': intervalSchema,
    'recall@10': intervalSchema,
    'recall@100': intervalSchema,
    'mrr@10': intervalSchema,
    map: intervalSchema,
  }),
  latency_ms: z.object({
    embed: percentilesSchema,
    legs: percentilesSchema,
    complete: percentilesSchema,
    total: percentilesSchema,
    wall: percentilesSchema,
  }),
  settings: z.object({
    collection: z.string(),
    embedder: z.string(),
    language: z.string(),
    metric: z.string(),
    index: json,
    chunker: json,
    mode: z.enum(MODES),
    query: json.meta({ description: 'The request of every query, but its text' }),
    depth: count.meta({ description: 'Documents kept per query' }),
    ignore_identical_ids: z.boolean(),
    warm_up: count,
  }),
  model_version: z.string(),
  pin: json,
  generation: count,
  store: z.string(),
  collection: z.object({ documents: count, chunks: count }),
  /** Null when an existing collection was measured as it was. */
  ingest: z
    .object({
      added: count,
      changed: count,
      unchanged: count,
      removed: count,
      failed: z.array(z.object({ name: z.string(), code: z.string() })),
      chunks: count,
      embedded: count,
      elapsed_ms: milliseconds,
    })
    .nullable(),
  queries_elapsed_ms: milliseconds,
  /** Queries that got fewer documents than `depth` although the collection holds more. */
  underfilled: count,
  /** Mean recall at k = 1, 2, … depth. */
  recall_curve: z.array(z.number()),
  /** Hits by score: bin i lies between edges i and i + 1. */
  scores: z.object({ edges: z.array(z.number()), relevant: z.array(count), other: z.array(count) }),
  per_query: z.array(queryRecordSchema),
  version: z.string().meta({ description: "Plumbline's version" }),
  commit: z
    .object({ hash: z.string(), dirty: z.boolean() })
    .nullable()
    .meta({ description: 'Null outside a checkout' }),
});

export type EvalRecord = z.output<typeof evalRecordSchema>;
export type QueryRecord = z.output<typeof queryRecordSchema>;
export type QueryTimes = z.output<typeof timesSchema>;

export const STAGES = [
  'embed',
  'legs',
  'complete',
  'total',
  'wall',
] as const satisfies readonly (keyof QueryTimes)[];
export const RECORD_FORMAT = FORMAT;

/**
 * Reads a record that an evaluation wrote.
 * @throws RetrievalError `invalid_request` when it cannot be read or is not such a record.
 */
export async function readRecord(path: string): Promise<EvalRecord> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new RetrievalError('invalid_request', `${path} cannot be read as JSON`, {
      field: path,
      cause: error,
    });
  }
  const parsed = evalRecordSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new RetrievalError(
    'invalid_request',
    `${path} is not the JSON of an evaluation (${firstIssue(parsed.error)}); make one with "plumbline eval DIR --json FILE"`,
    { field: path },
  );
}

/** The record without questions and titles, which may be private. */
export function withoutTexts(record: EvalRecord): EvalRecord {
  return {
    ...record,
    per_query: record.per_query.map(({ text: _text, ...query }) => ({
      ...query,
      hits: query.hits.map(({ title: _title, ...hit }) => hit),
    })),
  };
}

/** Writes JSON that ends in a newline, as editors and diffs expect. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
