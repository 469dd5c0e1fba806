import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHUNKER_KINDS, chunkerSettings, formatChunker, parseChunker } from '../../src/catalog/chunker.js';
import { describeChunker } from '../../src/cli/chunker-options.js';

describe('chunker settings', () => {
  test('are structure with its defaults where nothing is said', () => {
    assert.deepEqual(chunkerSettings(), { kind: 'structure', targetTokens: 400, overlapTokens: 50 });
    assert.deepEqual(chunkerSettings({ targetTokens: 200 }), {
      kind: 'structure',
      targetTokens: 200,
      overlapTokens: 50,
    });
  });

  test('have the defaults of their kind', () => {
    assert.deepEqual(
      CHUNKER_KINDS.map((kind) => formatChunker(chunkerSettings({ kind }))),
      ['structure:400/50', 'fixed:300/50', 'semantic:300/0/95', 'hierarchical:150/600'],
    );
  });

  test('read from the short form and written to it are the same', () => {
    for (const text of ['structure:128/10', 'fixed:300/0', 'semantic:256/1/90', 'hierarchical:100/400']) {
      assert.equal(formatChunker(chunkerSettings(parseChunker(text))), text);
    }
    assert.deepEqual(parseChunker('semantic'), { kind: 'semantic' });
    assert.deepEqual(parseChunker('fixed:200'), { kind: 'fixed', targetTokens: 200 });
  });

  for (const text of [
    '',
    'sentences',
    'fixed:',
    'fixed:a',
    'fixed:1/2/3',
    'fixed:1:2',
    'fixed:-1',
    'fixed:3e2',
  ]) {
    test(`"${text}" is no chunker`, () => {
      assert.throws(() => parseChunker(text), { code: 'invalid_request', field: 'chunker' });
    });
  }

  test('out of range are refused by name', () => {
    const cases = [
      [{ targetTokens: 8 }, 'chunker.target_tokens'],
      [{ kind: 'fixed', targetTokens: 100, overlapTokens: 51 }, 'chunker.overlap_tokens'],
      [{ kind: 'semantic', breakpointPercentile: 100 }, 'chunker.breakpoint_percentile'],
      [{ kind: 'semantic', bufferSize: 2 }, 'chunker.buffer_size'],
      [{ kind: 'semantic', maxTokens: 1 }, 'chunker.max_tokens'],
      [{ kind: 'hierarchical', childTokens: 150, parentTokens: 200 }, 'chunker.parent_tokens'],
    ] as const;
    for (const [input, field] of cases) {
      assert.throws(() => chunkerSettings(input), { code: 'invalid_request', field });
    }
  });

  test('a setting of another kind is refused, not dropped', () => {
    assert.throws(() => chunkerSettings({ kind: 'semantic', targetTokens: 300 }), {
      code: 'invalid_request',
      field: 'chunker.target_tokens',
      message: /not a setting of the semantic chunker, which has max_tokens, buffer_size/u,
    });
  });

  test('are told in words', () => {
    for (const kind of CHUNKER_KINDS) assert.match(describeChunker(chunkerSettings({ kind })), /\d/u);
  });
});
