/** The options that describe a collection's approximate index. */
import { Option, type Command } from 'commander';
import { RetrievalError } from '../errors.js';
import type { VectorIndex } from '../model.js';
import { integer } from './options.js';

const DEFAULT_BUILD_AFTER = 20_000;

export interface IndexOptions {
  readonly index?: VectorIndex['kind'];
  readonly hnswM?: number;
  readonly hnswEfConstruction?: number;
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
    .option('--hnsw-ef-construction <n>', 'breadth of the build (default: 128)', integer(4))
    .option('--ivfflat-lists <n>', 'lists (default: by the number of chunks)', integer(1))
    .option('--build-after <n>', 'chunks from which on there is an index (default: 20000)', integer(0));
}

/**
 * The index that the options describe; undefined leaves the choice to the catalog.
 * @throws RetrievalError `invalid_request` for settings of an index that was not chosen.
 */
export function indexOf(options: IndexOptions): VectorIndex | undefined {
  const { hnswM, hnswEfConstruction, ivfflatLists, buildAfter } = options;
  const needs = (kind: VectorIndex['kind'], option: string, value: number | undefined): void => {
    if (value === undefined || (options.index ?? 'hnsw') === kind) return;
    throw new RetrievalError('invalid_request', `${option} is for --index ${kind}`, { field: 'index' });
  };
  needs('hnsw', '--hnsw-m', hnswM);
  needs('hnsw', '--hnsw-ef-construction', hnswEfConstruction);
  needs('ivfflat', '--ivfflat-lists', ivfflatLists);
  // What names a setting of HNSW names HNSW; anything else is not guessed, for stores differ in their default.
  const isHnsw = hnswM !== undefined || hnswEfConstruction !== undefined;
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
        efConstruction: hnswEfConstruction ?? 128,
        buildAfter: buildAfter ?? DEFAULT_BUILD_AFTER,
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
