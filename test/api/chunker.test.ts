/** Chunkers on the wire: what is asked for, what is answered, what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromChunker, toNewChunker } from '../../src/api/chunker-wire.js';
import { collectionSchema, newCollectionSchema } from '../../src/api/schemas/collection.js';
import { CHUNKER_KINDS, chunkerSettings } from '../../src/catalog/chunker.js';

const chunkerSchema = collectionSchema.shape.generation.shape.chunker;

test('a chunker comes back as it was asked for', () => {
  const body = newCollectionSchema.parse({
    name: 'c',
    embedder: 'e',
    chunker: { kind: 'hierarchical', child_tokens: 100, parent_tokens: 400 },
  });
  const settings = chunkerSettings(toNewChunker(body.chunker ?? {}));
  assert.deepEqual(chunkerSchema.parse(fromChunker(settings)), {
    kind: 'hierarchical',
    child_tokens: 100,
    parent_tokens: 400,
  });
});

test('every kind has an answer that its schema takes whole', () => {
  for (const kind of CHUNKER_KINDS) {
    const wire = fromChunker(chunkerSettings({ kind }));
    assert.deepEqual(chunkerSchema.parse(wire), wire);
    assert.deepEqual(chunkerSettings(toNewChunker(wire)), chunkerSettings({ kind }));
  }
});

test('what names no kind is structure, as it always was', () => {
  const { chunker } = newCollectionSchema.parse({
    name: 'c',
    embedder: 'e',
    chunker: { target_tokens: 200 },
  });
  assert.deepEqual(chunkerSettings(toNewChunker(chunker ?? {})), {
    kind: 'structure',
    targetTokens: 200,
    overlapTokens: 50,
  });
});

test('an unknown kind and an unknown setting are refused', () => {
  for (const chunker of [{ kind: 'sentences' }, { kind: 'fixed', window: 3 }, { max_tokens: 'many' }]) {
    assert.equal(newCollectionSchema.safeParse({ name: 'c', embedder: 'e', chunker }).success, false);
  }
});
