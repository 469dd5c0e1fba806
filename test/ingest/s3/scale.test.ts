/** Ten thousand objects, a gigabyte, and a network that misbehaves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasCode } from '../../../src/errors.js';
import { parseS3Url } from '../../../src/ingest/sources/s3/location.js';
import type { S3Objects } from '../../../src/ingest/sources/s3/objects.js';
import { s3Source, type S3Options } from '../../../src/ingest/sources/s3/source.js';
import type { Source } from '../../../src/ingest/types.js';
import { longObject, startFakeS3, textObject, type FakeS3 } from './fake-s3.js';
import { itemsOf, openBench } from './support.js';

const MIB = 1024 * 1024;

function sourceOf(fake: FakeS3, options: S3Options = {}): Source {
  return s3Source(fake.objects, [parseS3Url('s3://fake-bucket/')], options);
}

/** Most memory beyond that at the beginning, looked at after each item. */
async function growth(source: Source): Promise<{ readonly bytes: number; readonly items: number }> {
  const before = process.memoryUsage().rss;
  let most = before;
  let items = 0;
  for await (const item of source.items()) {
    assert.equal(item.kind, 'document');
    items += 1;
    most = Math.max(most, process.memoryUsage().rss);
  }
  return { bytes: most - before, items };
}

describe('the S3 source at scale', { timeout: 120_000 }, () => {
  it('lists ten thousand objects, and the second time reads none', async () => {
    const count = 10_000;
    const objects = Array.from({ length: count }, (_, index) =>
      textObject(`docs/${String(index).padStart(6, '0')}.txt`, `Text number ${String(index)}`),
    );
    const fake = await startFakeS3({ objects });
    const { runtime } = await openBench();
    let reads = 0;
    // Listed over the wire; ten thousand reads over it would only take long.
    const listed: S3Objects = {
      ...fake.objects,
      read: async ({ key }) => {
        reads += 1;
        return { kind: 'bytes', bytes: Buffer.from(`Text of ${key}`) };
      },
    };
    const source = s3Source(listed, [parseS3Url('s3://fake-bucket/')], {});
    const first = await runtime.ingest('c', source);
    assert.deepEqual([first.added, first.failed, reads], [count, [], count]);
    assert.equal(fake.calls.length, 10, 'ten pages of the listing and nothing else');
    const second = await runtime.ingest('c', source, { prune: true });
    assert.deepEqual([second.unchanged, second.removed, reads], [count, 0, count]);
    assert.equal(fake.calls.length, 20);
    await fake.close();
  });

  it('streams a gigabyte in objects with bounded memory', async () => {
    const size = 16 * MIB;
    const objects = Array.from({ length: 64 }, (_, index) =>
      longObject(`docs/${String(index).padStart(3, '0')}.txt`, size, 'A line of an endless text.\n'),
    );
    const fake = await startFakeS3({ objects });
    const { bytes, items } = await growth(sourceOf(fake));
    assert.equal(items, 64);
    assert.equal(fake.sent(), 64 * size);
    assert.ok(bytes < 400 * MIB, `memory grew by ${String(Math.round(bytes / MIB))} MiB`);
    await fake.close();
  });

  it('streams one long object of JSON lines with bounded memory', async () => {
    const line = `{"id": "1", "text": "${'word '.repeat(800)}"}\n`;
    const lines = Math.floor((128 * MIB) / line.length);
    const fake = await startFakeS3({ objects: [longObject('docs/a.jsonl', lines * line.length, line)] });
    const { bytes, items } = await growth(sourceOf(fake));
    assert.equal(items, lines);
    assert.ok(bytes < 250 * MIB, `memory grew by ${String(Math.round(bytes / MIB))} MiB`);
    await fake.close();
  });

  it('refuses what is too large without reading it, also when the listing knew nothing of it', async () => {
    const objects = [longObject('a.txt', 1024 * MIB, 'x'), textObject('b.txt', 'small')];
    const fake = await startFakeS3({ objects, fault: (key) => (key === 'b.txt' ? 'lie' : null) });
    const items = await itemsOf(sourceOf(fake, { maxBytes: MIB }));
    assert.deepEqual(
      items.map((item) => item.kind === 'failed' && item.error.message),
      ['is larger than 1 MiB', 'is larger than 1 MiB'],
    );
    assert.deepEqual(
      fake.calls.filter((call) => call.startsWith('GET')),
      ['GET b.txt'],
    );
    // What stands in buffers on the way was sent and not taken.
    assert.ok(fake.sent() < 32 * MIB, String(fake.sent()));
    await fake.close();
  });
});

describe('the S3 source when the network misbehaves', () => {
  it('reads an object again whose body was cut', async () => {
    const objects = [textObject('a.txt', 'The whole text'), textObject('b.txt', 'Never whole')];
    const fake = await startFakeS3({
      objects,
      fault: (key, count) => (key === 'b.txt' || count === 1 ? 'cut' : null),
    });
    const items = await itemsOf(sourceOf(fake));
    assert.deepEqual(
      items.map((item) => (item.kind === 'document' ? item.document.content : item.kind)),
      ['The whole text', 'failed'],
    );
    await fake.close();
  });

  it('goes on past an object that may not be read, and names the permission', async () => {
    const objects = ['a', 'b'].map((name) => textObject(`${name}.txt`, name));
    const fake = await startFakeS3({ objects, fault: (key) => (key === 'a.txt' ? 403 : null) });
    const items = await itemsOf(sourceOf(fake));
    assert.deepEqual(
      items.map(({ kind }) => kind),
      ['failed', 'document'],
    );
    const [item] = items;
    assert.ok(item?.kind === 'failed' && item.error.code === 'source_denied');
    assert.match(item.error.message, /s3:\/\/fake-bucket\/a\.txt \(s3:GetObject\)/u);
    assert.doesNotMatch(item.error.message, /secret/u);
    await fake.close();
  });

  it('ends the run when S3 does not answer, or may not be listed', async () => {
    const objects = [textObject('a.txt', 'a')];
    const slow = await startFakeS3({ objects, fault: () => 503 });
    await assert.rejects(itemsOf(sourceOf(slow)), (error) => hasCode(error, 'source_unavailable'));
    assert.equal(slow.calls.filter((call) => call === 'GET a.txt').length, 2, 'only the SDK retries');
    await slow.close();
    const denied = await startFakeS3({ objects, listStatus: 403 });
    await assert.rejects(
      itemsOf(sourceOf(denied)),
      (error) => hasCode(error, 'source_denied') && error.message.includes('s3:ListBucket'),
    );
    await denied.close();
    await assert.rejects(itemsOf(sourceOf(denied)), (error) => hasCode(error, 'source_unavailable'));
  });
});
