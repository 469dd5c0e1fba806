/** What an ingest would make of a source, without a vector and without a write. */
import { RetrievalError, throwIfCancelled } from '../errors.js';
import type { ChunkerSettings, Tokenizer } from '../model.js';
import { chunkRawDocument } from './prepare.js';
import type { DryRunItem, Source } from './types.js';

export async function* dryRun(
  source: Source,
  chunker: ChunkerSettings,
  tokenizer: Tokenizer,
  signal?: AbortSignal,
): AsyncGenerator<DryRunItem> {
  for await (const item of source.items(signal)) {
    throwIfCancelled(signal);
    if (item.kind === 'failed') {
      yield failed(item.name, item.error);
      continue;
    }
    const { id } = item.document;
    try {
      const { document, chunks } = chunkRawDocument(item.document, chunker, tokenizer);
      yield { kind: 'document', document: { id, title: document.title, chunks } };
    } catch (error) {
      if (!(error instanceof RetrievalError)) throw error;
      yield failed(id, error);
    }
  }
}

function failed(name: string, error: RetrievalError): DryRunItem {
  return { kind: 'failed', failure: { name, code: error.code, reason: error.message } };
}
