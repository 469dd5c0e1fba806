/** What never became a request: bytes that are no HTTP, a head that is too long, one that never ends. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { RetrievalError } from '../errors.js';
import { toProblem } from './problem.js';
import { PROBLEM_TYPE } from './schemas/problem.js';

/** A socket with the answer Node is writing on it, if any. */
interface BusySocket extends Socket {
  readonly _httpMessage?: { readonly headersSent: boolean } | null;
}

/** Answers on the bare socket, and closes it. */
export function answerClientError(error: Error & { readonly code?: string }, socket: BusySocket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent === true) {
    socket.destroy();
    return;
  }
  const problem = toProblem(describe(error.code), '/', randomUUID());
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${String(problem.status)} ${problem.title}\r\n` +
      `content-type: ${PROBLEM_TYPE}\r\n` +
      `content-length: ${String(Buffer.byteLength(body))}\r\n` +
      `x-request-id: ${problem.request_id}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
}

function describe(code: string | undefined): RetrievalError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new RetrievalError('payload_too_large', 'The path and headers are longer than 16 KiB together');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RetrievalError('invalid_request', 'The request did not arrive whole in time');
    default:
      return new RetrievalError('invalid_request', 'This is not valid HTTP');
  }
}
