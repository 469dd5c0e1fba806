/** From what Oracle and its driver say to Plumbline's errors. */
import { RetrievalError, cancelled } from '../../errors.js';

/** After these the same work may well succeed, on a new connection or a moment later. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'ORA-00018', // sessions
  'ORA-00020', // processes
  'ORA-00054', // a table is busy
  'ORA-00060', // deadlock
  'ORA-01033', // starting or stopping
  'ORA-01034', // not started
  'ORA-01109', // not open
  'ORA-03150', // a link was lost
  'ORA-04021', // an object is being changed
  'ORA-04061', // a cursor's objects changed
  'ORA-08103', // an object was replaced while it was read
  'ORA-08177', // serialization
  'ORA-12170', // connecting took too long
  'ORA-12514', // the listener does not know the service, yet
  'ORA-12516',
  'ORA-12518',
  'ORA-12519',
  'ORA-12520',
  'ORA-12521',
  'ORA-12528',
  'ORA-12541', // no listener
  'ORA-14411', // another definition is being changed
  'ORA-25408', // the session moved to another instance
  'ORA-51815', // a vector index is being changed
]);

/** The driver's own: the connection is gone, cannot be made, or did not come free. */
const LOST =
  /^NJS-(?:003|040|076|500|501|503|504|506|510|511|513|518|519|521|530)$|^ORA-(?:00028|00603|01012|01089|01090|01092|03113|03114|03135|12537|12547|12570)$|^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|EAI_AGAIN)/u;

/** `ORA-00942`, `NJS-500`, or Node's code for what went wrong on the socket; null when there is none. */
export function codeOf(error: unknown): string | null {
  if (error instanceof RetrievalError) {
    const { code } = error.details;
    return typeof code === 'string' ? code : null;
  }
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether the connection is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  return code !== null && (LOST.test(code) || code === 'NJS-123');
}

/** Whether the connection or the moment was at fault, and not the statement. */
export function isTransient(error: unknown): boolean {
  if (error instanceof RetrievalError) return false;
  const code = codeOf(error);
  return code !== null && (TRANSIENT.has(code) || LOST.test(code));
}

/** What an operator can do about it. */
const REMEDIES: Readonly<Record<string, string>> = {
  'ORA-00439': 'This Oracle release or edition has no AI Vector Search; 23ai or newer is needed',
  'ORA-00902': 'This Oracle release has no vectors; 23ai or newer is needed',
  'ORA-01017': 'Oracle refused the user name or the password of PLUMBLINE_STORE_URL',
  'ORA-01031': 'The Oracle user may not do this; grant CREATE TABLE and CREATE SEQUENCE',
  'ORA-01536': "The Oracle user's quota on its tablespace is used up; raise it",
  'ORA-01652': 'The Oracle tablespace is full; extend it',
  'ORA-01653': 'The Oracle tablespace is full; extend it',
  'ORA-01950': 'The Oracle user has no quota on its tablespace; grant one',
  'ORA-28000': 'The Oracle account is locked',
  'ORA-28001': "The Oracle account's password has expired",
  'ORA-43853': 'The Oracle tablespace has no automatic segment space management, which vectors need',
  'ORA-51908': 'There are too few vectors for that many partitions; set lists to auto, or load more first',
  'ORA-51928':
    'This Oracle release refuses changes to a table with an HNSW index; use ivfflat, or a newer release',
  'ORA-51962': 'HNSW needs vector memory: set vector_memory_size on the Oracle server, or use ivfflat',
};

/**
 * A typed error in place of a driver's. Oracle's messages may repeat values, so the cause keeps its
 * code and nothing that was stored.
 */
export function translate(error: unknown, signal: AbortSignal | undefined): RetrievalError {
  if (error instanceof RetrievalError) return error;
  if (signal?.aborted === true) return cancelled(signal.reason);
  const code = codeOf(error);
  const cause = new Error(code ?? 'unknown');
  const details = { code };
  switch (code) {
    case 'NJS-123':
    case 'ORA-01013':
      return new RetrievalError('timeout', 'A statement took longer than the URL parameter callTimeout', {
        cause,
        details,
      });
    case 'ORA-00942':
      return new RetrievalError('collection_not_found', 'The collection, or this generation of it, is gone', {
        cause,
      });
    case 'ORA-51803':
    case 'ORA-51805':
    case 'ORA-51808':
      return new RetrievalError('invalid_vector', "A vector is not of the collection's model", {
        cause,
        details,
        field: 'vector',
      });
    default:
  }
  if (isTransient(error)) {
    return new RetrievalError('store_unavailable', 'Oracle cannot be reached, or ended the connection', {
      cause,
      details,
    });
  }
  const remedy = code === null ? undefined : REMEDIES[code];
  return new RetrievalError('store_error', remedy ?? `Oracle refused a statement (${code ?? 'unknown'})`, {
    cause,
    details,
  });
}
