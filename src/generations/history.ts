/** What a collection remembers of itself: who changed what, and what gates found. */
import { z } from 'zod';
import { RetrievalError } from '../errors.js';
import type { JsonObject } from '../model.js';
import type { RecordStore, StoredRecord } from '../stores/generations-port.js';
import type { CallOptions } from '../stores/port.js';
import type { Author, GateVerdict, HistoryEntry } from './types.js';

const HISTORY = 'history';
export const GATE = 'gate';

const historySchema = z.object({
  event: z.string(),
  by: z.string(),
  details: z.record(z.string(), z.json()),
});

/** The part of a gate's record that activation reads; the rest is for people. */
const gateSchema = z.looseObject({
  generation: z.number().int(),
  against: z.number().int(),
  passed: z.boolean(),
  reasons: z.array(z.string()),
});

/** Longest name and reason kept, in characters. */
const MAX_WORDS = 500;

export async function remember(
  records: RecordStore,
  collection: string,
  event: string,
  details: JsonObject,
  { by, reason }: Author,
  options?: CallOptions,
): Promise<void> {
  const value = {
    event,
    by: by.slice(0, MAX_WORDS),
    details: { ...details, ...(reason === undefined ? {} : { reason: reason.slice(0, MAX_WORDS) }) },
  };
  await records.append(collection, HISTORY, value, options);
}

export async function readHistory(
  records: RecordStore,
  collection: string,
  query: { readonly limit: number; readonly before?: number },
  options?: CallOptions,
): Promise<readonly HistoryEntry[]> {
  const found = await records.list(collection, { kinds: [HISTORY], ...query }, options);
  return found.map((record) => {
    const { event, by, details } = readValue(historySchema, record);
    return { id: record.id, at: record.at, event, by, details };
  });
}

/** Gates that are looked through for a generation's latest. */
const GATES = 100;

/** By generation, its latest gate. */
export async function latestGates(
  records: RecordStore,
  collection: string,
  options?: CallOptions,
): Promise<ReadonlyMap<number, GateVerdict>> {
  const found = await records.list(collection, { kinds: [GATE], limit: GATES }, options);
  const latest = new Map<number, GateVerdict>();
  for (const record of found) {
    const { generation, against, passed, reasons } = readValue(gateSchema, record);
    if (latest.has(generation)) continue;
    latest.set(generation, { passed, against, reasons, at: record.at });
  }
  return latest;
}

/** What a record holds. @throws RetrievalError `store_invalid_response` */
export function readValue<T>(schema: z.ZodType<T>, { value, id }: StoredRecord): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RetrievalError(
    'store_invalid_response',
    `Record ${String(id)} of the collection is not as it was written`,
  );
}
