/** A collection's own records. */
import type { RecordStore, StoredRecord } from '../generations-port.js';
import { deepFreeze } from './freeze.js';
import type { MemoryParts } from './generations.js';

export function createMemoryRecords({ step, find }: MemoryParts): RecordStore {
  return {
    append: (collection, kind, value, options) =>
      step(options, () => {
        const held = find(collection);
        const record = deepFreeze<StoredRecord>({
          id: held.nextRecord,
          kind,
          at: new Date().toISOString(),
          value: structuredClone(value),
        });
        held.nextRecord += 1;
        held.records.push(record);
        return record;
      }),
    list: (collection, { kinds, limit, before = Infinity }, options) =>
      step(options, () =>
        find(collection)
          .records.filter(({ id, kind }) => id < before && kinds.includes(kind))
          .reverse()
          .slice(0, limit),
      ),
    remove: (collection, ids, options) =>
      step(options, () => {
        const { records } = find(collection);
        const gone = new Set(ids);
        const kept = records.filter(({ id }) => !gone.has(id));
        const removed = records.length - kept.length;
        records.splice(0, records.length, ...kept);
        return removed;
      }),
  };
}
