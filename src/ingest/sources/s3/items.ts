/** Entries → what the pipeline takes: unchanged ones unread, the others read ahead and in order. */
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RetrievalError, hasCode, throwIfCancelled } from '../../../errors.js';
import type { JsonObject } from '../../../model.js';
import type { CallOptions } from '../../../stores/port.js';
import type { SourceItem, StoredVersions } from '../../types.js';
import { textDocument, type SourceOptions } from '../files.js';
import type { FileFormat } from '../formats.js';
import { jsonlItems } from '../jsonl.js';
import { failedByError } from '../problems.js';
import { DEFAULT_MAX_BYTES, decodeText } from '../text.js';
import { formatOfContentType } from './formats.js';
import { objectUrl, type S3ObjectRef } from './location.js';
import type { S3Objects } from './objects.js';
import { askEach, readAhead } from '../../read-ahead.js';
import { readParts, readWhole } from './read.js';
import type { Entry } from './select.js';
import { MAX_SIDECAR_BYTES, parseSidecar } from './sidecar.js';
import { objectVersion } from './version.js';

export interface ObjectOptions extends SourceOptions {
  /** Give documents that state no date of change that of the object. */
  readonly fileDates?: boolean;
  /** Take an object's tags as metadata; costs a call for each object, each time. */
  readonly tags?: boolean;
}

/** Entries whose versions are compared with one question to the store. */
const GROUP = 256;
const READ_AHEAD = { jobs: 8, bytes: 64 * 1024 * 1024 } as const;

/** An entry of which all is known but its content. */
interface Known {
  readonly entry: Entry;
  readonly ref: S3ObjectRef;
  readonly id: string;
  readonly format: FileFormat;
  readonly tags: Readonly<Record<string, string>> | null;
}

type Step =
  { readonly kind: 'item'; readonly item: SourceItem } | { readonly kind: 'known'; readonly known: Known };

/** The documents of the entries. One that cannot be read is yielded as failed, and the next ones go on. */
export async function* entryItems(
  objects: S3Objects,
  entries: AsyncIterable<Entry>,
  options: ObjectOptions,
  signal: AbortSignal | undefined,
  stored: StoredVersions | undefined,
): AsyncGenerator<SourceItem> {
  for await (const group of groupsOf(entries, GROUP)) {
    throwIfCancelled(signal);
    yield* groupItems(objects, group, options, signal, stored);
  }
}

async function* groupItems(
  objects: S3Objects,
  group: readonly Entry[],
  options: ObjectOptions,
  signal: AbortSignal | undefined,
  stored: StoredVersions | undefined,
): AsyncGenerator<SourceItem> {
  const steps = await askEach(group, (entry, joint) => describe(objects, entry, options, joint), signal);
  const ids = steps.flatMap((step) =>
    step.kind === 'known' && step.known.format !== 'jsonl' ? [step.known.id] : [],
  );
  const versions = ids.length === 0 ? undefined : await stored?.(ids);
  const reading = steps.map((step) => ({
    size: step.kind === 'known' && step.known.format !== 'jsonl' ? step.known.entry.object.size : 0,
    run: async (joint: AbortSignal): Promise<SourceItem | Known | null> => {
      if (step.kind === 'item') return step.item;
      const { known } = step;
      if (known.format === 'jsonl') return known;
      if (versions?.get(known.id) === versionOf(known, options)) return { kind: 'unchanged', id: known.id };
      return readDocument(objects, known, options, joint);
    },
  }));
  for await (const read of readAhead(reading, READ_AHEAD, signal)) {
    if (read === null) continue;
    if ('kind' in read) yield read;
    else yield* readLines(objects, read, options, signal);
  }
}

/** Asks what the listing does not tell; null for what is no document. */
async function describe(
  objects: S3Objects,
  entry: Entry,
  options: ObjectOptions,
  signal: AbortSignal,
): Promise<Step | null> {
  const ref = { bucket: entry.bucket, key: entry.object.key };
  const id = objectUrl(ref);
  try {
    let format = entry.format;
    if (format === 'ask') {
      const described = await objects.head(ref, { signal });
      const found = formatOfContentType(described?.contentType ?? null, entry.isNamed);
      if (described === null || found === 'none') return null;
      format = found;
    }
    const tags = options.tags === true ? ownTags(await objects.tags(ref, { signal })) : null;
    return { kind: 'known', known: { entry, ref, id, format, tags } };
  } catch (error) {
    return { kind: 'item', item: failed(id, error, signal) };
  }
}

