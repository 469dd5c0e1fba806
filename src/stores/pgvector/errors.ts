/** From what PostgreSQL and its driver say to Plumbline's errors. */
import { RetrievalError, cancelled } from '../../errors.js';

/**
 * Codes of PostgreSQL's appendix A after which the connection is of no more use, and another one
 * may do. 25006: a statement that writes met a server that only reads, which is what a connection
 * to the writer of before a failover leads to.
 */
const LOST = /^(?:08...|25006|57P01|57P02|57P03)$/u;
/** Those after which the same statement may well succeed where it is. */
const CONFLICT = /^(?:40001|40P01|53300|55P03)$/u;
const SOCKET =
  /^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE)/u;
/** What the driver says without a code. */
const LOST_MESSAGE =
  /connection terminated|client has encountered|timeout exceeded|timeout expired|query read timeout/iu;
/** OpenSSL's and Node.js' names for a certificate that is not accepted. */
const CERTIFICATE =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/u;
const NO_TLS = /server does not support SSL/iu;

/** SQLSTATE, or Node's code for what went wrong on the socket; null when there is neither. */
export function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether the connection was at fault: it is gone, or leads to a server that no longer writes. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== null) return LOST.test(code) || SOCKET.test(code);
  return error instanceof Error && LOST_MESSAGE.test(error.message);
}

/** Whether the connection or the transaction was at fault, and not the statement. */
export function isTransient(error: unknown): boolean {
  return isLost(error) || CONFLICT.test(codeOf(error) ?? '');
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
  if (code === '25006') {
    return new RetrievalError(
      'store_unavailable',
      'PostgreSQL only reads here: the URL names a replica, or a failover is not over',
      { cause, details: { code } },
    );
  }
  if (isTransient(error)) {
    return new RetrievalError('store_unavailable', 'PostgreSQL cannot be reached, or ended the connection', {
      cause,
      details: { code },
    });
  }
  return refusal(error, code, cause);
}

/** What is the same at the next attempt. */
function refusal(error: unknown, code: string | null, cause: Error): RetrievalError {
  if (error instanceof Error && code === null && NO_TLS.test(error.message)) {
    return new RetrievalError(
      'store_unavailable',
      'The PostgreSQL server has no TLS: turn it on there, or say sslmode=disable in its URL',
      { details: { code: 'no_tls' } },
    );
  }
  if (code !== null && CERTIFICATE.test(code)) {
    return new RetrievalError(
      'store_unavailable',
      `The PostgreSQL server's certificate is not accepted (${code}): look at sslmode in its URL, at the host's name there, and at the CA in sslrootcert or PLUMBLINE_POSTGRES_CA_FILE`,
      { cause, details: { code } },
    );
  }
  if (code === '28P01' || code === '28000') {
    return new RetrievalError(
      'store_error',
      `PostgreSQL refused the login (SQLSTATE ${code}): look at the user and the password, at pg_hba.conf, and with IAM whether the role has rds_iam`,
      { cause, details: { sqlstate: code } },
    );
  }
  return new RetrievalError('store_error', `PostgreSQL refused a statement (SQLSTATE ${code ?? 'unknown'})`, {
    cause,
    details: { sqlstate: code },
  });
}
