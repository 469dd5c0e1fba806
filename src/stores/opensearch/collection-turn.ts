/**
 * The turn to write to a collection is that of its active generation. Whoever has it may change the
 * collection's documents, in every generation, and which generations there are; for the others' indexes
 * it takes their own turns as well, always after this one.
 *
 * The active generation is changed last. A write that ends halfway leaves the others ahead of it or
 * without the document, which the documents' hashes show: it counts as missing there.
 */
import { hasCode } from '../../errors.js';
import type { CallOptions } from '../port.js';
import type { Catalog, Located, Whole } from './catalog.js';
import { contended } from './reservations.js';
import type { Change, Turn, Writer } from './transaction.js';

export interface CollectionTurn extends Turn {
  /** The collection as it is in this turn. Only whoever has it changes that, but for new fields. */
  readonly whole: Whole;
  /** All generations but the active one. */
  readonly others: readonly Located[];
  /** Runs `work` in the turn of one of the others. */
  inOther<T>(located: Located, work: (turn: Turn) => Promise<T>): Promise<T>;
}

export type Work<T> = (turn: CollectionTurn) => Promise<T>;

/** What came of it; or the collection as it is, where another generation is active. */
export type Outcome<T> =
  { readonly isActive: true; readonly value: T } | { readonly isActive: false; readonly whole: Whole };

export interface CollectionTurns {
  /** In the turn of the generation that is active then. */
  run<T>(name: string, work: Work<T>, options?: CallOptions): Promise<T>;
  /**
   * In the turn of this generation, if it is the active one.
   * @param first what is changed in it, where that is known
   */
  runIn<T>(
    located: Located,
    first: readonly Change[],
    work: Work<T>,
    options?: CallOptions,
  ): Promise<Outcome<T>>;
}

const MAX_ATTEMPTS = 10;

export function createCollectionTurns(
  writer: Writer,
  catalog: Pick<Catalog, 'whole' | 'get' | 'changes'>,
): CollectionTurns {
  const runIn: CollectionTurns['runIn'] = <T>(
    located: Located,
    first: readonly Change[],
    work: Work<T>,
    options: CallOptions = {},
  ): Promise<Outcome<T>> => {
    const { name } = located.collection;
    return writer.run<Outcome<T>>(
      located.index,
      first,
      async (turn) => {
        const whole = await catalog.whole(name, options);
        if (whole.active.index !== located.index) return { isActive: false, whole };
        const value = await work({
          ...turn,
          whole,
          others: whole.generations.filter((other) => other !== whole.active),
          inOther: (other, inner) => writer.run(other.index, [], inner, { ...options, outer: turn }),
        });
        return { isActive: true, value };
      },
      { ...options, fence: () => catalog.changes.fence(name) },
    );
  };

  return {
    runIn,
    async run(name, work, options) {
      let located = await catalog.get(name, options);
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        try {
          const outcome = await runIn(located, [], work, options);
          if (outcome.isActive) return outcome.value;
          located = outcome.whole.active;
        } catch (error) {
          // Retired and dropped, both since it was looked up.
          if (!hasCode(error, 'collection_not_found')) throw error;
          const now = await catalog.get(name, options);
          if (now.index === located.index) throw error;
          located = now;
        }
      }
      throw contended(name);
    },
  };
}
