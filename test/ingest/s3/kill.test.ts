/** kill -9 at seeded moments of following a queue: run again, nothing is lost and nothing is left over. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openFake } from '../../crash/snapshot.js';
import { openCrashStore } from '../../crash/store.js';
import { makeBucket, makeQueue, s3Event, withoutS3, type TestBucket } from '../../support/s3.js';
import { storedIn } from './support.js';

const MOMENTS = 4;
const OBJECTS = 8;
const CHILD = fileURLToPath(new URL('./follow-child.js', import.meta.url));

describe('kill -9 while following a queue', { skip: withoutS3, timeout: 600_000 }, () => {
  let root: string;
  let bucket: TestBucket;
  let marks: number;

  /** Empty but for a document whose object is gone. */
  const fresh = async (name: string): Promise<string> => {
    await cp(join(root, 'template'), join(root, name), { recursive: true });
    return `pglite:${join(root, name)}`;
  };

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'plumbline-follow-'));
    bucket = await makeBucket();
    const runtime = await openFake(await openCrashStore(`pglite:${join(root, 'template')}`));
    await runtime.catalog.createCollection({ name: 'c', embedder: 'fake' });
    const id = `s3://${bucket.name}/gone.md`;
    await runtime.ingest('c', {
      total: 1,
      async *items() {
        yield { kind: 'document', document: { id, format: 'text', content: 'Gone', metadata: {} } };
      },
    });
    await runtime.close();
    for (let index = 0; index < OBJECTS; index += 1) await bucket.put(`${String(index)}.md`, textOf(index));
    const url = await fresh('whole');
    marks = await runOnce(url, Infinity);
    await assertComplete(url);
    assert.ok(marks > MOMENTS, `only ${String(marks)} marks`);
  });
  after(async () => {
    await rm(root, { recursive: true, force: true });
  });

  for (let moment = 0; moment < MOMENTS; moment += 1) {
    it(`moment ${String(moment + 1)} of ${String(MOMENTS)}`, async () => {
      const url = await fresh(`run-${String(moment)}`);
      await runOnce(url, Math.ceil(((moment + 0.5) / MOMENTS) * marks));
      await assertComplete(url);
    });
  }

  /** Sends all events, follows them until that mark, and then by a second process until none is left. */
  async function runOnce(url: string, killAt: number): Promise<number> {
    const queue = await makeQueue(10);
    for (let index = 0; index < OBJECTS; index += 1) {
      await queue.send(s3Event(bucket.name, `${String(index)}.md`));
    }
    await queue.send(s3Event(bucket.name, 'gone.md', 'ObjectRemoved:Delete'));
    const made = await follow(url, queue.url, killAt);
    if (killAt !== Infinity) await follow(url, queue.url, Infinity);
    assert.deepEqual(await queue.counts(), { waiting: 0, hidden: 0 });
    return made;
  }

  async function follow(url: string, queueUrl: string, killAt: number): Promise<number> {
    const child = spawn(process.execPath, [CHILD, url, `s3://${bucket.name}/`, queueUrl], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let count = 0;
    child.stdout.on('data', (data: Buffer) => {
      count += data.length;
      if (count >= killAt) child.kill('SIGKILL');
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (killAt === Infinity) assert.equal(code, 0, 'the uninterrupted run failed');
    return count;
  }

  async function assertComplete(url: string): Promise<void> {
    const runtime = await openFake(await openCrashStore(url));
    try {
      const ids = [...(await storedIn(runtime)).keys()];
      const expected = Array.from(
        { length: OBJECTS },
        (_, index) => `s3://${bucket.name}/${String(index)}.md`,
      );
      assert.deepEqual(ids, expected);
      for (const [index, id] of expected.entries()) {
        const { document, chunks } = await runtime.catalog.getDocument('c', id);
        assert.deepEqual([document.text, chunks.length], [textOf(index), 1]);
      }
    } finally {
      await runtime.close();
    }
  }
});

function textOf(index: number): string {
  return `The text of number ${String(index)}`;
}
