/** The contract of a store: every check, in the order in which they are run. */
import { approximateChecks } from './checks/approximate.js';
import { collectionChecks } from './checks/collections.js';
import { concurrencyChecks } from './checks/concurrency.js';
import { documentChecks } from './checks/documents.js';
import { filterChecks } from './checks/filters.js';
import { generationChecks, recordChecks } from './checks/generations.js';
import { legChecks } from './checks/legs.js';
import { partitionChecks } from './checks/partitions.js';
import { cancellingChecks, missingChecks } from './checks/refusals.js';
import { refusedWriteChecks } from './checks/refused-writes.js';
import { sizeChecks } from './checks/sizes.js';
import { concurrentStatisticsChecks, statisticsChecks } from './checks/statistics.js';
import type { CheckGroup } from './check.js';

/** How much of a thing the checks make that are about its size. */
export interface Sizes {
  readonly filters: number;
  readonly collections: number;
  readonly documentBytes: number;
}

/** What a record is made with. */
export const FULL_SIZES: Sizes = { filters: 2000, collections: 1000, documentBytes: 10 * 1_048_576 };

/** Each promise of the port has a check here; random filters, which take long, are apart. */
export function storeChecks(sizes: Omit<Sizes, 'filters'>): readonly CheckGroup[] {
  return [
    collectionChecks,
    documentChecks,
    refusedWriteChecks,
    missingChecks,
    cancellingChecks,
    ...legChecks,
    ...approximateChecks,
    partitionChecks,
    statisticsChecks,
    concurrentStatisticsChecks,
    concurrencyChecks,
    generationChecks,
    recordChecks,
    sizeChecks(sizes),
  ];
}

/** All of them. */
export function allChecks(sizes: Sizes): readonly CheckGroup[] {
  return [...storeChecks(sizes), filterChecks(sizes.filters)];
}
