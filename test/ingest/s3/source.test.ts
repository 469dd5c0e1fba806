/** The source on a real server: what is read, when it is read, and what is noticed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasCode } from '../../../src/errors.js';
import { parseS3Url } from '../../../src/ingest/sources/s3/location.js';
import type { S3Objects } from '../../../src/ingest/sources/s3/objects.js';
import { s3Source } from '../../../src/ingest/sources/s3/source.js';
import { makeBucket, withoutS3 } from '../../support/s3.js';
import { itemsOf, namesOf, openBench, sourceOf, storedIn } from './support.js';

/** Objects of the listing; the whole ten thousand where they were asked for. */
const OBJECTS = Number(process.env['PLUMBLINE_TEST_S3_OBJECTS'] ?? 450);

describe('the S3 source', { skip: withoutS3 }, () => {
  it('finds by folder, prefix and key what a folder search would', async () => {
    const bucket = await makeBucket();
    const keys = [
      'docs/a.md',
      'docs/b c+d.html',
      'docs/ü/é.txt',
      'docs/.hidden/x.md',
      'docs/node_modules/x.md',
      'docs/image.png',
      'docs/lines.jsonl',
      'docs/typed',
      'docs/untyped',
      'docs-old/z.md',
      'docs.md',
    ];
    for (const key of keys) {
      const body = key.endsWith('.jsonl') ? '{"id": "line", "text": "One"}\n' : `The text of ${key}`;
      await bucket.put(
        key,
        body,
        key === 'docs/typed' ? { contentType: 'text/markdown; charset=utf-8' } : {},
      );
    }
    await bucket.put('docs/', '');
    const inDocs = ['docs/a.md', 'docs/b c+d.html', 'docs/typed', 'docs/ü/é.txt'];
    const names = async (path: string): Promise<readonly string[]> =>
      (await namesOf(bucket, sourceOf(bucket, path))).filter((name) => name !== '');
    assert.deepEqual(await names('docs/'), inDocs);
    assert.deepEqual(await names('docs'), inDocs);
    assert.deepEqual(await names('docs*'), ['docs-old/z.md', 'docs.md', ...inDocs]);
    assert.deepEqual(await names('docs.md'), ['docs.md']);
    assert.deepEqual(await names('docs/untyped'), ['docs/untyped']);
    assert.deepEqual(await names('docs/.hidden/'), ['docs/.hidden/x.md']);
    assert.deepEqual(await names('nothing/'), ['nothing/: holds no documents']);
    const lines = (await itemsOf(sourceOf(bucket, 'docs/lines.jsonl'))).map((item) =>
      item.kind === 'document' ? item.document.id : item.kind,
    );
    assert.deepEqual(lines, ['line']);
    const overlapping = s3Source(
      bucket.objects,
      ['docs/a.md', 'docs/', 'docs*'].map((path) => parseS3Url(`s3://${bucket.name}/${path}`)),
      {},
    );
    assert.equal((await itemsOf(overlapping)).length, 7, 'what was named twice comes once');
  });

  it('takes front matter, the URL as id and source, and dates of objects where asked', async () => {
    const bucket = await makeBucket();
    await bucket.put('a.md', '---\ntitle: Leave\ndept: HR\n---\n# Leave\n\nTwenty days.');
    const [item] = await itemsOf(sourceOf(bucket, '', { fileDates: true, metadata: { lang: 'en' } }));
    assert.ok(item?.kind === 'document');
    const { document } = item;
    assert.equal(document.id, `s3://${bucket.name}/a.md`);
    assert.equal(document.source, document.id);
    assert.equal(document.title, 'Leave');
    assert.equal(document.metadata['dept'], 'HR');
    assert.equal(document.metadata['lang'], 'en');
    const modifiedAt = document.metadata['modified_at'];
    assert.ok(typeof modifiedAt === 'string' && /^\d{4}-.*Z$/u.test(modifiedAt));
  });

  it('does not read what has not changed, and reads what has', async () => {
    const bucket = await makeBucket();
    const { runtime, embedder } = await openBench();
    for (const name of ['a', 'b', 'c']) await bucket.put(`${name}.md`, `The text of ${name}`);
    const first = await runtime.ingest('c', sourceOf(bucket));
    assert.deepEqual([first.added, first.failed], [3, []]);
    assert.deepEqual(bucket.takeCalls('GetObjectCommand'), ['a.md', 'b.md', 'c.md']);

    const second = await runtime.ingest('c', sourceOf(bucket));
    assert.deepEqual([second.unchanged, second.embedded], [3, 0]);
    assert.deepEqual(bucket.takeCalls('GetObjectCommand'), []);

    // As long as before, so that only the ETag tells.
    await bucket.put('b.md', 'The text of B');
    const third = await runtime.ingest('c', sourceOf(bucket));
    assert.deepEqual([third.changed, third.unchanged, third.embedded], [1, 2, 1]);
    assert.deepEqual(bucket.takeCalls('GetObjectCommand'), ['b.md']);

    // A setting that has a part in the documents makes all of them be read.
    const asked = embedder.texts.length;
    const fourth = await runtime.ingest('c', sourceOf(bucket, '', { metadata: { dept: 'HR' } }));
    assert.deepEqual([fourth.changed, fourth.unchanged], [3, 0]);
    assert.equal(embedder.texts.length, asked, 'metadata costs no embedding');
    assert.equal(await runtime.catalog.countDocuments('c', { dept: 'HR' }), 3);
  });

  it('reads an object written again with the same content once, and embeds nothing', async () => {
    const bucket = await makeBucket();
    const { runtime } = await openBench();
    await bucket.put('a.md', 'The text');
    await runtime.ingest('c', sourceOf(bucket));
    const later = touched(bucket.objects);
    bucket.takeCalls('');
    const source = s3Source(later, [parseS3Url(`s3://${bucket.name}/`)], {});
    const again = await runtime.ingest('c', source);
    assert.deepEqual([again.unchanged, again.changed, again.embedded], [1, 0, 0]);
    assert.deepEqual(bucket.takeCalls('GetObjectCommand'), ['a.md']);
    await runtime.ingest('c', source);
    assert.deepEqual(bucket.takeCalls('GetObjectCommand'), [], 'the new date is remembered');
  });

  it('reads again what was written by other hands', async () => {
    const bucket = await makeBucket();
    const { runtime } = await openBench();
    await bucket.put('a.md', 'The text');
    await runtime.ingest('c', sourceOf(bucket));
    const id = `s3://${bucket.name}/a.md`;
    await runtime.ingest('c', {
      total: 1,
      async *items() {
        yield { kind: 'document', document: { id, format: 'text', content: 'Put by hand', metadata: {} } };
      },
    });
    const summary = await runtime.ingest('c', sourceOf(bucket));
    assert.equal(summary.changed, 1);
  });

  it('notices an object that changes between the listing and the reading', async () => {
    const bucket = await makeBucket();
    const { runtime } = await openBench();
    await bucket.put('a.md', 'The old text');
    await bucket.put('b.md', 'The other text');
    const meddling: S3Objects = {
      ...bucket.objects,
      async *list(name, prefix, options) {
        for await (const object of bucket.objects.list(name, prefix, options)) {
          if (object.key === 'a.md') await bucket.put('a.md', 'The new and longer text');
          if (object.key === 'b.md') await bucket.delete('b.md');
          yield object;
        }
      },
    };
    const source = s3Source(meddling, [parseS3Url(`s3://${bucket.name}/`)], {});
    const summary = await runtime.ingest('c', source);
    assert.deepEqual([summary.added, summary.failed], [1, []]);
    const { document } = await runtime.catalog.getDocument('c', `s3://${bucket.name}/a.md`);
    assert.equal(document.text, 'The new and longer text');
    bucket.takeCalls('');
    const again = await runtime.ingest('c', sourceOf(bucket));
    assert.equal(again.unchanged, 1);
    assert.deepEqual(bucket.takeCalls('GetObjectCommand'), [], 'the version is that of what was read');
  });

  it('gives up on an object that never keeps still, and says so', async () => {
    const bucket = await makeBucket();
    await bucket.put('a.md', '0');
    let count = 0;
    const meddling: S3Objects = {
      ...bucket.objects,
      async read(ref, request) {
        count += 1;
        await bucket.put('a.md', `Version ${String(count)}`);
        return bucket.objects.read(ref, request);
      },
    };
    const source = s3Source(meddling, [parseS3Url(`s3://${bucket.name}/`)], {});
    assert.deepEqual(await namesOf(bucket, source), ['a.md: changed while it was read; ingest again']);
  });

  it('refuses what is no text or too large, and goes on', async () => {
    const bucket = await makeBucket();
    await bucket.put('a.md', new Uint8Array([0x23, 0x20, 0x00, 0xff]));
    await bucket.put('b.md', 'x'.repeat(2048));
    await bucket.put('c.md', 'Fine');
    await bucket.put('d.jsonl', `{"id": "1", "text": "${'x'.repeat(2048)}"}\n{"id": "2", "text": "Fine"}\n`);
    const items = await itemsOf(sourceOf(bucket, '', { maxBytes: 1024 }));
    const told = items.map((item) =>
      item.kind === 'failed' ? item.error.message : item.kind === 'document' ? item.document.content : '',
    );
    assert.deepEqual(told, [
      'is binary, not text',
      'is larger than 1024 bytes',
      'Fine',
      'is a line longer than 1024 bytes',
      'Fine',
    ]);
    assert.equal(bucket.takeCalls('GetObjectCommand').includes('b.md'), false, 'not even begun');
  });

  it('lists in pages, pairing objects with sidecars far behind them', async () => {
    const bucket = await makeBucket();
    const { runtime } = await openBench();
    await inParallel(OBJECTS, (index) =>
      bucket.put(`many/${String(index).padStart(6, '0')}.md`, `Text number ${String(index)}`),
    );
    // All of these come between the object and its sidecar.
    await inParallel(60, (index) => bucket.put(`many/z.md-${String(index)}.md`, `Between ${String(index)}`));
    await bucket.put('many/z.md', 'The last');
    await bucket.put('many/z.md.metadata.json', '{"metadataAttributes": {"dept": "HR"}}');
    const pageSize = Math.min(1000, Math.floor(OBJECTS / 9));
    const summary = await runtime.ingest('c', sourceOf(bucket, 'many/', { pageSize }));
    assert.deepEqual([summary.added, summary.failed], [OBJECTS + 61, []]);
    assert.equal(bucket.takeCalls('ListObjectsV2Command').length, Math.ceil((OBJECTS + 62) / pageSize));
    assert.equal(await runtime.catalog.countDocuments('c', { dept: 'HR' }), 1);
    const again = await runtime.ingest('c', sourceOf(bucket, 'many/', { pageSize }), { prune: true });
    assert.deepEqual([again.unchanged, again.removed], [OBJECTS + 61, 0]);
    assert.deepEqual(bucket.takeCalls('GetObjectCommand'), []);
  });

  it('prunes what vanished, within the ceiling, and keeps what came meanwhile', async () => {
    const bucket = await makeBucket();
    const { runtime } = await openBench();
    for (const name of ['a', 'b', 'c', 'd']) await bucket.put(`${name}.md`, `The text of ${name}`);
    await runtime.ingest('c', sourceOf(bucket));
    await bucket.delete('a.md');
    await bucket.delete('b.md');
    const share = { kind: 'share', share: 0.25 } as const;
    await assert.rejects(
      runtime.ingest('c', sourceOf(bucket), { prune: true, maxDelete: share }),
      (error) => hasCode(error, 'prune_refused') && error.details['vanished'] === 2,
    );
    assert.equal(await runtime.catalog.countDocuments('c'), 4);
    const source = sourceOf(bucket);
    const summary = await runtime.ingest(
      'c',
      {
        ...source,
        async *items(signal, stored) {
          yield* source.items(signal, stored);
          await bucket.put('b.md', 'Here again');
        },
      },
      { prune: true, maxDelete: { kind: 'documents', documents: 2 } },
    );
    assert.equal(summary.removed, 1);
    assert.deepEqual(
      [...(await storedIn(runtime)).keys()],
      ['b', 'c', 'd'].map((name) => `s3://${bucket.name}/${name}.md`),
    );
  });

  it('tells a bucket that is not there, and stops when told to', async () => {
    const bucket = await makeBucket();
    const nowhere = s3Source(bucket.objects, [parseS3Url('s3://no-such-bucket-of-ours/')], {});
    await assert.rejects(itemsOf(nowhere), (error) => hasCode(error, 'invalid_request'));
    const controller = new AbortController();
    controller.abort();
    await bucket.put('a.md', 'The text');
    const items = sourceOf(bucket).items(controller.signal)[Symbol.asyncIterator]();
    await assert.rejects(items.next(), (error) => hasCode(error, 'cancelled'));
  });
});

/** The same objects, of a later date. */
function touched(objects: S3Objects): S3Objects {
  return {
    ...objects,
    async *list(bucket, prefix, options) {
      for await (const object of objects.list(bucket, prefix, options)) {
        yield { ...object, modifiedAt: object.modifiedAt + 60_000 };
      }
    },
  };
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