async function readDocument(
  objects: S3Objects,
  known: Known,
  options: ObjectOptions,
  signal: AbortSignal,
): Promise<SourceItem | null> {
  const { entry, ref, id, format } = known;
  const { maxBytes = DEFAULT_MAX_BYTES } = options;
  try {
    if (format === 'jsonl') throw new RetrievalError('internal', 'JSON lines are no document');
    const whole = await readWhole(objects, ref, entry.object, maxBytes, { signal });
    if (whole === null) return null;
    const { overrides, sidecar } = await readMetadata(objects, known, options, { signal });
    const modifiedAt =
      options.fileDates === true ? new Date(whole.object.modifiedAt).toISOString() : undefined;
    const document = textDocument(id, decodeText(whole.bytes), format, overrides, id, modifiedAt);
    const read: Known = { ...known, entry: { ...entry, object: whole.object, sidecar } };
    return { kind: 'document', document, version: versionOf(read, options) };
  } catch (error) {
    return failed(id, error, signal);
  }
}

async function* readLines(
  objects: S3Objects,
  known: Known,
  options: ObjectOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<SourceItem> {
  const { entry, ref, id } = known;
  const { maxBytes = DEFAULT_MAX_BYTES } = options;
  const call = signal === undefined ? {} : { signal };
  try {
    const { overrides } = await readMetadata(objects, known, options, call);
    const named = options.format === 'jsonl' ? undefined : options.format;
    const reading = { name: id, format: named ?? ('text' as const), metadata: overrides, maxBytes };
    const parts = Readable.from(readParts(objects, ref, entry.object, call), { objectMode: false });
    const isPacked = ref.key.toLowerCase().endsWith('.gz');
    const stream = isPacked ? pipeline(parts, createGunzip(), () => undefined) : parts;
    yield* jsonlItems(stream, reading, signal);
  } catch (error) {
    yield failed(id, error, signal);
  }
}

/** Later ones win: the tags, the sidecar, what the user gave for all documents. */
async function readMetadata(
  objects: S3Objects,
  { entry, ref, tags }: Known,
  { metadata = {} }: ObjectOptions,
  call: CallOptions,
): Promise<{ readonly overrides: JsonObject; readonly sidecar: Entry['sidecar'] }> {
  if (entry.sidecar === null) return { overrides: { ...tags, ...metadata }, sidecar: null };
  const sidecarRef = { bucket: ref.bucket, key: entry.sidecar.key };
  const whole = await readWhole(objects, sidecarRef, entry.sidecar, MAX_SIDECAR_BYTES, call).catch(
    (error: unknown) => {
      if (!hasCode(error, 'invalid_document')) throw error;
      throw new RetrievalError('invalid_metadata', `The sidecar ${error.message}`, { cause: error });
    },
  );
  if (whole === null) return { overrides: { ...tags, ...metadata }, sidecar: null };
  return { overrides: { ...tags, ...parseSidecar(whole.bytes), ...metadata }, sidecar: whole.object };
}

function versionOf(
  { entry, tags, format }: Known,
  { metadata = {}, fileDates = false }: ObjectOptions,
): string {
  return objectVersion({ object: entry.object, sidecar: entry.sidecar, tags, format, metadata, fileDates });
}

/** AWS's own tags, such as those of a stack, say nothing of a document. */
function ownTags(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tags).filter(([name]) => !name.startsWith('aws:')));
}

/**
 * @throws RetrievalError what is not about this object alone: the source cannot be reached, or the
 *   caller has given up.
 */
function failed(id: string, error: unknown, signal: AbortSignal | undefined): SourceItem {
  if (hasCode(error, 'source_unavailable') || hasCode(error, 'invalid_config')) throw error;
  return failedByError(id, error, signal);
}

async function* groupsOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
