/** From what PostgreSQL and its driver say to Plumbline's errors. */
import { RetrievalError, cancelled } from '../../errors.js';

/** Classes and codes of PostgreSQL's appendix A after which the same statement may well succeed. */
const RETRYABLE = /^(?:08...|40001|40P01|57P01|57P02|57P03|53300|55P03)$/u;
const CONNECTION = /^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|EAI_AGAIN)/u;

/** SQLSTATE, or Node's code for what went wrong on the socket; null when there is neither. */
export function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether the connection or the transaction was at fault, and not the statement. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== null) return RETRYABLE.test(code) || CONNECTION.test(code);
  return (
    error instanceof Error &&
    /connection terminated|client has encountered|timeout exceeded/iu.test(error.message)
  );
}

/**
 * A typed error in place of a driver's. PostgreSQL's `detail`, `where` and the query's text may
 * hold rows, so the cause keeps its code and nothing that was stored.
 */
export function translate(error: unknown, signal: AbortSignal | undefined): RetrievalError {
  if (error instanceof RetrievalError) return error;
  if (signal?.aborted === true) return cancelled(signal.reason);
  const code = codeOf(error);
  const cause = new Error(`SQLSTATE ${code ?? 'unknown'}`);
  if (code === '57014') {
    return new RetrievalError('timeout', 'A statement took longer than PLUMBLINE_PG_STATEMENT_TIMEOUT_MS', {
      cause,
      details: { sqlstate: code },
    });
  }
  if (code === '42P01') {
    return new RetrievalError('collection_not_found', 'The collection, or this generation of it, is gone', {
      cause,
    });
  }
  if (isTransient(error)) {
    return new RetrievalError('store_unavailable', 'PostgreSQL cannot be reached, or ended the connection', {
      cause,
      details: { code },
    });
  }
  return new RetrievalError('store_error', `PostgreSQL refused a statement (SQLSTATE ${code ?? 'unknown'})`, {
    cause,
    details: { sqlstate: code },
  });
}
