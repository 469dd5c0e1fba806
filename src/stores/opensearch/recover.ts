/** Brings a write that was begun in an earlier turn to an end: forward where its head stands, else back. */
import { RetrievalError } from '../../errors.js';
import { bulk, bulkItem } from './bulk.js';
import type { Connection } from './connection.js';
import type { Intent, Lease } from './lease.js';
import { removeParts } from './parts.js';
import { goneEntry, headId, partId } from './records.js';
import type { Searcher } from './search.js';
import { findParts, readHeads } from './state.js';

const MAX_ROUNDS = 10;

export async function recover(
  connection: Connection,
  searcher: Searcher,
  index: string,
  intent: Intent,
  lease: Pick<Lease, 'token' | 'keep'>,
): Promise<void> {
  const { token } = lease;
  const keep = (): Promise<void> => lease.keep();
  const done = await fence(connection, index, intent, token, keep);
  const obsolete: string[] = [];
  let place = 0;
  for (const [documentId, parts] of intent.documents) {
    // Blind, for what was not refreshed cannot be searched: a delete of what is not there does nothing.
    for (let part = 0; part < parts; part += 1, place += 1) {
      if (!done.has(documentId)) obsolete.push(partId(intent.token, place));
    }
  }
  if (done.size > 0) {
    obsolete.push(
      ...(await findParts(searcher, index, {
        bool: {
          filter: [{ terms: { document_id: [...done] } }, { range: { token: { lt: intent.token } } }],
        },
      })),
    );
  }
  await removeParts(connection, index, token, obsolete, { also: true, keep });
}

/**
 * Which of the documents have the write's head. All others' heads are written again as they are, so
 * that a request of the interrupted write that is still on its way meets another version.
 */
async function fence(
  connection: Connection,
  index: string,
  intent: Intent,
  token: number,
  keep: () => Promise<void>,
): Promise<ReadonlySet<string>> {
  const ids = intent.documents.map(([id]) => id);
  let waiting: readonly string[] = ids;
  const done = new Set<string>();
  for (let round = 1; waiting.length > 0; round += 1) {
    if (round > MAX_ROUNDS) {
      throw new RetrievalError(
        'store_unavailable',
        'An interrupted write to this collection is still going on',
      );
    }
    const heads = await readHeads(connection, index, waiting);
    const open = waiting.filter((id) => {
      if (heads.get(id)?.token === intent.token) done.add(id);
      return !done.has(id);
    });
    const items = open.map((id) => {
      const head = heads.get(id);
      const meta = { _id: headId(id) };
      return head === undefined
        ? bulkItem('create', meta, goneEntry(id, token))
        : bulkItem('index', { ...meta, ...head.version }, head.source);
    });
    const { conflicts } = await bulk(connection, index, items, {}, keep);
    waiting = conflicts.flatMap((place) => open[place] ?? []);
  }
  return done;
}
