/** Ports whose calls are watched as steps, so that what uses them needs no knowledge of it. */
import type { Embedder } from '../embedders/port.js';
import type { Reranker } from '../rerank/port.js';
import type { VectorStore } from '../stores/port.js';
import type { RunStep } from './types.js';

/** The same store; its legs, completions, reads and writes are steps. */
export function watchStore(store: VectorStore, step: RunStep): VectorStore {
  return {
    ...store,
    vectorLeg: (ref, query, options) =>
      step('vector', { k: query.k, exact: query.exact === true }, () => store.vectorLeg(ref, query, options)),
    keywordLeg: (ref, query, options) =>
      step('keyword', { k: query.k }, () => store.keywordLeg(ref, query, options)),
    scoreChunks: (ref, query, options) =>
      step('complete', { chunks: query.chunkIds.length }, () => store.scoreChunks(ref, query, options)),
    getChunks: (ref, ids, options) =>
      step('read', { chunks: ids.length }, () => store.getChunks(ref, ids, options)),
    documentChunks: (ref, id, options) => step('read', {}, () => store.documentChunks(ref, id, options)),
    putDocuments: (ref, pin, documents, options) =>
      step('write', { documents: documents.length }, () => store.putDocuments(ref, pin, documents, options)),
  };
}

/** Opens the same embedders; the same one each time. */
export function watchEmbedders(
  open: (name: string) => Promise<Embedder>,
  step: RunStep,
): (name: string) => Promise<Embedder> {
  const watched = new WeakMap<Embedder, Embedder>();
  return async (name) => {
    const embedder = await open(name);
    const known = watched.get(embedder);
    if (known !== undefined) return known;
    const made: Embedder = {
      ...embedder,
      // It may change while the process lives.
      get pin() {
        return embedder.pin;
      },
      embed: (texts, options) =>
        step('embed', { embedder: embedder.name, input: options.inputType, texts: texts.length }, () =>
          embedder.embed(texts, options),
        ),
    };
    watched.set(embedder, made);
    return made;
  };
}

export function watchReranker(reranker: Reranker, step: RunStep): Reranker {
  return {
    ...reranker,
    rerank: (request, options) =>
      step('rerank', { model: request.model, texts: request.texts.length }, () =>
        reranker.rerank(request, options),
      ),
  };
}
