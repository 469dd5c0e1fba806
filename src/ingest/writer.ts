/**
 * Writes prepared documents in batches as their vectors arrive, so that embedding and writing
 * overlap while memory stays bounded.
 */
import { RetrievalError } from '../errors.js';
import type { DocumentWrite } from '../stores/port.js';

export interface WriterLimits {
  /** Chunks that may wait for vectors or for writing: what a crash costs at most, and a document more. */
  readonly inFlight: number;
  /** Chunks a batch is written at, if not before. */
  readonly batch: number;
}

/** Deep enough that no embedder idles, be it a provider that takes many requests at once. */
export const DEEP: WriterLimits = { inFlight: 1024, batch: 512 };

export interface WriterPorts {
  /** All of the batch or nothing. */
  readonly write: (batch: readonly DocumentWrite[]) => Promise<void>;
  readonly onWritten: (documents: readonly DocumentWrite[]) => void;
  /** A document that the store refused for its own sake. */
  readonly onRefused: (id: string, error: RetrievalError) => void;
}

export interface DocumentWriter {
  /**
   * Hands over a document whose vectors are being made; null when it turns out not to be written.
   * Resolves when there is room for more.
   * Rejects when an earlier document's embedding, or a write, failed for good.
   */
  add(chunkCount: number, pending: Promise<DocumentWrite | null>): Promise<void>;
  /** Writes what is left. */
  finish(): Promise<void>;
}

export function createDocumentWriter(ports: WriterPorts, limits: WriterLimits = DEEP): DocumentWriter {
  const queue: { readonly chunkCount: number; readonly pending: Promise<DocumentWrite | null> }[] = [];
  let inFlight = 0;
  let running: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;
  let wakeAdder: (() => void) | null = null;

  const write = async (batch: readonly DocumentWrite[]): Promise<void> => {
    try {
      await ports.write(batch);
      ports.onWritten(batch);
    } catch (error) {
      if (!isDocumentsFault(error)) throw error;
      const [only] = batch;
      if (batch.length === 1 && only !== undefined) {
        ports.onRefused(only.document.id, error);
        return;
      }
      // One document spoils its batch: find it, and write the others.
      for (const item of batch) await write([item]);
    }
  };

  const drain = async (): Promise<void> => {
    let batch: DocumentWrite[] = [];
    let batchChunks = 0;
    const flush = async (): Promise<void> => {
      const documents = batch;
      const chunks = batchChunks;
      batch = [];
      batchChunks = 0;
      if (documents.length > 0) await write(documents);
      inFlight -= chunks;
      wakeAdder?.();
    };
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const document = await next.pending;
        if (document !== null) batch.push(document);
        batchChunks += next.chunkCount;
        if (batchChunks >= limits.batch) await flush();
      }
    } catch (error) {
      failure ??= { error };
    }
    // Vectors that were paid for are kept, whatever happened to the next document.
    await flush();
  };

  const start = (): void => {
    running ??= drain()
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        running = null;
        // What came during the last write found the writer still running, and did not start it.
        if (queue.length > 0 && failure === null) start();
        wakeAdder?.();
      });
  };

  const throwFailure = (): void => {
    if (failure !== null) throw failure.error;
  };

  return {
    async add(chunkCount, pending) {
      // Awaited by `drain` in its turn; until then a rejection must not count as unhandled.
      pending.catch(() => undefined);
      throwFailure();
      inFlight += chunkCount;
      queue.push({ chunkCount, pending });
      start();
      while (inFlight > limits.inFlight && running !== null) {
        await new Promise<void>((resolve) => {
          wakeAdder = resolve;
        });
        wakeAdder = null;
      }
      throwFailure();
    },

    async finish() {
      while (running !== null) await running;
      throwFailure();
    },
  };
}

function isDocumentsFault(error: unknown): error is RetrievalError {
  if (!(error instanceof RetrievalError)) return false;
  return (
    error.code === 'invalid_document' ||
    error.code === 'invalid_metadata' ||
    error.code === 'invalid_vector' ||
    error.code === 'field_type_conflict'
  );
}
