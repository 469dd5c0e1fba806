/** Metadata beside objects: sidecars and tags on a real server, and the sidecar's form. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RetrievalError } from '../../../src/errors.js';
import { parseSidecar } from '../../../src/ingest/sources/s3/sidecar.js';
import { makeBucket, withoutS3 } from '../../support/s3.js';
import { namesOf, openBench, sourceOf, storedIn } from './support.js';

describe('a sidecar', () => {
  it('has values as they are and values with their types', () => {
    const sidecar = {
      metadataAttributes: {
        dept: 'HR',
        year: 2024,
        public: true,
        tags: ['leave', 'pay'],
        author: { value: { type: 'STRING', stringValue: 'Ada' }, includeForEmbedding: true },
        pages: { value: { type: 'NUMBER', numberValue: 12 }, includeForEmbedding: false },
        draft: { value: { type: 'BOOLEAN', booleanValue: false } },
        regions: { value: { type: 'STRING_LIST', stringListValue: ['EU'] } },
      },
    };
    assert.deepEqual(parseSidecar(Buffer.from(JSON.stringify(sidecar))), {
      dept: 'HR',
      year: 2024,
      public: true,
      tags: ['leave', 'pay'],
      author: 'Ada',
      pages: 12,
      draft: false,
      regions: ['EU'],
    });
  });

  for (const [text, field] of [
    ['not JSON', 'metadataAttributes'],
    ['{}', 'metadataAttributes'],
    ['{"metadataAttributes": {"secret": {"a": 1}}}', 'metadataAttributes.secret'],
    [
      '{"metadataAttributes": {"secret": {"value": {"type": "NUMBER", "stringValue": "1"}}}}',
      'metadataAttributes.secret',
    ],
    ['{"metadataAttributes": {"secret": null}}', 'metadataAttributes.secret'],
  ] as const) {
    it(`is refused when it is ${text}`, () => {
      assert.throws(
        () => parseSidecar(Buffer.from(text)),
        (error) =>
          error instanceof RetrievalError && error.code === 'invalid_metadata' && error.field === field,
      );
    });
  }
});

describe('metadata beside objects', { skip: withoutS3 }, () => {
  it('takes sidecars, reads a document again whose sidecar changes, and never as a document', async () => {
    const bucket = await makeBucket();
    const { runtime, embedder } = await openBench();
    await bucket.put('a.md', '---\ndept: Sales\nlang: en\n---\nThe text of a');
    await bucket.put('b.md', 'The text of b');
    await bucket.put('a.md.metadata.json', '{"metadataAttributes": {"dept": "HR", "year": 2024}}');
    await bucket.put('gone.md.metadata.json', '{"metadataAttributes": {"dept": "HR"}}');
    const id = `s3://${bucket.name}/a.md`;
    const first = await runtime.ingest('c', sourceOf(bucket));
    assert.deepEqual([first.added, first.failed], [2, []]);
    const before = (await storedIn(runtime)).get(id);
    assert.deepEqual([before?.['dept'], before?.['year'], before?.['lang']], ['HR', 2024, 'en']);

    const asked = embedder.texts.length;
    await bucket.put('a.md.metadata.json', '{"metadataAttributes": {"dept": "IT"}}');
    const second = await runtime.ingest('c', sourceOf(bucket));
    assert.deepEqual([second.changed, second.unchanged], [1, 1]);
    assert.equal((await storedIn(runtime)).get(id)?.['dept'], 'IT');
    assert.equal(embedder.texts.length, asked);

    await bucket.delete('a.md.metadata.json');
    const third = await runtime.ingest('c', sourceOf(bucket, 'a.md'));
    assert.equal(third.changed, 1);
    assert.equal((await storedIn(runtime)).get(id)?.['dept'], 'Sales');

    await bucket.put('a.md.metadata.json', '{"metadataAttributes": ');
    const names = await namesOf(bucket, sourceOf(bucket));
    assert.match(names[0] ?? '', /^a\.md: The sidecar's metadataAttributes cannot be read/u);
    assert.equal(names[1], 'b.md');
  });

  it('takes tags where asked, below sidecars, and notices their change without reading first', async () => {
    const bucket = await makeBucket();
    const { runtime } = await openBench();
    await bucket.put('a.md', 'The text of a');
    await bucket.put('b.md', 'The text of b');
    await bucket.put('b.md.metadata.json', '{"metadataAttributes": {"dept": "IT"}}');
    await bucket.tag('a.md', { dept: 'HR', state: 'final' });
    await bucket.tag('b.md', { dept: 'HR' });
    const without = await runtime.ingest('c', sourceOf(bucket));
    assert.equal(without.added, 2);
    assert.deepEqual(bucket.takeCalls('GetObjectTaggingCommand'), []);
    assert.equal(await runtime.catalog.countDocuments('c'), 2);

    const tagged = await runtime.ingest('c', sourceOf(bucket, '', { tags: true }));
    assert.equal(tagged.changed, 1, 'the tags of b do not show behind its sidecar');
    assert.deepEqual(bucket.takeCalls('GetObjectTaggingCommand'), ['a.md', 'b.md']);
    assert.equal(await runtime.catalog.countDocuments('c', { dept: 'HR', state: 'final' }), 1);
    assert.equal(await runtime.catalog.countDocuments('c', { dept: 'IT' }), 1);

    await runtime.ingest('c', sourceOf(bucket, '', { tags: true }));
    assert.deepEqual(bucket.takeCalls('GetObjectCommand'), []);
    await bucket.tag('a.md', { dept: 'Legal' });
    const again = await runtime.ingest('c', sourceOf(bucket, '', { tags: true }));
    assert.deepEqual([again.changed, again.unchanged], [1, 1]);
    assert.equal(await runtime.catalog.countDocuments('c', { dept: 'Legal' }), 1);
  });
});
