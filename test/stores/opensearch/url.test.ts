import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseStoreUrl } from '../../../src/config.js';
import { hasCode } from '../../../src/errors.js';

describe("OpenSearch's store URL", () => {
  it('holds the server, the user, a prefix and an engine', () => {
    assert.deepEqual(
      parseStoreUrl('opensearchs://me:p%40ss@search.internal:9200/?prefix=docs-1&engine=lucene'),
      {
        kind: 'opensearch',
        node: 'https://search.internal:9200',
        username: 'me',
        password: 'p@ss',
        prefix: 'docs-1',
        engine: 'lucene',
      },
    );
    assert.deepEqual(parseStoreUrl('opensearch://127.0.0.1:9200'), {
      kind: 'opensearch',
      node: 'http://127.0.0.1:9200',
      username: null,
      password: null,
      prefix: 'plumbline',
      engine: 'faiss',
    });
  });

  it('is refused where it makes no sense, without being repeated', () => {
    for (const rest of ['?engine=nmslib', '?prefix=Upper', '?prefix=*', '?prefx=a', '/path', '?prefix=']) {
      assert.throws(
        () => parseStoreUrl(`opensearch://me:hidden@host:9200${rest}`),
        (error: unknown) => hasCode(error, 'invalid_config') && !error.message.includes('hidden'),
        rest,
      );
    }
    assert.throws(() => parseStoreUrl('opensearch://'), { code: 'invalid_config' });
  });
});
