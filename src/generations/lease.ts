/**
 * One builder of a generation at a time, so that nothing is embedded twice. A builder leaves signs of
 * life among the collection's records. Whoever finds an older builder alive yields to it; as each
 * looks again before every batch, one of several is left, however their first signs crossed.
 *
 * A second builder would write nothing wrong: only what it pays is lost.
 */
import { z } from 'zod';
import { RetrievalError } from '../errors.js';
import { held, holderSchema, isDead, newHolder } from '../stores/holder.js';
import type { Holder } from '../stores/holder.js';
import type { RecordStore } from '../stores/generations-port.js';
import type { CallOptions, GenerationRef } from '../stores/port.js';
import { readValue } from './history.js';

export interface BuildLease {
  /**
   * Claims the generation, unless it is claimed already.
   * @throws RetrievalError `generation_conflict` when another builds it
   */
  take(): Promise<void>;
  /**
   * To be called before every batch.
   * @throws RetrievalError `generation_conflict` when another builds it by now
   */
  check(): Promise<void>;
  /** Gives it up, if it was taken. Never rejects: a sign that is left behind loses its force by itself. */
  release(): Promise<void>;
}

export interface LeaseTiming {
  /** How often a builder gives a sign. */
  readonly signMs: number;
  /** How long it counts as alive after one. */
  readonly timeoutMs: number;
}

/** The kind of the signs among a collection's records. */
export const BUILDER = 'builder';

const TIMING: LeaseTiming = { signMs: 15_000, timeoutMs: 60_000 };
/** Longest that giving up may take, where the store cannot be reached. */
const RELEASE_MS = 5000;
/** More than can be left behind. */
const MOST_SIGNS = 1000;

const signSchema = z.object({
  generation: z.number().int(),
  holder: holderSchema,
  /** The builder's first sign; null in that one. */
  first: z.object({ id: z.number().int(), at: z.string() }).nullable(),
});
type First = NonNullable<z.infer<typeof signSchema>['first']>;

interface Builder {
  readonly generation: number;
  readonly holder: Holder;
  readonly first: First;
  /** When the store noted its latest sign. */
  readonly lastSign: string;
  /** Its records. */
  readonly ids: readonly number[];
}

/** The lease of one build. Signs are dated by the store: the clocks of machines need not agree. */
export function createBuildLease(
  records: RecordStore,
  ref: GenerationRef,
  options: CallOptions,
  timing: LeaseTiming = TIMING,
): BuildLease {
  const { collection, generation } = ref;
  const holder = newHolder();
  const ended = new AbortController();
  const signals = options.signal === undefined ? [ended.signal] : [ended.signal, options.signal];
  const call: CallOptions = { signal: AbortSignal.any(signals) };
  let first: First | null = null;
  /** The store's time at the latest sign, and this process's own. */
  let signed = { at: 0, own: 0 };
  let timer: NodeJS.Timeout | undefined;
  let latest: Promise<unknown> = Promise.resolve();
  /** The timer and the build take turns. */
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const turn = latest.then(run);
    latest = turn.catch(() => undefined);
    return turn;
  };
  const storeTime = (): number => signed.at + (performance.now() - signed.own);
  const isAlive = (builder: Builder): boolean =>
    !isDead(builder.holder) && storeTime() - Date.parse(builder.lastSign) <= timing.timeoutMs;

  const sign = async (): Promise<void> => {
    const own = performance.now();
    const value = { generation, holder: { ...holder }, first: first === null ? null : { ...first } };
    const { id, at } = await records.append(collection, BUILDER, value, call);
    first ??= { id, at };
    signed = { at: Date.parse(at), own };
  };
  const look = async (): Promise<{ readonly own: Builder; readonly others: readonly Builder[] }> => {
    const builders = await readBuilders(records, collection, call);
    const own = builders.find((builder) => builder.holder.id === holder.id);
    if (own === undefined) throw takenOver(ref, timing);
    const others = builders.filter((builder) => builder !== own);
    const winner = others.find(
      (other) => other.generation === generation && other.first.id < own.first.id && isAlive(other),
    );
    if (winner !== undefined) {
      throw builtByAnother(ref, winner, timing.timeoutMs - storeTime() + Date.parse(winner.lastSign));
    }
    return { own, others };
  };
  const check = (): Promise<void> =>
    inTurn(async () => {
      const { own } = await look();
      if (performance.now() - signed.own < timing.signMs) return;
      // The new one first: there is no moment without a sign.
      await sign();
      await records.remove(collection, own.ids, call);
    });

  return {
    async take() {
      if (held.has(holder.id)) return;
      held.add(holder.id);
      await inTurn(async () => {
        await sign();
        const { others } = await look();
        const gone = others.filter((other) => !isAlive(other)).flatMap(({ ids }) => ids);
        if (gone.length > 0) await records.remove(collection, gone, call);
      });
      // What it finds, and what it cannot do now, the next batch finds as well.
      timer = setInterval(() => void check().catch(() => undefined), timing.signMs).unref();
    },

    check,

    async release() {
      if (!held.has(holder.id)) return;
      clearInterval(timer);
      ended.abort();
      await latest;
      try {
        const last: CallOptions = { signal: AbortSignal.timeout(RELEASE_MS) };
        // As the store has them: the answer to one may have been lost.
        const builders = await readBuilders(records, collection, last);
        const own = builders.find((builder) => builder.holder.id === holder.id);
        if (own !== undefined) await records.remove(collection, own.ids, last);
      } catch {
        // This process knows that it is over; others see no further sign.
      }
      held.delete(holder.id);
    },
  };
}

