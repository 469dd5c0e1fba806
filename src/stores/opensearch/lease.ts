/**
 * Writers of one generation take turns. The turn is a document in the generation's index that is
 * changed by compare and set; it also says what its holder is about to write, so that whoever finds
 * it abandoned can bring that to an end.
 */
import { z } from 'zod';
import { RetrievalError, throwIfCancelled } from '../../errors.js';
import type { CallOptions } from '../port.js';
import { pause } from './connection.js';
import type { Connection } from './connection.js';
import { held, holderSchema, isDead, newHolder } from '../holder.js';
import type { Holder } from '../holder.js';
import { parse } from './search.js';

/** A write that has begun: its documents, with how many parts each will have. */
export interface Intent {
  readonly token: number;
  readonly documents: readonly (readonly [id: string, parts: number])[];
}

export interface Lease {
  /** Greater than that of every turn before; marks all that is written in this one. */
  readonly token: number;
  /** Whether it was taken from a holder that did not give it up: what he sent may still be on its way. */
  readonly isTakenOver: boolean;
  /** Writes that turns before this one did not bring to an end. */
  readonly unfinished: readonly Intent[];
  /** Says what is about to be written; what was declared before is over. */
  declare(documents: Intent['documents']): Promise<void>;
  /** Called between requests: shows others that this holder lives, and fails when it lost its turn. */
  keep(): Promise<void>;
  /** Fails when this holder lost its turn. */
  confirm(): Promise<void>;
  /** A new turn in place of this one, in which its own write is an unfinished one. */
  renew(): Promise<Lease>;
  /** Gives the turn up. After a failure, what is unfinished stays declared. */
  release(outcome: 'done' | 'unfinished'): Promise<void>;
}

export interface AcquireOptions extends CallOptions {
  /** Called while waiting. */
  readonly waiting?: () => Promise<void>;
}

export interface Leases {
  acquire(index: string, documents: Intent['documents'], options?: AcquireOptions): Promise<Lease>;
}

const intentSchema = z.object({
  token: z.number().int(),
  documents: z.array(z.tuple([z.string(), z.number().int()])),
});
const stateSchema = z.object({
  token: z.number().int(),
  holder: holderSchema.nullable(),
  unfinished: z.array(intentSchema),
  own: intentSchema.nullable(),
});
type State = z.infer<typeof stateSchema>;

const documentSchema = z.object({
  _seq_no: z.number(),
  _primary_term: z.number(),
  _source: z.object({ body: z.string() }),
});
const foundSchema = z.object({ found: z.boolean() });
const writtenSchema = z.object({ _seq_no: z.number(), _primary_term: z.number() });

interface Version {
  readonly if_seq_no: number;
  readonly if_primary_term: number;
}

/** A turn whose document has not changed for so long is taken over, whatever became of its holder. */
const ABANDONED_MS = 60_000;
const KEEP_MS = 10_000;
const FIRST_WAIT_MS = 10;
const MAX_WAIT_MS = 250;

