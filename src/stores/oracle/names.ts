/** The names of tables. They are made from numbers, never from what users write. */

export interface GenerationTables {
  readonly chunks: string;
  readonly vectors: string;
  readonly postings: string;
}

export interface CollectionTables {
  readonly documents: string;
  /** Elements of lists, and the tails of long keywords. */
  readonly elements: string;
}

export interface Names {
  readonly ids: string;
  readonly collections: string;
  readonly generations: string;
  readonly records: string;
  readonly garbage: string;
  readonly migrations: string;
  readonly lock: string;
  collection(id: number): CollectionTables;
  generation(id: number): GenerationTables;
}

/** Lower-case and short, so that no name made from it is longer than Oracle's 128 bytes. */
export const PREFIX = /^[a-z][a-z0-9_]{0,29}$/u;
export const DEFAULT_PREFIX = 'plumbline';

export function createNames(prefix: string): Names {
  return {
    ids: `${prefix}_ids`,
    collections: `${prefix}_collections`,
    generations: `${prefix}_generations`,
    records: `${prefix}_records`,
    garbage: `${prefix}_garbage`,
    migrations: `${prefix}_migrations`,
    lock: `${prefix}_lock`,
    collection(id) {
      const own = `${prefix}_c${String(Math.trunc(id))}`;
      return { documents: `${own}_documents`, elements: `${own}_elements` };
    },
    generation(id) {
      const own = `${prefix}_g${String(Math.trunc(id))}`;
      return { chunks: `${own}_chunks`, vectors: `${own}_vectors`, postings: `${own}_postings` };
    },
  };
}
