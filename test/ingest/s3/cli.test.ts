/** `plumbline ingest s3://…` as a process: settings, exit codes, following, signals. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonLines, runInProcess, runProcess, startProcess, type Finished } from '../../cli/support.js';
import { makeBucket, makeQueue, s3Environment, s3Event, withoutS3 } from '../../support/s3.js';
import { makeFolder } from '../sources/support.js';

describe('options of S3 on the command line', () => {
  for (const [args, field] of [
    [['a.md', '--follow', 'https://sqs.example/1/q'], 'follow'],
    [['s3://bucket/a', 'a.md', '--follow', 'https://sqs.example/1/q'], 'follow'],
    [['s3://bucket/a', '--follow', 'no-url'], 'follow'],
    [['s3://bucket/a', '--no-sync'], 'sync'],
    [['a.md', '--s3-tags'], 's3_tags'],
    [['a.md', '--max-delete', '10%'], 'max_delete'],
    [['a.md', '--force'], 'force'],
    [['s3://Bad_Bucket/a'], 'path'],
  ] as const) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, stderr } = await runInProcess(['ingest', ...args, '--collection', 'c', '--json']);
      assert.equal(code, 2, stderr);
      assert.equal(jsonLines(stderr)[0]?.['field'], field);
    });
  }

  for (const ceiling of ['ten', '-1', '101%', '1.5']) {
    it(`refuses --max-delete ${ceiling}`, async () => {
      const { code } = await runInProcess([
        'ingest',
        'a.md',
        '-c',
        'c',
        '--prune',
        `--max-delete=${ceiling}`,
      ]);
      assert.equal(code, 2);
    });
  }
});

describe('plumbline ingest s3://', { skip: withoutS3, timeout: 300_000 }, () => {
  it('reads, reads no more than has changed, prunes within the ceiling, and follows', async (t) => {
    const cwd = await makeFolder(t, {});
    const env = { ...s3Environment, PLUMBLINE_STORE_URL: `pglite:${cwd}/data` };
    const bucket = await makeBucket();
    const url = `s3://${bucket.name}/docs/`;
    for (const name of ['a', 'b', 'c', 'd']) await bucket.put(`docs/${name}.md`, `The text of ${name}`);
    const ingest = (...options: readonly string[]): Promise<Finished> =>
      runProcess(['ingest', url, '-c', 'handbook', '--json', ...options], { cwd, env });

    const first = await ingest('--embedder', 'minilm-l6');
    assert.equal(first.code, 0, first.stderr);
    assert.equal(jsonLines(first.stdout)[0]?.['added'], 4);

    await bucket.delete('docs/a.md');
    const refused = await ingest('--prune');
    assert.deepEqual([refused.code, refused.stdout], [2, ''], refused.stderr);
    const problem = jsonLines(refused.stderr.slice(refused.stderr.indexOf('{'))).at(-1);
    assert.deepEqual([problem?.['code'], problem?.['status']], ['prune_refused', 409]);
    const forced = await ingest('--prune', '--force');
    assert.equal(forced.code, 0, forced.stderr);
    const [summary] = jsonLines(forced.stdout);
    assert.deepEqual([summary?.['removed'], summary?.['unchanged'], summary?.['embedded']], [1, 3, 0]);

    const queue = await makeQueue();
    await bucket.put('docs/e.md', 'The text of e');
    await queue.send(s3Event(bucket.name, 'docs/e.md'));
    const args = ['ingest', url, '-c', 'handbook', '--json', '--no-sync', '--follow', queue.url];
    const running = startProcess(args, { cwd, env });
    const { child, finished } = running;
    child.stdin.end();
    await running.said(/"stage":"follow"/u);
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    child.kill('SIGTERM');
    const followed = await finished;
    assert.equal(followed.code, 0, followed.stderr);
    assert.deepEqual(jsonLines(followed.stdout), [
      { messages: 1, written: 1, unchanged: 0, removed: 0, failed: [] },
    ]);
    assert.deepEqual(await queue.counts(), { waiting: 0, hidden: 0 });
  });
});
