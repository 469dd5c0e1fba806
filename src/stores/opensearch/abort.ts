/** Waiting that ends when the caller goes. */
import { cancelled, throwIfCancelled } from '../../errors.js';

/** @throws RetrievalError `cancelled`; what is waited for goes on by itself */
export async function unlessAborted<T>(waiting: PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return waiting;
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(cancelled(signal.reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    // It may have come before anybody listened.
    if (signal.aborted) onAbort();
  });
  try {
    const value = await Promise.race([waiting, aborted]);
    throwIfCancelled(signal);
    return value;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
