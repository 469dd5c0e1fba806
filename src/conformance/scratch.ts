/**
 * The store as checks see it: only collections of the run's own can be made or removed through it,
 * every call ends with the run, and what was made can be removed again.
 */
import type { GenerationStore, RecordStore } from '../stores/generations-port.js';
import type { CallOptions, VectorStore } from '../stores/port.js';
import { inParallel } from './in-parallel.js';

export interface Scratch {
  readonly store: VectorStore;
  /** Removes every collection of the run that is there. */
  remove(options?: CallOptions): Promise<void>;
  /** Names of the run's collections that are there. */
  list(options?: CallOptions): Promise<readonly string[]>;
}

/** How many collections are removed at once. */
const REMOVED_AT_ONCE = 8;

/** @param prefix what the names of all the run's collections begin with */
export function createScratch(store: VectorStore, prefix: string, signal: AbortSignal): Scratch {
  const isOwn = (name: string): boolean => name.startsWith(`${prefix}-`);
  const list = async (options?: CallOptions): Promise<readonly string[]> =>
    (await store.listCollections(options)).map(({ name }) => name).filter(isOwn);
  return {
    store: guarded(store, isOwn, signal),
    list,
    async remove(options) {
      await inParallel(REMOVED_AT_ONCE, await list(options), async (name) => {
        await store.deleteCollection(name, options);
      });
    },
  };
}

function guarded(store: VectorStore, isOwn: (name: string) => boolean, signal: AbortSignal): VectorStore {
  const withSignal = <T extends CallOptions>(options?: T): T & { readonly signal: AbortSignal } => {
    const own = options?.signal;
    return { ...(options ?? ({} as T)), signal: own === undefined ? signal : AbortSignal.any([own, signal]) };
  };
  const read = <T>(call: () => Promise<T>): Promise<T> => {
    const promise = call();
    // A check may look at it later only; when the run is stopped before, it must not end the process.
    promise.catch(() => undefined);
    return promise;
  };
  /** A check at fault must not reach what the user keeps here. */
  const write = <T>(name: string, call: () => Promise<T>): Promise<T> =>
    read(() =>
      isOwn(name) ? call() : Promise.reject(new Error('A check named a collection that is not its own')),
    );
  const { generations, records, indexBytes } = store;
  return {
    ...store,
    ...(generations === undefined
      ? {}
      : {
          generations: {
            create: (name, spec, options) =>
              write(name, () => generations.create(name, spec, withSignal(options))),
            list: (name, options) => read(() => generations.list(name, withSignal(options))),
            known: (name, options) => read(() => generations.known(name, withSignal(options))),
            missing: (ref, query, options) =>
              read(() => generations.missing(ref, query, withSignal(options))),
            putChunks: (ref, pin, writes, options) =>
              write(ref.collection, () => generations.putChunks(ref, pin, writes, withSignal(options))),
            activate: (ref, from, options) =>
              write(ref.collection, () => generations.activate(ref, from, withSignal(options))),
            drop: (ref, options) => write(ref.collection, () => generations.drop(ref, withSignal(options))),
          } satisfies GenerationStore,
        }),
    ...(records === undefined
      ? {}
      : {
          records: {
            append: (name, kind, value, options) =>
              write(name, () => records.append(name, kind, value, withSignal(options))),
            list: (name, query, options) => read(() => records.list(name, query, withSignal(options))),
            remove: (name, ids, options) => write(name, () => records.remove(name, ids, withSignal(options))),
          } satisfies RecordStore,
        }),
    ...(indexBytes === undefined
      ? {}
      : {
          indexBytes: (name: string, options?: CallOptions) =>
            read(() => indexBytes(name, withSignal(options))),
        }),
    ping: (options) => read(() => store.ping(withSignal(options))),
    close: () => read(() => Promise.reject(new Error('A check may not close the store'))),
    createCollection: (spec, options) =>
      write(spec.name, () => store.createCollection(spec, withSignal(options))),
    getCollection: (name, options) => read(() => store.getCollection(name, withSignal(options))),
    listCollections: (options) => read(() => store.listCollections(withSignal(options))),
    deleteCollection: (name, options) => write(name, () => store.deleteCollection(name, withSignal(options))),
    countCollection: (name, options) => read(() => store.countCollection(name, withSignal(options))),
    addFields: (name, fields, options) =>
      write(name, () => store.addFields(name, fields, withSignal(options))),
    putDocuments: (ref, pin, documents, options) =>
      write(ref.collection, () => store.putDocuments(ref, pin, documents, withSignal(options))),
    contentHashes: (ref, ids, options) => read(() => store.contentHashes(ref, ids, withSignal(options))),
    documentVectors: (ref, id, options) => read(() => store.documentVectors(ref, id, withSignal(options))),
    getDocument: (name, id, options) => read(() => store.getDocument(name, id, withSignal(options))),
    documentChunks: (ref, id, options) => read(() => store.documentChunks(ref, id, withSignal(options))),
    listDocuments: (name, query, options) =>
      read(() => store.listDocuments(name, query, withSignal(options))),
    countDocuments: (name, filter, options) =>
      read(() => store.countDocuments(name, filter, withSignal(options))),
    deleteDocuments: (name, ids, options) =>
      write(name, () => store.deleteDocuments(name, ids, withSignal(options))),
    deleteByFilter: (name, filter, options) =>
      write(name, () => store.deleteByFilter(name, filter, withSignal(options))),
    finishLoad: (ref, options) => write(ref.collection, () => store.finishLoad(ref, withSignal(options))),
    vectorLeg: (ref, query, options) => read(() => store.vectorLeg(ref, query, withSignal(options))),
    keywordLeg: (ref, query, options) => read(() => store.keywordLeg(ref, query, withSignal(options))),
    scoreChunks: (ref, query, options) => read(() => store.scoreChunks(ref, query, withSignal(options))),
    getChunks: (ref, ids, options) => read(() => store.getChunks(ref, ids, withSignal(options))),
  };
}
