/** Changing a collection's record by compare and set, and ending what others began with its generations. */
import { noCollection } from '../refusals.js';
import type { CallOptions } from '../port.js';
import { abandonedIn, readRecord, without, withStage } from './collection-record.js';
import type { CollectionRecord } from './collection-record.js';
import { contended } from './reservations.js';
import type { Entries } from './reservations.js';

/**
 * The record as it is to be; null where nothing is to be changed.
 * @param wasSent an attempt whose answer was lost may have come through: what is there may be its own
 */
export type Update = (record: CollectionRecord, wasSent: boolean) => CollectionRecord | null;

export interface Changes {
  /**
   * The record after the change.
   * @throws RetrievalError `collection_not_found`, `overloaded`
   */
  change(name: string, update: Update, options?: CallOptions): Promise<CollectionRecord>;
  /** After it, a change that somebody made of the record as it was, and that is still on its way, comes too late. */
  fence(name: string): Promise<void>;
  /** Removes a generation, or what there is of it. Not to be cancelled. */
  end(name: string, generation: number): Promise<void>;
  /** Ends generations whose making or dropping was cut off. */
  endAbandoned(name: string): Promise<void>;
}

const MAX_CONFLICTS = 100;

export function createChanges(
  entries: Pick<Entries, 'read' | 'replace'>,
  dropIndex: (generation: number) => Promise<void>,
): Changes {
  const change: Changes['change'] = async (name, update, options) => {
    let wasSent = false;
    for (let attempt = 1; attempt <= MAX_CONFLICTS; attempt += 1) {
      const entry = await entries.read(name, options);
      if (entry?.kind !== 'collection') throw noCollection(name);
      const record = readRecord(entry.record);
      const next = update(record, wasSent);
      if (next === null) return record;
      const json = JSON.stringify(next);
      const { version, repeated } = await entries.replace(name, 'collection', json, entry.version, options);
      if (version !== null) return next;
      wasSent ||= repeated;
    }
    throw contended(name);
  };

  const end: Changes['end'] = async (name, generation) => {
    // Marked before its index goes, so that nobody is led to it, and named until it is gone.
    await change(name, (record) => {
      const own = record.others.find((other) => other.generation.id === generation);
      return own === undefined || own.stage === 'dropping' ? null : withStage(record, generation, 'dropping');
    });
    await dropIndex(generation);
    await change(name, (record) =>
      record.others.some((other) => other.generation.id === generation) ? without(record, generation) : null,
    );
  };

  return {
    change,
    end,

    async fence(name) {
      for (let attempt = 1; attempt <= MAX_CONFLICTS; attempt += 1) {
        const entry = await entries.read(name);
        // What is on its way met another version when this one was marked to go.
        if (entry?.kind !== 'collection') return;
        const { version } = await entries.replace(name, 'collection', entry.record, entry.version);
        if (version !== null) return;
      }
      throw contended(name);
    },

    async endAbandoned(name) {
      const entry = await entries.read(name);
      if (entry?.kind !== 'collection') return;
      for (const generation of abandonedIn(readRecord(entry.record), Date.now())) await end(name, generation);
    },
  };
}
