/** Bringing named objects' documents to what the objects are now, whatever was told of them. */
import { RetrievalError, hasCode, throwIfCancelled, type ErrorCode } from '../../../errors.js';
import type { CallOptions } from '../../../stores/port.js';
import type { IngestSummary, Source } from '../../types.js';
import type { ObjectOptions } from './items.js';
import { objectUrl, type S3ObjectRef } from './location.js';
import type { S3Objects } from './objects.js';
import { askEach } from '../../read-ahead.js';
import { entryOf, type Entry } from './select.js';
import { entriesSource } from './source.js';
import { isSameObject } from './version.js';

export interface ApplyPorts {
  readonly objects: S3Objects;
  ingest(
    source: Source,
    call: CallOptions,
  ): Promise<Pick<IngestSummary, 'added' | 'changed' | 'unchanged' | 'failed'>>;
  /** Removes the document if there is one; answers whether there was. */
  remove(id: string, call: CallOptions): Promise<boolean>;
}

export interface ApplyFailure {
  readonly code: ErrorCode;
  readonly reason: string;
}

export interface Applied {
  readonly written: number;
  readonly unchanged: number;
  readonly removed: number;
  /** By the object's URL; all others are done. */
  readonly failures: ReadonlyMap<string, ApplyFailure>;
}

/** An object that changes more often while it is worked on is left to its next event. */
const MAX_ROUNDS = 5;

interface Look {
  readonly ref: S3ObjectRef;
  readonly id: string;
  /** As it is now; null when there is no such document. */
  readonly entry: Entry | null;
}

/**
 * Reads each object as it is now and writes its document, or removes the document of an object that
 * is gone. Then looks again: several of us may work on one object, and whoever writes last must have
 * written what is there.
 * @throws RetrievalError what is not about single objects: store, embedder or S3 cannot be reached.
 */
export async function applyObjects(
  ports: ApplyPorts,
  refs: readonly S3ObjectRef[],
  isNamed: (ref: S3ObjectRef) => boolean,
  options: ObjectOptions,
  call: CallOptions,
): Promise<Applied> {
  const failures = new Map<string, ApplyFailure>();
  const counts = { written: 0, unchanged: 0, removed: 0 };
  const look = async (ref: S3ObjectRef, signal: AbortSignal): Promise<Look | null> => {
    const id = objectUrl(ref);
    try {
      return { ref, id, entry: await entryOf(ports.objects, ref, isNamed(ref), options, { signal }) };
    } catch (error) {
      if (!(error instanceof RetrievalError) || !isObjectsOwn(error)) throw error;
      failures.set(id, { code: error.code, reason: error.message });
      return null;
    }
  };
  const ingest = async (entries: readonly Entry[], one?: string): Promise<void> => {
    if (entries.length === 0) return;
    const summary = await ports.ingest(entriesSource(ports.objects, entries, options), call);
    counts.written += summary.added + summary.changed;
    counts.unchanged += summary.unchanged;
    for (const { name, code, reason } of summary.failed) failures.set(one ?? name, { code, reason });
  };

  let looks = await askEach(distinct(refs), look, call.signal);
  for (let round = 0; looks.length > 0; round += 1) {
    throwIfCancelled(call.signal);
    if (round === MAX_ROUNDS) {
      for (const { id } of looks)
        failures.set(id, { code: 'source_unavailable', reason: 'It keeps changing' });
      break;
    }
    for (const { id } of looks) failures.delete(id);
    const there = looks.flatMap(({ entry }) => (entry === null ? [] : [entry]));
    await ingest(there.filter(({ format }) => format !== 'jsonl'));
    // One by one: their documents' names do not tell which object they are of.
    for (const entry of there.filter(({ format }) => format === 'jsonl')) {
      await ingest([entry], objectUrl({ bucket: entry.bucket, key: entry.object.key }));
    }
    for (const { id, entry } of looks) {
      if (entry === null && (await ports.remove(id, call))) counts.removed += 1;
    }
    const before = new Map(looks.map((one) => [one.id, one.entry]));
    const again = await askEach(
      looks.map(({ ref }) => ref),
      look,
      call.signal,
    );
    looks = again.filter(({ id, entry }) => !isSameEntry(entry, before.get(id) ?? null));
  }
  return { ...counts, failures };
}

/** Access to one object may be denied; that S3 does not answer is no matter of this object. */
function isObjectsOwn(error: RetrievalError): boolean {
  return (
    hasCode(error, 'source_denied') || hasCode(error, 'invalid_document') || hasCode(error, 'invalid_request')
  );
}

function isSameEntry(a: Entry | null, b: Entry | null): boolean {
  if (a === null || b === null) return a === b;
  return isSameObject(a.object, b.object) && isSameObject(a.sidecar, b.sidecar);
}

function distinct(refs: readonly S3ObjectRef[]): readonly S3ObjectRef[] {
  return [...new Map(refs.map((ref) => [objectUrl(ref), ref])).values()];
}
