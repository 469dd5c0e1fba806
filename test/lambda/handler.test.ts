/** The function on a real S3 server: which messages it says failed, and what it needs of its settings. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasCode } from '../../src/errors.js';
import { createHandler, handler, type BatchResponse } from '../../src/lambda/handler.js';
import { openBench, storedIn, type Bench } from '../ingest/s3/support.js';
import { makeBucket, s3Event, withoutS3, type TestBucket } from '../support/s3.js';

const context = { getRemainingTimeInMillis: (): number => 60_000 };

function sqsEvent(...bodies: readonly unknown[]): unknown {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `m${String(index)}`,
      receiptHandle: 'r',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      eventSource: 'aws:sqs',
    })),
  };
}

function failedOf({ batchItemFailures }: BatchResponse): readonly string[] {
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

describe('the Lambda function', { skip: withoutS3 }, () => {
  const start = (
    bucket: TestBucket,
    { runtime }: Bench,
  ): {
    readonly call: (event: unknown, milliseconds?: number) => Promise<BatchResponse>;
    readonly lines: readonly Readonly<Record<string, unknown>>[];
    readonly opened: () => number;
  } => {
    const lines: Readonly<Record<string, unknown>>[] = [];
    let opened = 0;
    const call = createHandler({
      open: async () => {
        opened += 1;
        if (opened === 1) throw new Error('not yet');
        return { runtime, objects: bucket.objects, collection: 'c' };
      },
      log: (line) => lines.push(line),
    });
    return {
      call: (event, milliseconds = 60_000) => call(event, { getRemainingTimeInMillis: () => milliseconds }),
      lines,
      opened: () => opened,
    };
  };

  it('writes, removes, and answers only the messages that failed', async () => {
    const [bucket, bench] = [await makeBucket(), await openBench()];
    const { call, lines, opened } = start(bucket, bench);
    await bucket.put('a.md', 'The text of a');
    await bucket.put('b.md', new Uint8Array([0, 1]));
    const bridge = {
      source: 'aws.s3',
      detail: { bucket: { name: bucket.name }, object: { key: 'a.md', sequencer: '01' } },
    };
    await assert.rejects(call(sqsEvent(bridge)), /not yet/u);
    const answer = await call(
      sqsEvent(bridge, s3Event(bucket.name, 'b.md'), 'secret', s3Event(bucket.name, 'image.png')),
    );
    assert.deepEqual([...failedOf(answer)].sort(), ['m1', 'm2']);
    assert.deepEqual([...(await storedIn(bench.runtime)).keys()], [`s3://${bucket.name}/a.md`]);
    assert.equal(opened(), 2, 'once after it had failed');
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['info', 'error', 'error'],
    );
    assert.doesNotMatch(JSON.stringify(lines), /secret|The text/u);

    await bucket.delete('a.md');
    const removal = { ...bridge, detail: { ...bridge.detail, object: { key: 'a.md', sequencer: '02' } } };
    assert.deepEqual(failedOf(await call(sqsEvent(removal))), []);
    assert.equal((await storedIn(bench.runtime)).size, 0);
    assert.equal(opened(), 2);
  });

  it('fails all messages when nothing could be done, and in good time', async () => {
    const [bucket, bench] = [await makeBucket(), await openBench()];
    const { call } = start(bucket, bench);
    await bucket.put('a.md', 'The text of a');
    const event = sqsEvent(s3Event(bucket.name, 'a.md'));
    await assert.rejects(call(event));
    await assert.rejects(call(event, 1), (error) => hasCode(error, 'cancelled'));
    await bench.runtime.catalog.deleteCollection('c');
    await assert.rejects(call(event), (error) => hasCode(error, 'collection_not_found'));
  });
});

describe('the Lambda function as AWS calls it', () => {
  it('takes events of SQS only', async () => {
    await assert.rejects(
      handler(s3Event('bucket', 'a.md'), context),
      (error) => hasCode(error, 'invalid_request') && error.field === 'event',
    );
  });

  it('names the settings that it lacks', async (t) => {
    const variables = ['PLUMBLINE_LAMBDA_COLLECTION', 'PLUMBLINE_STORE_URL'] as const;
    const before = variables.map((name) => process.env[name]);
    t.after(() => {
      for (const [index, name] of variables.entries()) {
        const value = before[index];
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    });
    for (const name of variables) Reflect.deleteProperty(process.env, name);
    const event = sqsEvent('{}');
    await assert.rejects(
      handler(event, context),
      (error) => hasCode(error, 'invalid_config') && error.field === 'PLUMBLINE_LAMBDA_COLLECTION',
    );
    process.env['PLUMBLINE_LAMBDA_COLLECTION'] = 'c';
    await assert.rejects(
      handler(event, context),
      (error) => hasCode(error, 'invalid_config') && error.field === 'PLUMBLINE_STORE_URL',
    );
  });
});
