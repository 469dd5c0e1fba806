/**
 * Changes documents so that a reader sees all of a change or nothing of it.
 *
 * Nothing shows before the index is refreshed, and only writers refresh it, one at a time. In a turn
 * (`lease.ts`) the new parts are indexed under ids of their own, then the heads change by compare
 * and set, then the old parts are deleted, then all of it is shown by one refresh. What a head says
 * decides: a write is done where its head names it, and was never begun where it does not. So a
 * turn that ended halfway, wherever that was, is brought to an end by the next one before anything
 * is shown.
 */
import { throwIfCancelled } from '../../errors.js';
import type { CallOptions } from '../port.js';
import { bulk, bulkItem } from './bulk.js';
import type { Connection } from './connection.js';
import { createLeases, lost } from './lease.js';
import type { Lease } from './lease.js';
import { partItem, removeParts } from './parts.js';
import { recover } from './recover.js';
import { goneEntry, headId } from './records.js';
import type { Entry } from './records.js';
import { readHeads, readState } from './state.js';
import type { Searcher } from './search.js';
import { createMutex } from './mutex.js';

/** What becomes of one document. */
export interface Change {
  readonly documentId: string;
  /** The new head and parts; null where it goes. */
  readonly entries: ((token: number) => { readonly head: Entry; readonly parts: readonly Entry[] }) | null;
  readonly partCount: number;
}

/** A turn of writing to one generation. */
export interface Turn {
  /** Answers how many of the documents were there before. */
  apply(changes: readonly Change[]): Promise<number>;
  /** To be called now and then in long work: shows others that this one lives, and fails when the turn is lost. */
  keep(): Promise<void>;
  /** Fails when the turn is lost by now. */
  confirm(): Promise<void>;
}

export interface RunOptions extends CallOptions {
  /** Makes what an earlier turn sent elsewhere come too late; called where such a thing may be on its way. */
  readonly fence?: () => Promise<void>;
  /** The turn in which this one is taken: nothing is done here when that one is lost. */
  readonly outer?: Pick<Turn, 'keep' | 'confirm'>;
}

export interface Writer {
  /**
   * Runs `work` in a turn and shows all it did when it is over.
   * @param first what it will change, where that is known: saves a request
   */
  run<T>(
    index: string,
    first: readonly Change[],
    work: (turn: Turn) => Promise<T>,
    options?: RunOptions,
  ): Promise<T>;
}

export function createWriter(connection: Connection, searcher: Searcher): Writer {
  const leases = createLeases(connection);
  const inTurn = createMutex();

  const refresh = async (index: string): Promise<void> => {
    await connection.send({ method: 'POST', path: `/${index}/_refresh` });
  };
  /** Ends what earlier turns left. Not to be cancelled. */
  const settle = async (index: string, lease: Lease, fence: RunOptions['fence']): Promise<void> => {
    if (lease.isTakenOver) await fence?.();
    if (lease.unfinished.length === 0) return;
    for (const intent of lease.unfinished) await recover(connection, searcher, index, intent, lease);
    await refresh(index);
  };

  return {
    run: (index, first, work, { fence, outer, ...options } = {}) =>
      inTurn(index, options.signal, async () => {
        const waiting = outer === undefined ? {} : { waiting: () => outer.keep() };
        const lease = await leases.acquire(index, intentsOf(first), { ...options, ...waiting });
        const keep = async (): Promise<void> => {
          await outer?.keep();
          await lease.keep();
        };
        let declared = first;
        try {
          await outer?.confirm();
          await settle(index, lease, fence);
          const answer = await work({
            async apply(changes) {
              if (changes !== declared) await lease.declare(intentsOf(changes));
              declared = changes;
              return apply(connection, searcher, index, { token: lease.token, keep }, changes, options);
            },
            keep,
            async confirm() {
              await outer?.confirm();
              await lease.confirm();
            },
          });
          await refresh(index);
          await lease.release('done');
          return answer;
        } catch (error) {
          await abandon(lease, (renewed) => settle(index, renewed, fence));
          throw error;
        }
      }),
  };
}

/**
 * Undoes or ends a turn that failed, under a later token so that requests on their way come too late.
 * It is taken over from itself.
 */
async function abandon(lease: Lease, settle: (lease: Lease) => Promise<void>): Promise<void> {
  try {
    const renewed = await lease.renew();
    await settle(renewed);
    await renewed.release('done');
  } catch {
    // The server is gone, or another process has taken over. The next turn does it.
    await lease.release('unfinished');
  }
}

async function apply(
  connection: Connection,
  searcher: Searcher,
  index: string,
  { token, keep }: Pick<Lease, 'token' | 'keep'>,
  changes: readonly Change[],
  options: CallOptions,
): Promise<number> {
  const before = await readState(
    searcher,
    index,
    changes.map(({ documentId }) => documentId),
    options,
  );
  const made = changes.map(({ documentId, entries }) => ({
    documentId,
    ...(entries?.(token) ?? { head: goneEntry(documentId, token), parts: [] }),
  }));
  const parts = made.flatMap((change) => change.parts);
  const written = await bulk(
    connection,
    index,
    parts.map((part, place) => partItem(token, place, part)),
    options,
    keep,
  );
  // Only a later turn leaves versions that are higher.
  if (written.conflicts.length > 0) throw lost();
  await keep();
  // The last moment to turn back. From here on the write goes to its end, whoever waits for it.
  throwIfCancelled(options.signal);
  const heads = made.map(({ documentId, head }) => {
    const version = before.heads.get(documentId)?.version;
    const meta = { _id: headId(documentId) };
    return version === undefined
      ? bulkItem('create', meta, head)
      : bulkItem('index', { ...meta, ...version }, head);
  });
  const changed = await bulk(connection, index, heads);
  await assertOurs(
    connection,
    index,
    token,
    changed.conflicts.flatMap((place) => made[place]?.documentId ?? []),
  );
  await removeParts(connection, index, token, before.partIds, {
    also: written.repeated || changed.repeated,
    keep,
  });
  return [...before.heads.values()].filter(({ isThere }) => isThere).length;
}

/** A conflict is none where an attempt had come through whose answer was lost. */
async function assertOurs(
  connection: Connection,
  index: string,
  token: number,
  documentIds: readonly string[],
): Promise<void> {
  if (documentIds.length === 0) return;
  const heads = await readHeads(connection, index, documentIds);
  if (documentIds.every((id) => heads.get(id)?.token === token)) return;
  throw lost();
}

function intentsOf(changes: readonly Change[]): readonly (readonly [string, number])[] {
  return changes.map(({ documentId, partCount }) => [documentId, partCount]);
}
