/** What a check is: one promise of the store port, as data that tests and the command line run. */
import type { CollectionSpec, GenerationRef, VectorStore } from '../stores/port.js';
import type { VectorIndex } from '../model.js';

/** The one opened store, and collections in it under names of the run's own. */
export interface Context {
  store(): VectorStore;
  /** A new and empty in-memory store: what the store has to agree with. */
  reference(): VectorStore;
  /** Makes a collection of a name not used before. */
  create(overrides?: Partial<CollectionSpec>): Promise<GenerationRef>;
  newName(): string;
}

/** What a store may lack by its own word. That it refuses what it lacks is a check of its own. */
export type Requirement =
  | { readonly index: VectorIndex['kind']; readonly partitions?: boolean }
  /** A part of the port that a store need not have. */
  | { readonly part: 'generations' | 'records' };

export interface Check {
  readonly name: string;
  /** Rejects when the promise is broken. */
  run(context: Context): Promise<void>;
}

/** Checks that share something, in the order in which they are run. */
export interface CheckGroup {
  readonly name: string;
  readonly requires?: Requirement;
  readonly checks: readonly Check[];
}

/** Why a store cannot be asked this, in one sentence; null when it can. */
export function lacking(
  requirement: Requirement | undefined,
  store: Pick<VectorStore, 'capabilities' | 'generations' | 'records'>,
): string | null {
  if (requirement === undefined) return null;
  if ('part' in requirement) {
    return store[requirement.part] === undefined ? `the store keeps no ${requirement.part}` : null;
  }
  const { index, partitions } = requirement;
  if (partitions === true && store.capabilities.partitions !== true) return 'the store has no partitions';
  return store.capabilities.indexes.includes(index) ? null : `the store has no ${index} index`;
}

/** Makes something once a context, when the first check of a group needs it. */
export function shared<T>(make: (context: Context) => Promise<T>): (context: Context) => Promise<T> {
  const made = new WeakMap<Context, Promise<T>>();
  return (context) => {
    const known = made.get(context);
    if (known !== undefined) return known;
    const making = make(context);
    made.set(context, making);
    return making;
  };
}
