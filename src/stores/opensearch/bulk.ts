/** Bulk requests: cut by size, and repeated for the items that the server had no room for. */
import { z } from 'zod';
import { RetrievalError } from '../../errors.js';
import type { CallOptions } from '../port.js';
import type { Connection } from './connection.js';
import { FaultError, faultOf, isTransient } from './errors.js';
import type { Fault } from './errors.js';

export interface BulkItem {
  /** The action's line, and the document's unless it is a delete. */
  readonly lines: string;
  readonly bytes: number;
}

export interface BulkOutcome {
  /** Places of the items that met another version of their document. */
  readonly conflicts: readonly number[];
  /** Whether anything was sent twice, and may have been done twice. */
  readonly repeated: boolean;
}

const MAX_BYTES = 5_000_000;

export type Action = 'index' | 'create' | 'delete';

export function bulkItem(action: Action, meta: object, document?: object): BulkItem {
  const head = `${JSON.stringify({ [action]: meta })}\n`;
  const lines = document === undefined ? head : `${head}${JSON.stringify(document)}\n`;
  return { lines, bytes: Buffer.byteLength(lines) };
}

const itemSchema = z
  .record(z.string(), z.object({ status: z.number(), error: z.unknown().optional() }))
  .transform((item) => Object.values(item)[0] ?? { status: 0, error: undefined });
const answerSchema = z.object({ items: z.array(itemSchema) });

/**
 * Does all of the items, in their order, or throws. A conflict of versions is an outcome: what it
 * means is the caller's to say. A delete of what is not there is done.
 * @param before called before every request
 */
export async function bulk(
  connection: Connection,
  index: string,
  items: readonly BulkItem[],
  options: CallOptions = {},
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<BulkOutcome> {
  const conflicts: number[] = [];
  let repeated = false;
  for (const part of parts(items)) {
    await before();
    let waiting = part;
    await connection.retried(async (attempt) => {
      repeated ||= attempt > 1;
      const faults = await send(connection, index, waiting, options);
      conflicts.push(...faults.filter(({ fault }) => fault.status === 409).map(({ item }) => item.place));
      const failed = faults.filter(({ fault }) => fault.status !== 409);
      const lasting = failed.find(({ fault }) => !isTransient(fault));
      if (lasting !== undefined) throw new FaultError(lasting.fault);
      waiting = failed.map(({ item }) => item);
      const [first] = failed;
      if (first !== undefined) throw new FaultError(first.fault);
    }, options);
  }
  return { conflicts, repeated };
}

interface Placed {
  readonly item: BulkItem;
  readonly place: number;
}

async function send(
  connection: Connection,
  index: string,
  items: readonly Placed[],
  options: CallOptions,
): Promise<readonly { readonly item: Placed; readonly fault: Fault }[]> {
  const body = await connection.once(
    {
      method: 'POST',
      path: `/${index}/_bulk`,
      // The alias keeps a write to a collection that is gone from making an index of that name.
      query: { require_alias: true },
      lines: items.map(({ item }) => item.lines).join(''),
    },
    options,
  );
  const parsed = answerSchema.safeParse(body);
  if (!parsed.success || parsed.data.items.length !== items.length) {
    throw new RetrievalError('store_invalid_response', 'OpenSearch answered a bulk request with other items');
  }
  const answers = parsed.data.items;
  return items.flatMap((item, at) => {
    const answer = answers[at];
    if (answer === undefined || answer.status < 300) return [];
    if (answer.status === 404 && answer.error === undefined) return [];
    return [{ item, fault: faultOf(answer.status, answer) }];
  });
}

function* parts(items: readonly BulkItem[]): Generator<readonly Placed[]> {
  let part: Placed[] = [];
  let bytes = 0;
  for (const [place, item] of items.entries()) {
    if (part.length > 0 && bytes + item.bytes > MAX_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push({ item, place });
    bytes += item.bytes;
  }
  if (part.length > 0) yield part;
}