/** Longest that a sign is heeded by those who have no clock of the store to go by. */
const HEEDED_MS = 600_000;

/** The generations that builders gave signs for lately. One that has ended without a word may be among them. */
export async function generationsBeingBuilt(
  records: RecordStore,
  collection: string,
  options: CallOptions,
): Promise<ReadonlySet<number>> {
  const builders = await readBuilders(records, collection, options);
  return new Set(
    builders
      .filter(({ holder, lastSign }) => !isDead(holder) && Date.now() - Date.parse(lastSign) < HEEDED_MS)
      .map(({ generation }) => generation),
  );
}

async function readBuilders(
  records: RecordStore,
  collection: string,
  options: CallOptions,
): Promise<readonly Builder[]> {
  const found = await records.list(collection, { kinds: [BUILDER], limit: MOST_SIGNS }, options);
  const builders = new Map<string, Builder>();
  // The oldest first: where the first sign was written twice, it is the older one.
  for (const record of found.toReversed()) {
    const { generation, holder, first } = readValue(signSchema, record);
    const { id, at } = record;
    const known = builders.get(holder.id);
    builders.set(holder.id, {
      generation,
      holder,
      first: known?.first ?? first ?? { id, at },
      lastSign: at,
      ids: [...(known?.ids ?? []), id],
    });
  }
  return [...builders.values()];
}

function builtByAnother(ref: GenerationRef, builder: Builder, leftMs: number): RetrievalError {
  const { machine, process } = builder.holder;
  const [host = ''] = machine.split(' ');
  const { at: since } = builder.first;
  const seconds = Math.max(1, Math.ceil(leftMs / 1000));
  return new RetrievalError(
    'generation_conflict',
    `Generation ${String(ref.generation)} of collection "${ref.collection}" is being built by process ${String(process)} on ${host} since ${since}, last sign ${builder.lastSign}. Let it finish, or stop it and run this again. Should it have ended without a word, run this again: on ${host} at once, elsewhere in ${String(seconds)} seconds`,
    {
      details: {
        ...ref,
        builder: { host, process, since, last_sign: builder.lastSign },
        free_in_seconds: seconds,
      },
    },
  );
}

function takenOver(ref: GenerationRef, { timeoutMs }: LeaseTiming): RetrievalError {
  return new RetrievalError(
    'generation_conflict',
    `Another process builds generation ${String(ref.generation)} of collection "${ref.collection}" now: this one gave no sign for more than ${String(timeoutMs / 1000)} seconds. What it wrote is kept; "plumbline generations ${ref.collection}" shows how far the build is`,
    { details: { ...ref } },
  );
}
