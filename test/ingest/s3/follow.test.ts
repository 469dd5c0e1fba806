/** Following a queue on a real server: what is deleted, what comes again, and who wins. */
import assert from 'node:assert/strict';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { describe, it } from 'node:test';
import { hasCode } from '../../../src/errors.js';
import type { BatchResult } from '../../../src/ingest/sources/s3/batch.js';
import { followQueue } from '../../../src/ingest/sources/s3/follow.js';
import { parseS3Url } from '../../../src/ingest/sources/s3/location.js';
import { applyPorts } from '../../../src/ingest/sources/s3/ports.js';
import { createEventQueue, type EventQueue } from '../../../src/ingest/sources/s3/queue.js';
import { createSequencers } from '../../../src/ingest/sources/s3/sequencers.js';
import {
  makeBucket,
  makeQueue,
  openSqsClient,
  s3Event,
  withoutS3,
  type TestBucket,
  type TestQueue,
} from '../../support/s3.js';
import { openBench, storedIn, type Bench } from './support.js';

const LONG_POLL_SECONDS = 1;

interface Following {
  readonly batches: readonly BatchResult[];
  /** Resolves once so many messages were answered for, done or failed. */
  answered(messages: number): Promise<void>;
  stop(): Promise<void>;
}

function start(
  { runtime }: Bench,
  bucket: TestBucket,
  queue: TestQueue,
  options: { readonly visibilitySeconds?: number; readonly watch?: (queue: EventQueue) => EventQueue } = {},
): Following {
  const { visibilitySeconds = 30, watch = (one: EventQueue): EventQueue => one } = options;
  const controller = new AbortController();
  const batches: BatchResult[] = [];
  let count = 0;
  let wake: () => void = () => undefined;
  const events = watch(createEventQueue(openSqsClient(), queue.url, LONG_POLL_SECONDS));
  const scope = {
    locations: [parseS3Url(`s3://${bucket.name}/docs/`)],
    options: {},
    sequencers: createSequencers(),
  };
  const running = followQueue(applyPorts(runtime, 'c', bucket.objects), events, scope, {
    signal: controller.signal,
    visibilitySeconds,
    onBatch: (result) => {
      batches.push(result);
      count += result.done.size + result.failed.length;
      wake();
    },
  });
  return {
    batches,
    async answered(messages) {
      while (count < messages) {
        await Promise.race([running, new Promise<void>((resolve) => (wake = resolve))]);
      }
    },
    async stop() {
      controller.abort();
      await running;
    },
  };
}

