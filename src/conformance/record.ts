/** What a run of the contract found on one server, to be kept. */
import { z } from 'zod';
import type { Context } from './check.js';
import type { Sizes } from './checks.js';
import { PIN, createIn, specOf, writeOf } from './fixtures.js';
import { createRandom } from './random.js';
import type { CheckResult } from './run.js';
import type { Inspection, Inspector, QueryPlans } from '../stores/inspection.js';

const resultSchema = z.object({
  group: z.string(),
  name: z.string(),
  result: z.enum(['passed', 'failed', 'not_supported']),
  message: z.string().nullable(),
  duration_ms: z.number(),
});

/** A record as it is written; read with this, so that an old one is not taken for a new one. */
export const recordSchema = z.object({
  record: z.literal(1),
  /** ISO 8601. */
  date: z.string(),
  plumbline: z.string(),
  node: z.string(),
  server: z.looseObject({ kind: z.string() }),
  sizes: z.object({ filters: z.number(), collections: z.number(), document_bytes: z.number() }),
  summary: z.object({
    passed: z.number(),
    failed: z.number(),
    not_supported: z.number(),
    duration_ms: z.number(),
  }),
  plans: z.object({ vector: z.array(z.string()), keyword: z.array(z.string()) }).nullable(),
  checks: z.array(resultSchema),
});

export type ConformanceRecord = z.infer<typeof recordSchema>;

export interface RecordParts {
  readonly date: Date;
  readonly plumbline: string;
  /** Of {@link describeServer}, as it is to be written. */
  readonly server: unknown;
  readonly sizes: Sizes;
  readonly plans: QueryPlans | null;
  readonly results: readonly CheckResult[];
}

export function recordOf({ date, plumbline, server, sizes, plans, results }: RecordParts): ConformanceRecord {
  const count = (wanted: CheckResult['result']): number =>
    results.filter(({ result }) => result === wanted).length;
  return recordSchema.parse({
    record: 1,
    date: date.toISOString(),
    plumbline,
    node: process.version,
    server,
    sizes: {
      filters: sizes.filters,
      collections: sizes.collections,
      document_bytes: sizes.documentBytes,
    },
    summary: {
      passed: count('passed'),
      failed: count('failed'),
      not_supported: count('not_supported'),
      duration_ms: results.reduce((sum, { durationMs }) => sum + durationMs, 0),
    },
    plans,
    checks: results.map(({ durationMs, ...rest }) => ({ ...rest, duration_ms: durationMs })),
  });
}

/** The part of an inspection that says what the checks ran on; what a user keeps there is left out. */
export function describeServer(inspection: Inspection): Readonly<Record<string, unknown>> {
  if (inspection.kind === 'memory') return { ...inspection };
  if (inspection.kind === 'oracle') {
    const { privileges: _, ...server } = inspection;
    return server;
  }
  const { indexes: _, ...server } = inspection;
  return server;
}

/** Enough for reading the whole table to cost a server more than its index. */
const CHUNKS = 6000;
const DIMENSIONS = 384;

/** Loads a collection with an index, and has the server say how it answers a query of it. */
export async function explainSample(
  context: Context,
  inspector: Inspector,
  signal: AbortSignal,
): Promise<QueryPlans | null> {
  const inspection = await inspector.inspect({ signal });
  // Only these have plans; loading is not worth it for others.
  if (inspection.kind !== 'postgresql' && inspection.kind !== 'pglite') return null;
  const random = createRandom(5);
  const store = context.store();
  const pin = { ...PIN, dimensions: DIMENSIONS };
  const index = { kind: 'hnsw', m: 8, efConstruction: 16, buildAfter: 100 } as const;
  const ref = await createIn(store, specOf({ name: context.newName(), pin, index }));
  const vectors = Array.from({ length: CHUNKS }, () => random.vector(DIMENSIONS));
  const texts = vectors.map((_, at) => `engine ${at % 60 === 0 ? 'part' : 'unit'} ${String(at)}`);
  await store.putDocuments(ref, pin, [writeOf('a', texts, { vectors })]);
  await store.finishLoad(ref);
  return inspector.plans(ref.collection, { text: 'part 17', vector: random.vector(DIMENSIONS) }, { signal });
}
