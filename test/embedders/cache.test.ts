import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { appendFile, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { textHash } from '../../src/chunking/text-hash.js';
import { withVectorCache } from '../../src/embedders/cache/index.js';
import { openRecordFile } from '../../src/embedders/cache/records.js';
import { temporaryFolder } from '../bedrock/embed-support.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';

const DIMENSIONS = 8;
const key = (index: number): string => textHash(String(index));
const vector = (index: number): Float32Array =>
  Float32Array.from({ length: DIMENSIONS }, (_, at) => Math.fround(index + at / 10));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

describe('the file of vectors', () => {
  const path = (): string => join(folder.path, 'file.vectors');
  const write = async (from: number, to: number): Promise<void> => {
    const file = await openRecordFile(path(), DIMENSIONS);
    for (let index = from; index < to; index += 1) file.put(key(index), vector(index));
    await file.close();
  };
  /** Which of the first records can be read, each with its own vector. */
  const readable = async (count: number): Promise<readonly number[]> => {
    const file = await openRecordFile(path(), DIMENSIONS);
    const found: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const read = await file.get(key(index));
      if (read === null) continue;
      assert.deepEqual(read, vector(index));
      found.push(index);
    }
    await file.close();
    return found;
  };

  test('what was put is there, at once and after opening it again', async () => {
    const file = await openRecordFile(path(), DIMENSIONS);
    for (const index of [0, 1, 2]) file.put(key(index), vector(index));
    assert.ok(statSync(path()).size > 0, 'it is in the file before anything else happens');
    assert.deepEqual(await file.get(key(1)), vector(1));
    assert.equal(await file.get(key(9)), null);
    await file.close();
    await write(3, 20_000);
    assert.equal((await readable(20_000)).length, 20_000);
  });

  test('cut off at any byte, the records before it are whole and new ones can follow', async () => {
    await write(0, 3);
    const whole = await readFile(path());
    const recordBytes = whole.length / 3;
    for (let length = 0; length < whole.length; length += 1) {
      await writeFile(path(), whole.subarray(0, length));
      const kept = Math.floor(length / recordBytes);
      await write(7, 8);
      assert.deepEqual(
        await readable(8),
        [...Array.from({ length: kept }, (_, index) => index), 7],
        `cut off at ${String(length)}`,
      );
    }
  });

  test('a flipped bit costs its own record only', async () => {
    await write(0, 3);
    const whole = await readFile(path());
    const recordBytes = whole.length / 3;
    for (let at = 0; at < whole.length; at += 1) {
      const broken = Buffer.from(whole);
      broken.writeUInt8((broken[at] ?? 0) ^ 0x10, at);
      await writeFile(path(), broken);
      const hit = Math.floor(at / recordBytes);
      assert.deepEqual(
        await readable(3),
        [0, 1, 2].filter((index) => index !== hit),
      );
    }
  });

  test('two writers at once lose nothing of either, and foreign bytes between are passed over', async () => {
    const [a, b] = await Promise.all([
      openRecordFile(path(), DIMENSIONS),
      openRecordFile(path(), DIMENSIONS),
    ]);
    for (let index = 0; index < 100; index += 1) {
      (index % 2 === 0 ? a : b).put(key(index), vector(index));
      if (index === 50) await appendFile(path(), 'PLV1 is no record');
    }
    for (let index = 0; index < 100; index += 2) {
      const read = await a.get(key(index));
      if (read !== null) assert.deepEqual(read, vector(index));
    }
    await Promise.all([a.close(), b.close()]);
    assert.equal((await readable(100)).length, 100);
  });
});

describe('an embedder with a cache', () => {
  const options = { inputType: 'document' } as const;
  /** A local stand-in that tells its parts as remote ones do. */
  const open = (notices: string[] = [], at = folder.path) => {
    const inner = createFakeEmbedder();
    const asked: string[] = [];
    const telling = {
      ...inner,
      async embed(texts: readonly string[], call: Parameters<typeof inner.embed>[1]) {
        const missing = [...texts.keys()].filter((index) => call.known?.has(index) !== true);
        asked.push(...missing.map((index) => texts[index] ?? ''));
        const vectors = await inner.embed(texts, call);
        for (const index of missing) {
          call.onPart?.({ index, vector: vectors[index] ?? new Float32Array(), tokens: 1 });
        }
        return vectors;
      },
    };
    return {
      asked,
      cached: withVectorCache(telling, { folder: at, onNotice: (text) => notices.push(text) }),
    };
  };

  test('a text is asked for once, in this process and the next; a question every time', async () => {
    const first = open();
    await first.cached.embed(['a', 'b'], options);
    await first.cached.embed(['b', 'c'], options);
    await first.cached.embed(['a'], { inputType: 'query' });
    await first.cached.close();
    const second = open();
    const expected = await second.cached.embed(['x'], options);
    const parts: (number | null)[] = [];
    const vectors = await second.cached.embed(['c', 'x', 'd', 'a'], {
      ...options,
      onPart: ({ index, tokens }) => void (parts[index] = tokens),
    });
    await second.cached.close();
    assert.deepEqual(first.asked, ['a', 'b', 'c', 'a']);
    assert.deepEqual(second.asked, ['x', 'd']);
    assert.deepEqual(vectors[1], expected[0]);
    assert.deepEqual(parts, [null, null, 1, null]);
  });

  test('fresh asks the model and leaves the file alone', async () => {
    const { asked, cached } = open();
    await cached.embed(['a'], options);
    await cached.embed(['a'], { ...options, fresh: true });
    await cached.close();
    assert.deepEqual(asked, ['a', 'a']);
  });

  test('a folder that cannot be written to is told once, and embedding goes on', async () => {
    const notices: string[] = [];
    const file = join(folder.path, 'a-file');
    await writeFile(file, '');
    const { asked, cached } = open(notices, join(file, 'below'));
    await cached.embed(['a'], options);
    await cached.embed(['a'], options);
    await cached.close();
    assert.deepEqual(asked, ['a', 'a']);
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? '', /ENOTDIR/u);
  });

  test('the file is for its owner only, and holds no text', async () => {
    const { cached } = open();
    await cached.embed(['zanzibar'], options);
    await cached.close();
    const [name = ''] = await readdir(folder.path);
    const path = join(folder.path, name);
    assert.equal((await stat(path)).mode & 0o077, 0);
    assert.ok(!(await readFile(path)).includes('zanzibar'));
  });
});
