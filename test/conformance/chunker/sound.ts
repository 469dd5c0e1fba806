/** What is promised of the chunks of any document, whichever chunker made them. */
import assert from 'node:assert/strict';
import { MAX_CHARACTERS_PER_TOKEN } from '../../../src/chunking/chunk.js';
import { chunkWith } from '../../../src/chunking/chunkers.js';
import type { Chunk, ChunkerSettings, Document, Tokenizer } from '../../../src/model.js';
import { createFakeEmbedder } from '../../support/fake-embedder.js';

export interface ChunkedDocument {
  readonly document: Document;
  readonly chunks: readonly Chunk[];
}

/** Chunks with that tokenizer, and with a model whose vectors are made of words. */
export async function chunkAny(
  document: Document,
  settings: ChunkerSettings,
  tokenizer: Tokenizer,
): Promise<ChunkedDocument> {
  const model = createFakeEmbedder();
  const { chunks } = await chunkWith(document, settings, {
    tokenizer,
    embed: async (texts, options) => {
      assert.equal(options.inputType, 'document');
      for (const text of texts) assert.ok(tokenizer.count(text) <= tokenizer.maxTokens, 'fits the window');
      return model.embed(texts, options);
    },
  });
  return { document, chunks };
}

/** Most tokens that one chunk's own text is meant to have, the window aside. */
export function largestOf(settings: ChunkerSettings): number {
  switch (settings.kind) {
    case 'structure':
    case 'fixed':
      return settings.targetTokens;
    case 'semantic':
      return settings.maxTokens;
    case 'hierarchical':
      return settings.childTokens;
    default:
      return settings satisfies never;
  }
}

/** Overlap that the settings allow. */
function overlapOf(settings: ChunkerSettings): number {
  return settings.kind === 'structure' || settings.kind === 'fixed' ? settings.overlapTokens : 0;
}

export function assertPromises(
  { document, chunks }: ChunkedDocument,
  settings: ChunkerSettings,
  tokenizer: Tokenizer,
): void {
  const { text } = document;
  let at = 0;
  let reassembled = '';
  for (const [index, chunk] of chunks.entries()) {
    const own = chunk.start + chunk.overlap;
    assert.equal(chunk.ordinal, index);
    assert.equal(chunk.documentId, document.id);
    assert.ok(chunk.overlap >= 0 && own < chunk.end, 'a chunk has text of its own');
    assert.ok(own >= at, 'own spans are in order and do not overlap');
    assert.equal(text.slice(at, own).trim(), '', 'nothing is lost between chunks');
    if (chunk.overlap > 0) {
      assert.ok(chunk.start < at, 'overlap repeats what came before');
      // Where a pack of `structure` had to be divided, what is repeated may reach back further.
      if (settings.kind !== 'structure') assert.ok(chunk.start >= (chunks[index - 1]?.start ?? Infinity));
      // White space between words is not counted with them.
      assert.ok(sumOfWords(text.slice(chunk.start, at), tokenizer) <= overlapOf(settings));
    }
    assert.ok(chunk.text.includes(text.slice(chunk.start, chunk.end)), 'the span is in the text');
    assert.ok(chunk.indexedText.includes(text.slice(chunk.start, chunk.end).trimEnd()), 'and is indexed');
    assert.equal(chunk.tokens, tokenizer.count(chunk.indexedText));
    assert.ok(chunk.tokens <= tokenizer.maxTokens, 'no chunk exceeds the window');
    assert.ok(chunk.end - chunk.start <= 4 * MAX_CHARACTERS_PER_TOKEN * largestOf(settings) + 100);
    assert.ok(chunk.text.isWellFormed(), 'no surrogate pair is cut');
    assert.match(chunk.id, /^[0-9a-f]{32}$/u);
    reassembled += text.slice(at, own) + text.slice(own, chunk.end);
    at = chunk.end;
  }
  assert.equal(text.slice(at).trim(), '', 'nothing is lost at the end');
  assert.equal(reassembled + text.slice(at), text, 'the spans give the document again');
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, chunks.length, 'ids differ');
  assert.equal(chunks.length === 0, text.trim() === '', 'white space alone makes no chunk');
}

function sumOfWords(text: string, tokenizer: Tokenizer): number {
  return text
    .split(/\s+/u)
    .filter((word) => word !== '')
    .reduce((sum, word) => sum + tokenizer.count(word), 0);
}
