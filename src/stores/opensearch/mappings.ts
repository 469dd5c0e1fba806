/** The indexes' settings and mappings, which are files under `migrations/opensearch`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RetrievalError } from '../../errors.js';
import type { Metric, VectorIndex } from '../../model.js';
import { packageRoot } from '../../package-root.js';
import type { MappedField } from './fields.js';
import { fieldProperties } from './fields.js';

/** The newest mapping this code knows. */
export const MAPPING_VERSION = 2;

/** What builds and searches a collection's graph. */
export type VectorEngine = 'faiss' | 'lucene';

const SPACES = { cosine: 'cosinesimil', dot: 'innerproduct', l2: 'l2' } as const satisfies Record<
  Metric,
  string
>;

const indexSchema = z.looseObject({
  settings: z.looseObject({ index: z.looseObject({}) }),
  mappings: z.looseObject({ properties: z.record(z.string(), z.unknown()) }),
});

export function catalogIndex(): object {
  return read('0001_catalog.json');
}

/** What a catalog gets that was made before this mapping version. */
export function catalogMapping(): object {
  return z.looseObject({}).parse(readJson('0002_catalog.json'));
}

/** A generation's index: its one shard is what makes a refresh show a write as a whole. */
export function generationIndex(
  alias: string,
  vectors: {
    readonly dimensions: number;
    readonly metric: Metric;
    readonly index: VectorIndex;
    readonly engine: VectorEngine;
  },
  fields: readonly MappedField[],
): object {
  const { settings, mappings } = read('0001_generation.json');
  return {
    aliases: { [alias]: {} },
    settings: { ...settings, index: { ...settings.index, knn: vectors.index.kind === 'hnsw' } },
    mappings: {
      ...mappings,
      properties: {
        ...mappings.properties,
        ...fieldProperties(fields),
        embedding: {
          type: 'knn_vector',
          dimension: vectors.dimensions,
          ...(vectors.index.kind === 'hnsw'
            ? {
                space_type: SPACES[vectors.metric],
                ...(vectors.index.compression === undefined
                  ? {}
                  : { compression_level: vectors.index.compression }),
                ...(vectors.index.onDisk === true ? { mode: 'on_disk' } : {}),
                method: {
                  name: 'hnsw',
                  engine: vectors.engine,
                  parameters: { m: vectors.index.m, ef_construction: vectors.index.efConstruction },
                },
              }
            : {}),
        },
      },
    },
  };
}

const metaSchema = z.object({ plumbline: z.object({ mapping: z.number().int() }) });

/**
 * The mapping's version.
 * @throws RetrievalError `schema_too_new`; `store_error` for an index that Plumbline did not make
 */
export function assertKnownMapping(index: string, meta: unknown): number {
  const parsed = metaSchema.safeParse(meta);
  if (!parsed.success) {
    throw new RetrievalError(
      'store_error',
      `The index "${index}" is not one of Plumbline's; choose another prefix`,
    );
  }
  const found = parsed.data.plumbline.mapping;
  if (found <= MAPPING_VERSION) return found;
  throw new RetrievalError(
    'schema_too_new',
    `The index "${index}" has mapping version ${String(found)}; this Plumbline knows up to ${String(MAPPING_VERSION)}. Use a newer Plumbline`,
    { details: { found, known: MAPPING_VERSION } },
  );
}

function read(file: string): z.infer<typeof indexSchema> {
  return indexSchema.parse(readJson(file));
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(packageRoot, 'migrations', 'opensearch', file), 'utf8'));
}
