/** The options that describe a collection's approximate index. */
import { Option, type Command } from 'commander';
import type { NewPartitions, NewVectorIndex } from '../catalog/types.js';
import { RetrievalError } from '../errors.js';
import type { Compression, Partitions, VectorIndex } from '../model.js';
import { integer } from './options.js';

const DEFAULT_BUILD_AFTER = 20_000;

export interface IndexOptions {
  readonly index?: VectorIndex['kind'];
  readonly hnswM?: number;
  readonly hnswEfConstruction?: number;
  readonly hnswCompression?: Compression;
  readonly hnswOnDisk?: true;
  readonly partitionField?: string;
  readonly partitionCount?: number;
  readonly partitionBy?: Partitions['by'];
  readonly ivfflatLists?: number;
  readonly buildAfter?: number;
}

export function addIndexOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--index <kind>',
        "the approximate index (default: the store's own, hnsw but for Oracle)",
      ).choices(['hnsw', 'ivfflat', 'none']),
    )
    .option('--hnsw-m <n>', 'links of a node (default: 16)', integer(2))
    .option(
      '--hnsw-ef-construction <n>',
      'breadth of the build (default: 128, on OpenSearch 512)',
      integer(4),
    )
    .addOption(
      new Option(
        '--hnsw-compression <level>',
        "how much smaller the graph's vectors are, on OpenSearch (default: not at all)",
      ).choices(['2x', '4x', '8x', '16x', '32x']),
    )
    .option('--hnsw-on-disk', 'with a compression: whole vectors are read from disk, on OpenSearch')
    .option(
      '--partition-field <name>',
      'a graph for each part of the values of this field, on PGlite and PostgreSQL (default: one graph)',
    )
    .option('--partition-count <n>', 'with --partition-field: how many parts', integer(1))
    .addOption(
      new Option(
        '--partition-by <unit>',
        'with --partition-field: for a date, month or year (default: value)',
      ).choices(['value', 'month', 'year']),
    )
    .option('--ivfflat-lists <n>', 'lists (default: by the number of chunks)', integer(1))
    .option('--build-after <n>', 'chunks from which on there is an index (default: 20000)', integer(0));
}

/**
 * The index that the options describe; undefined leaves the choice to the catalog.
 * @throws RetrievalError `invalid_request` for settings of an index that was not chosen.
 */
export function indexOf(options: IndexOptions): NewVectorIndex | undefined {
  const { hnswM, hnswEfConstruction, hnswCompression, hnswOnDisk, ivfflatLists, buildAfter } = options;
  const partitions = partitionsOf(options);
  const needs = (
    kind: VectorIndex['kind'],
    option: string,
    value: number | string | true | undefined,
  ): void => {
    if (value === undefined || (options.index ?? 'hnsw') === kind) return;
    throw new RetrievalError('invalid_request', `${option} is for --index ${kind}`, { field: 'index' });
  };
  needs('hnsw', '--hnsw-m', hnswM);
  needs('hnsw', '--hnsw-ef-construction', hnswEfConstruction);
  needs('hnsw', '--hnsw-compression', hnswCompression);
  needs('hnsw', '--hnsw-on-disk', hnswOnDisk);
  needs('hnsw', '--partition-field', partitions?.field);
  needs('ivfflat', '--ivfflat-lists', ivfflatLists);
  // What names a setting of HNSW names HNSW; anything else is not guessed, for stores differ in their default.
  const isHnsw = [hnswM, hnswEfConstruction, hnswCompression, hnswOnDisk, partitions].some(
    (given) => given !== undefined,
  );
  const kind = options.index ?? (isHnsw ? 'hnsw' : undefined);
  switch (kind) {
    case undefined:
      if (buildAfter !== undefined) {
        throw new RetrievalError('invalid_request', '--build-after needs the --index that it is for', {
          field: 'index',
        });
      }
      return undefined;
    case 'hnsw':
      return {
        kind: 'hnsw',
        m: hnswM ?? 16,
        ...(hnswEfConstruction === undefined ? {} : { efConstruction: hnswEfConstruction }),
        buildAfter: buildAfter ?? DEFAULT_BUILD_AFTER,
        ...(hnswCompression === undefined ? {} : { compression: hnswCompression }),
        ...(hnswOnDisk === undefined ? {} : { onDisk: hnswOnDisk }),
        ...(partitions === undefined ? {} : { partitions }),
      };
    case 'ivfflat':
      return {
        kind: 'ivfflat',
        lists: ivfflatLists ?? 'auto',
        buildAfter: buildAfter ?? DEFAULT_BUILD_AFTER,
      };
    case 'none':
      if (buildAfter !== undefined) {
        throw new RetrievalError('invalid_request', '--build-after is for an --index', { field: 'index' });
      }
      return { kind: 'none' };
    default:
      return kind satisfies never;
  }
}

function partitionsOf({
  partitionField: field,
  partitionCount: count,
  partitionBy: by,
}: IndexOptions): NewPartitions | undefined {
  const given = [field, count, by].some((value) => value !== undefined);
  if (!given) return undefined;
  const missing = field === undefined ? '--partition-field' : '--partition-count';
  if (field === undefined || count === undefined) {
    throw new RetrievalError('invalid_request', `Partitions need ${missing}, too`, { field: 'index' });
  }
  return { field, count, ...(by === undefined ? {} : { by }) };
}