describe('following a queue', { skip: withoutS3, timeout: 120_000 }, () => {
  it('writes and removes by events of S3, SNS and EventBridge, and deletes their messages', async () => {
    const [bucket, queue, bench] = [await makeBucket(), await makeQueue(), await openBench()];
    await bucket.put('docs/a b+c.md', 'The text of a');
    await bucket.put('docs/b.md', 'The text of b');
    await bucket.put('docs/c.md', 'The text of c');
    await bucket.put('elsewhere/d.md', 'Not named');
    await bucket.put('docs/image.png', 'Not text');
    await queue.send({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: bucket.name });
    await queue.send(s3Event(bucket.name, 'docs/a b+c.md'));
    await queue.send({ Type: 'Notification', Message: JSON.stringify(s3Event(bucket.name, 'docs/b.md')) });
    await queue.send({
      source: 'aws.s3',
      'detail-type': 'Object Created',
      detail: { bucket: { name: bucket.name }, object: { key: 'docs/c.md', sequencer: '01' } },
    });
    await queue.send(s3Event(bucket.name, 'elsewhere/d.md'));
    await queue.send(s3Event(bucket.name, 'docs/image.png'));
    const following = start(bench, bucket, queue);
    await following.answered(6);
    const ids = ['docs/a b+c.md', 'docs/b.md', 'docs/c.md'].map((key) => `s3://${bucket.name}/${key}`);
    assert.deepEqual([...(await storedIn(bench.runtime)).keys()], ids);

    await bucket.delete('docs/b.md');
    await queue.send(s3Event(bucket.name, 'docs/b.md', 'ObjectRemoved:Delete'));
    await bucket.put('docs/c.md.metadata.json', '{"metadataAttributes": {"dept": "HR"}}');
    await queue.send(s3Event(bucket.name, 'docs/c.md.metadata.json'));
    await following.answered(8);
    await following.stop();
    const stored = await storedIn(bench.runtime);
    assert.deepEqual([...stored.keys()], [ids[0], ids[2]]);
    assert.equal(stored.get(ids[2] ?? '')?.['dept'], 'HR');
    assert.deepEqual(await queue.counts(), { waiting: 0, hidden: 0 });
  });

  it('looks at what the object is now, whatever the event says and however late it comes', async () => {
    const [bucket, queue, bench] = [await makeBucket(), await makeQueue(), await openBench()];
    await bucket.put('docs/a.md', 'The newest text');
    await queue.send(s3Event(bucket.name, 'docs/a.md', 'ObjectCreated:Put', '0055AED6DCD90281E7'));
    const following = start(bench, bucket, queue);
    await following.answered(1);
    bucket.takeCalls('');
    await queue.send(s3Event(bucket.name, 'docs/a.md', 'ObjectRemoved:Delete', '0055AED6DCD90281E5'));
    await following.answered(2);
    assert.deepEqual(bucket.takeCalls('HeadObjectCommand'), [], 'an older event needs no look');
    // Without a sequencer nothing tells its age: the object itself decides.
    await queue.send(s3Event(bucket.name, 'docs/a.md', 'ObjectRemoved:Delete'));
    await following.answered(3);
    await following.stop();
    assert.equal((await storedIn(bench.runtime)).size, 1);
    assert.equal(following.batches.at(-1)?.unchanged, 1);
  });

  it('ends with the newest state when the object changes while it is worked on', async () => {
    const [bucket, queue] = [await makeBucket(), await makeQueue()];
    let changes = 0;
    const bench = await openBench({
      before: async () => {
        changes += 1;
        if (changes === 1) await bucket.put('docs/a.md', 'The newest text');
        if (changes === 2) await bucket.delete('docs/a.md');
      },
    });
    await bucket.put('docs/a.md', 'The old text');
    await queue.send(s3Event(bucket.name, 'docs/a.md'));
    const following = start(bench, bucket, queue);
    await following.answered(1);
    await following.stop();
    assert.equal(changes, 2);
    assert.equal((await storedIn(bench.runtime)).size, 0);
  });

  it('never deletes a failed message: it ends in the dead letter queue, and the others are done', async () => {
    const [bucket, queue, bench] = [await makeBucket(), await makeQueue(2), await openBench()];
    await bucket.put('docs/bad.md', new Uint8Array([0, 1, 2]));
    await bucket.put('docs/good.md', 'The text');
    await queue.send(s3Event(bucket.name, 'docs/bad.md'));
    await queue.send(s3Event(bucket.name, 'docs/good.md'));
    await queue.send('no event at all');
    const following = start(bench, bucket, queue, { visibilitySeconds: 1 });
    const dead = await queue.deadLetters(2);
    await following.stop();
    assert.equal(dead.length, 2);
    assert.ok(dead.some((body) => body.includes('docs/bad.md')) && dead.includes('no event at all'));
    assert.deepEqual([...(await storedIn(bench.runtime)).keys()], [`s3://${bucket.name}/docs/good.md`]);
    const codes = following.batches.flatMap(({ failed }) => failed.map(({ failure }) => failure.code));
    assert.deepEqual(new Set(codes), new Set(['invalid_document', 'invalid_request']));
  });

  it('keeps a message hidden for as long as it is worked on', async () => {
    const [bucket, queue] = [await makeBucket(), await makeQueue()];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const bench = await openBench({ before: () => held });
    await bucket.put('docs/a.md', 'The text');
    await queue.send(s3Event(bucket.name, 'docs/a.md'));
    let renewals = 0;
    let renewed: () => void = () => undefined;
    const enough = new Promise<void>((resolve) => (renewed = resolve));
    const following = start(bench, bucket, queue, {
      visibilitySeconds: 1,
      watch: (events) => ({
        ...events,
        async hide(...args) {
          await events.hide(...args);
          renewals += 1;
          if (renewals === 3) renewed();
        },
      }),
    });
    await enough;
    // Longer than the message would stay hidden by itself.
    const { Messages = [] } = await queue.client.send(
      new ReceiveMessageCommand({ QueueUrl: queue.url, WaitTimeSeconds: 2 }),
    );
    assert.deepEqual(Messages, []);
    release();
    await following.answered(1);
    await following.stop();
    assert.deepEqual(await queue.counts(), { waiting: 0, hidden: 0 });
  });

  it('finishes what runs when it is told to stop', async () => {
    const [bucket, queue] = [await makeBucket(), await makeQueue()];
    let stopping = Promise.resolve();
    const bench = await openBench({
      before: () => {
        stopping = following.stop();
      },
    });
    await bucket.put('docs/a.md', 'The text');
    await queue.send(s3Event(bucket.name, 'docs/a.md'));
    const following = start(bench, bucket, queue);
    await following.answered(1);
    await stopping;
    assert.equal((await storedIn(bench.runtime)).size, 1);
    assert.deepEqual(await queue.counts(), { waiting: 0, hidden: 0 });
  });

  it('ends with what waiting does not mend', async () => {
    const [bucket, queue, bench] = [await makeBucket(), await makeQueue(), await openBench()];
    await bucket.put('docs/a.md', 'The text');
    await queue.send(s3Event(bucket.name, 'docs/a.md'));
    await bench.runtime.catalog.deleteCollection('c');
    const following = start(bench, bucket, queue);
    await assert.rejects(following.answered(1), (error) => hasCode(error, 'collection_not_found'));
    assert.deepEqual(await queue.counts(), { waiting: 0, hidden: 1 });
  });
});
