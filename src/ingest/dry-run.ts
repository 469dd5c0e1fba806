/** What an ingest would make of a source, without a write; only the semantic chunker asks the model. */
import type { SentenceModel } from '../chunking/chunkers.js';
import { ERRORS, RetrievalError, hasCode, throwIfCancelled } from '../errors.js';
import type { ChunkerSettings } from '../model.js';
import { chunkRawDocument } from './prepare.js';
import type { DryRunItem, Source } from './types.js';

export async function* dryRun(
  source: Source,
  chunker: ChunkerSettings,
  model: SentenceModel,
  signal?: AbortSignal,
): AsyncGenerator<DryRunItem> {
  for await (const item of source.items(signal)) {
    throwIfCancelled(signal);
    if (item.kind === 'failed') {
      yield failed(item.name, item.error);
      continue;
    }
    // Nothing is compared in a dry run, so no source can know this.
    if (item.kind === 'unchanged') continue;
    const { id } = item.document;
    try {
      const { document, chunks } = await chunkRawDocument(item.document, chunker, model, signal);
      yield { kind: 'document', document: { id, title: document.title, chunks } };
    } catch (error) {
      if (!(error instanceof RetrievalError)) throw error;
      // The model's fault, not the document's.
      if (ERRORS[error.code].fault !== 'caller' || hasCode(error, 'cancelled')) throw error;
      yield failed(id, error);
    }
  }
}

function failed(name: string, error: RetrievalError): DryRunItem {
  return { kind: 'failed', failure: { name, code: error.code, reason: error.message } };
}
