import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { showSummary } from '../../src/cli/summary.js';
import { loadConfig } from '../../src/config.js';
import { openEmbedder } from '../../src/embedders/registry.js';
import type { IngestSummary } from '../../src/ingest/types.js';

describe('settings of remote embedders', () => {
  test('lists of names and values', () => {
    const { bedrock } = loadConfig({
      PLUMBLINE_BEDROCK_MODEL_IDS:
        'titan-v2=arn:aws:bedrock:eu-central-1:1:inference-profile/x, cohere-v3-english=y',
      PLUMBLINE_BEDROCK_PRICES: 'titan-v2=0.5',
    }).models.remote;
    assert.deepEqual(bedrock.modelIds, {
      'titan-v2': 'arn:aws:bedrock:eu-central-1:1:inference-profile/x',
      'cohere-v3-english': 'y',
    });
    assert.deepEqual(bedrock.prices, { 'titan-v2': 0.5 });
  });

  for (const value of ['titan-v2', '=1', 'titan-v2=', 'titan-v2=-1', 'titan-v2=1,titan-v2=2', 'titan-v2=x']) {
    test(`prices that make no sense: ${value}`, () => {
      assert.throws(() => loadConfig({ PLUMBLINE_BEDROCK_PRICES: value }), {
        code: 'invalid_config',
        message: /PLUMBLINE_BEDROCK_PRICES/u,
      });
    });
  }

  test('a misspelt embedder in a list is refused, with the known ones named', async () => {
    const { models } = loadConfig({ PLUMBLINE_BEDROCK_MODEL_IDS: 'titan-v3=x' });
    await assert.rejects(openEmbedder('titan-v2', models), {
      code: 'invalid_config',
      message: /titan-v3.*titan-v2/u,
    });
  });

  test('without a region the setting for it is named', async () => {
    const region = process.env['AWS_REGION'];
    delete process.env['AWS_REGION'];
    process.env['AWS_CONFIG_FILE'] = '/dev/null';
    try {
      const { models } = loadConfig({ PLUMBLINE_EMBED_CACHE: 'off' });
      const embedder = await openEmbedder('titan-v2', models);
      await assert.rejects(embedder.embed(['a'], { inputType: 'query' }), {
        code: 'invalid_config',
        field: 'PLUMBLINE_BEDROCK_REGION',
      });
      await embedder.close();
    } finally {
      if (region !== undefined) process.env['AWS_REGION'] = region;
    }
  });
});

describe('the summary of an ingest', () => {
  const shown = (spent: IngestSummary['spent']): string => {
    let text = '';
    const stream = new Writable({
      write(chunk: Buffer, _, done) {
        text += chunk.toString();
        done();
      },
    });
    const summary: IngestSummary = {
      added: 1,
      changed: 0,
      unchanged: 0,
      removed: 0,
      failed: [],
      withoutText: { documents: 0, ids: [] },
      chunks: 2,
      embedded: 2,
      reused: 0,
      pruneSkipped: false,
      elapsedMs: 10,
      ...(spent === undefined ? {} : { spent }),
    };
    showSummary({ stream, isTerminal: false, hasColour: false, columns: 80 }, 'notes', summary);
    return text;
  };

  test('tokens, and the cost where a price is known', () => {
    assert.match(
      shown({ tokens: 12_345, cached: 1, cost: 0.2469 }),
      /12,345 tokens at the provider, 1 text from the cache, estimated cost 0\.247\n/u,
    );
    assert.match(
      shown({ tokens: 5, cached: 0, cost: null }),
      /5 tokens at the provider, 0 texts from the cache\n/u,
    );
    assert.match(shown({ tokens: 1_000_000, cached: 0, cost: 20 }), /estimated cost 20\.00\n/u);
    assert.doesNotMatch(shown(undefined), /provider/u);
  });
});
