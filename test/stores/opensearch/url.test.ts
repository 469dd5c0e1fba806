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
        aws: null,
        prefix: 'docs-1',
        engine: 'lucene',
      },
    );
    assert.deepEqual(parseStoreUrl('opensearch://127.0.0.1:9200'), {
      kind: 'opensearch',
      node: 'http://127.0.0.1:9200',
      username: null,
      password: null,
      aws: null,
      prefix: 'plumbline',
      engine: 'faiss',
    });
  });

  it('says how to sign for AWS; a host there says service and region itself', () => {
    const awsOf = (url: string, region?: string): unknown => {
      const location = parseStoreUrl(url, region);
      return location.kind === 'opensearch' ? location.aws : undefined;
    };
    const domain = 'opensearchs://search-docs-abc.eu-west-1.es.amazonaws.com';
    const serverless = 'opensearchs://abc123.us-gov-west-1.aoss.amazonaws.com';
    assert.deepEqual(awsOf(`${domain}?auth=sigv4`), { service: 'es', region: 'eu-west-1' });
    assert.deepEqual(awsOf(`${serverless}?auth=sigv4`), { service: 'aoss', region: 'us-gov-west-1' });
    const given = 'opensearchs://search.internal?auth=sigv4';
    assert.deepEqual(awsOf(`${given}&service=aoss&region=us-east-1`, 'eu-west-1'), {
      service: 'aoss',
      region: 'us-east-1',
    });
    assert.deepEqual(awsOf(given, 'eu-west-1'), { service: 'es', region: 'eu-west-1' });
    assert.equal(awsOf('opensearchs://me:secret@search.internal', 'eu-west-1'), null);
  });

  it('signs only where that makes sense', () => {
    const wrong = [
      'opensearchs://host?auth=sigv4',
      'opensearchs://host?auth=sigv4&region=',
      'opensearchs://host?auth=sigv4&region=eu-west-1&service=s3',
      'opensearch://host?auth=sigv4&region=eu-west-1',
      'opensearchs://me:hidden@host?auth=sigv4&region=eu-west-1',
      'opensearchs://host?region=eu-west-1',
      'opensearchs://host?service=aoss',
    ];
    for (const url of wrong) {
      assert.throws(
        () => parseStoreUrl(url),
        (error: unknown) =>
          hasCode(error, 'invalid_config') &&
          error.field === 'PLUMBLINE_STORE_URL' &&
          !error.message.includes('hidden'),
        url,
      );
    }
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