export function createLeases(connection: Connection): Leases {
  /** The document as this process left it: mostly still so, which saves reading it. */
  const left = new Map<string, { readonly state: State; readonly version: Version }>();

  const read = async (
    index: string,
    options?: CallOptions,
  ): Promise<{ readonly state: State; readonly version: Version | null }> => {
    const { status, body } = await connection.send(
      { method: 'GET', path: `/${index}/_doc/lease` },
      options,
      [404],
    );
    if (status === 404) {
      // A missing index is an error, a missing document the first turn.
      if (!foundSchema.safeParse(body).success) throw gone();
      return { state: { token: 0, holder: null, unfinished: [], own: null }, version: null };
    }
    const document = parse(documentSchema, body);
    return {
      state: parse(stateSchema, JSON.parse(document._source.body)),
      version: { if_seq_no: document._seq_no, if_primary_term: document._primary_term },
    };
  };

  /** The new version; null when another one was there. */
  const write = async (index: string, state: State, version: Version | null): Promise<Version | null> => {
    const { status, body, repeated } = await connection.send(
      {
        method: 'PUT',
        path: `/${index}/_doc/lease`,
        query: { require_alias: true, ...(version ?? { op_type: 'create' }) },
        body: { kind: 'lease', body: JSON.stringify(state) },
      },
      {},
      [409],
    );
    if (status !== 409) {
      const { _seq_no, _primary_term } = parse(writtenSchema, body);
      return { if_seq_no: _seq_no, if_primary_term: _primary_term };
    }
    // An attempt whose answer was lost may have come through.
    if (!repeated) return null;
    const there = await read(index);
    return JSON.stringify(there.state) === JSON.stringify(state) ? there.version : null;
  };

  /** Another store of this thread may see the turn before the answer is here; it is held from the start. */
  const take = async (
    index: string,
    next: State & { readonly holder: Holder },
    version: Version | null,
  ): Promise<Version | null> => {
    const { id } = next.holder;
    held.add(id);
    let written: Version | null = null;
    try {
      written = await write(index, next, version);
    } finally {
      if (written === null) held.delete(id);
    }
    return written;
  };

  const toLease = (index: string, first: State, firstVersion: Version, isTakenOver: boolean): Lease => {
    let state = first;
    let version = firstVersion;
    let kept = performance.now();
    const id = first.holder?.id ?? '';
    const replace = async (next: State): Promise<void> => {
      const written = await write(index, next, version);
      if (written === null) throw lost();
      state = next;
      version = written;
      kept = performance.now();
    };
    return {
      token: first.token,
      isTakenOver,
      unfinished: first.unfinished,
      declare: (documents) =>
        replace({ ...state, unfinished: [], own: { token: first.token, documents: documents.map(copy) } }),
      async keep() {
        if (performance.now() - kept > KEEP_MS) await replace(state);
      },
      confirm: () => replace(state),
      async renew() {
        const next: State = {
          ...state,
          token: state.token + 1,
          unfinished: intents(state),
          own: null,
        };
        await replace(next);
        return toLease(index, state, version, true);
      },
      async release(outcome) {
        held.delete(id);
        // Abandoned as it is: this process, or another one, takes it over and ends what was begun.
        if (outcome === 'unfinished') return;
        const free: State = { token: state.token, holder: null, unfinished: [], own: null };
        const written = await write(index, free, version);
        if (written !== null) left.set(index, { state: free, version: written });
      },
    };
  };

  return {
    async acquire(index, documents, options = {}) {
      let remembered = left.get(index);
      left.delete(index);
      let seen = { seqNo: -1, since: performance.now() };
      for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, MAX_WAIT_MS)) {
        const { state, version } = remembered ?? (await read(index, options));
        remembered = undefined;
        const seqNo = version?.if_seq_no ?? -1;
        if (seen.seqNo !== seqNo) seen = { seqNo, since: performance.now() };
        const isFree =
          state.holder === null || isDead(state.holder) || performance.now() - seen.since > ABANDONED_MS;
        if (isFree) {
          const token = state.token + 1;
          const next: State & { readonly holder: Holder } = {
            token,
            holder: newHolder(),
            unfinished: intents(state),
            own: { token, documents: documents.map(copy) },
          };
          throwIfCancelled(options.signal);
          // To the end: of a turn nobody knows to be taken, other processes learn only by waiting.
          const written = await take(index, next, version);
          if (written !== null) return toLease(index, next, written, state.holder !== null);
        }
        await options.waiting?.();
        await pause(wait * (0.5 + Math.random()), options.signal);
      }
    },
  };
}

function intents({ unfinished, own }: State): State['unfinished'] {
  return own === null ? unfinished : [...unfinished, own];
}

function copy([id, parts]: readonly [string, number]): [string, number] {
  return [id, parts];
}

function gone(): RetrievalError {
  return new RetrievalError('collection_not_found', 'The collection, or this generation of it, is gone');
}

/** What a holder learns that was taken for dead. */
export function lost(): RetrievalError {
  return new RetrievalError(
    'store_unavailable',
    'Another process took over the writing of this collection; write again',
  );
}
