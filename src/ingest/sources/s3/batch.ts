/** Messages → which of them are done, for whoever received them. */
import { RetrievalError } from '../../../errors.js';
import type { CallOptions } from '../../../stores/port.js';
import { applyObjects, type Applied, type ApplyFailure, type ApplyPorts } from './apply.js';
import { parseEvents, type S3Event } from './events.js';
import { formatOfKey, withoutSidecar } from './formats.js';
import type { ObjectOptions } from './items.js';
import { contains, isNamed, objectUrl, type S3Location, type S3ObjectRef } from './location.js';
import type { Sequencers } from './sequencers.js';

export interface BatchScope {
  /** Events of objects elsewhere are left out; null takes all. */
  readonly locations: readonly S3Location[] | null;
  readonly options: ObjectOptions;
  readonly sequencers: Sequencers;
}

export interface BatchMessage {
  readonly id: string;
  readonly body: string;
}

export interface FailedMessage {
  readonly id: string;
  /** Null where the message itself could not be understood. */
  readonly object: string | null;
  readonly failure: ApplyFailure;
}

export interface BatchResult extends Omit<Applied, 'failures'> {
  /** Whose events are all worked on: these may be deleted. */
  readonly done: ReadonlySet<string>;
  readonly failed: readonly FailedMessage[];
}

/** @throws RetrievalError when nothing could be worked on; then no message is done. */
export async function workOnMessages(
  ports: ApplyPorts,
  messages: readonly BatchMessage[],
  scope: BatchScope,
  call: CallOptions,
): Promise<BatchResult> {
  const failed: FailedMessage[] = [];
  const read: { readonly id: string; readonly events: readonly S3Event[] }[] = [];
  for (const { id, body } of messages) {
    try {
      read.push({ id, events: parseEvents(body).filter((event) => isOurs(event, scope)) });
    } catch (error) {
      if (!(error instanceof RetrievalError)) throw error;
      failed.push({ id, object: null, failure: { code: error.code, reason: error.message } });
    }
  }
  const events = read.flatMap((message) => message.events);
  const refs = events.filter((event) => !scope.sequencers.covers(event)).map(documentOf);
  const { failures, ...counts } = await applyObjects(
    ports,
    refs,
    (ref) => isNamed(scope.locations ?? [], ref),
    scope.options,
    call,
  );
  const done = new Set<string>();
  for (const { id, events: own } of read) {
    const bad = own.map((event) => objectUrl(documentOf(event))).find((object) => failures.has(object));
    const failure = bad === undefined ? undefined : failures.get(bad);
    if (bad === undefined || failure === undefined) done.add(id);
    else failed.push({ id, object: bad, failure });
  }
  for (const event of events) {
    if (!failures.has(objectUrl(documentOf(event)))) scope.sequencers.add(event);
  }
  return { ...counts, done, failed };
}

function isOurs(event: S3Event, { locations, options }: BatchScope): boolean {
  const ref = documentOf(event);
  if (locations === null) return formatOfKey(ref.key, false, options.format) !== 'none';
  if (!locations.some((location) => contains(location, ref))) return false;
  return formatOfKey(ref.key, isNamed(locations, ref), options.format) !== 'none';
}

/** A sidecar's change is a change of the document that it is of. */
function documentOf({ bucket, key }: S3ObjectRef): S3ObjectRef {
  return { bucket, key: withoutSidecar(key) };
}
