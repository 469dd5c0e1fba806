/** The pieces that need no server: locations, events, sequencers, reading ahead. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasCode } from '../../../src/errors.js';
import { compareSequencers, parseEvents } from '../../../src/ingest/sources/s3/events.js';
import { contains, parseS3Url } from '../../../src/ingest/sources/s3/location.js';
import { readAhead } from '../../../src/ingest/read-ahead.js';
import { createSequencers } from '../../../src/ingest/sources/s3/sequencers.js';
import { s3Event } from '../../support/s3.js';

describe('s3:// locations', () => {
  it('are a folder, a prefix, or what is named', () => {
    assert.deepEqual(parseS3Url('s3://docs-bucket'), { bucket: 'docs-bucket', key: '', kind: 'folder' });
    assert.equal(parseS3Url('s3://docs-bucket/a/').kind, 'folder');
    assert.deepEqual(parseS3Url('s3://docs-bucket/a*'), { bucket: 'docs-bucket', key: 'a', kind: 'prefix' });
    assert.equal(parseS3Url('s3://docs-bucket/a').kind, 'named');
  });

  for (const url of ['s3://', 's3://ab/x', 's3://Upper/x', 's3://bad_name/x']) {
    it(`refuses ${url}`, () => {
      assert.throws(
        () => parseS3Url(url),
        (error) => hasCode(error, 'invalid_request') && error.field === 'path',
      );
    });
  }

  it('refuses directory buckets, which list in no order', () => {
    assert.throws(
      () => parseS3Url('s3://name--use1-az4--x-s3/a'),
      (error) => hasCode(error, 'unsupported_capability'),
    );
  });

  it('hold what lies in them', () => {
    const holds = (url: string, key: string, bucket = 'docs-bucket'): boolean =>
      contains(parseS3Url(url), { bucket, key });
    assert.equal(holds('s3://docs-bucket/a', 'a'), true);
    assert.equal(holds('s3://docs-bucket/a', 'a/b.md'), true);
    assert.equal(holds('s3://docs-bucket/a', 'ab.md'), false);
    assert.equal(holds('s3://docs-bucket/a*', 'ab.md'), true);
    assert.equal(holds('s3://docs-bucket/a/', 'a/.git/b.md'), false);
    assert.equal(holds('s3://docs-bucket/a/.git/', 'a/.git/b.md'), true);
    assert.equal(holds('s3://docs-bucket/', 'a/b.md', 'other-bucket'), false);
    assert.equal(holds('s3://docs-bucket/', 'a/'), false);
  });
});

describe('events', () => {
  it('decode keys of S3, and leave those of EventBridge as they are', () => {
    const event = parseEvents(JSON.stringify(s3Event('b', 'a b/ü+%.md', 'ObjectCreated:Put', '0A')));
    assert.deepEqual(event, [{ bucket: 'b', key: 'a b/ü+%.md', sequencer: '0A' }]);
    const bridge = { source: 'aws.s3', detail: { bucket: { name: 'b' }, object: { key: 'a+b%20.md' } } };
    assert.deepEqual(parseEvents(JSON.stringify(bridge)), [
      { bucket: 'b', key: 'a+b%20.md', sequencer: null },
    ]);
    const wrapped = { Type: 'Notification', Message: JSON.stringify(bridge) };
    assert.equal(parseEvents(JSON.stringify(wrapped)).length, 1);
    assert.deepEqual(parseEvents('{"Event": "s3:TestEvent"}'), []);
  });

  for (const body of ['', '[]', '{"Records": [{"eventSource": "aws:sns"}]}', '{"secret": "text"}']) {
    it(`refuse ${body === '' ? 'nothing' : body} without repeating it`, () => {
      assert.throws(
        () => parseEvents(body),
        (error) => hasCode(error, 'invalid_request') && !error.message.includes('secret'),
      );
    });
  }

  it('are ordered by sequencers of any length', () => {
    assert.ok(compareSequencers('0055AED6DCD90281E5', '0055AED6DCD90281E6') < 0);
    assert.ok(compareSequencers('0055aed6', '0055AED5FF') > 0);
    assert.equal(compareSequencers('0055AED6', '0055AED600'), 0);
    const sequencers = createSequencers(2);
    const event = (key: string, sequencer: string | null): Parameters<typeof sequencers.add>[0] => ({
      bucket: 'b',
      key,
      sequencer,
    });
    sequencers.add(event('a', '05'));
    sequencers.add(event('a', '03'));
    assert.equal(sequencers.covers(event('a', '04')), true);
    assert.equal(sequencers.covers(event('a', '06')), false);
    assert.equal(sequencers.covers(event('a', null)), false);
    sequencers.add(event('b', '01'));
    sequencers.add(event('c', '01'));
    assert.equal(sequencers.covers(event('a', '04')), false, 'the oldest was forgotten');
  });
});

describe('reading ahead', () => {
  it('keeps the order and both bounds, and lets one large job run alone', async () => {
    let running = 0;
    let bytes = 0;
    const most = { running: 0, bytes: 0 };
    const sizes = [5, 1, 1, 30, 4, 4, 4, 4, 4, 4];
    const jobs = sizes.map((size, index) => ({
      size,
      run: async () => {
        running += 1;
        bytes += size;
        most.running = Math.max(most.running, running);
        if (size < 30) most.bytes = Math.max(most.bytes, bytes);
        await new Promise(setImmediate);
        running -= 1;
        bytes -= size;
        return index;
      },
    }));
    const seen: number[] = [];
    for await (const index of readAhead(jobs, { jobs: 3, bytes: 10 }, undefined)) seen.push(index);
    assert.deepEqual(seen, [...sizes.keys()]);
    assert.deepEqual(most, { running: 3, bytes: 8 });
  });

  it('ends what runs when the reader leaves or a job fails', async () => {
    const signals: AbortSignal[] = [];
    const job = (index: number): { size: number; run: (signal: AbortSignal) => Promise<number> } => ({
      size: 1,
      run: async (signal) => {
        signals.push(signal);
        if (index === 3) throw new Error('broken');
        return index;
      },
    });
    for await (const index of readAhead([0, 1, 2].map(job), { jobs: 2, bytes: 9 }, undefined)) {
      if (index === 0) break;
    }
    assert.ok(signals.length === 2 && signals.every(({ aborted }) => aborted));
    await assert.rejects(async () => {
      for await (const index of readAhead([3, 1].map(job), { jobs: 2, bytes: 9 }, undefined))
        assert.ok(index);
    }, /broken/u);
  });
});
