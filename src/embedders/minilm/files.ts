/** Checked files: nothing gets a final name before its hash has been compared. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MODEL_ID, type ModelFile } from './models.js';

/** A file or an answer whose bytes are not the pinned ones. */
export class WrongBytes extends Error {
  override readonly name = 'WrongBytes';
}

/** Each file stands under its hash, so two versions never meet. */
export function cachePath(cacheDir: string, file: ModelFile): string {
  return join(cacheDir, 'models', MODEL_ID, file.sha256, file.name);
}

/** Hex SHA-256 of a file; null when there is none. */
export async function hashFile(path: string, signal: AbortSignal | undefined): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return null;
    }
    throw error;
  }
  return hash.digest('hex');
}

/** Whether the file is there, and whether it is the pinned one. */
export async function checkFile(
  path: string,
  file: ModelFile,
  signal: AbortSignal | undefined,
): Promise<'ok' | 'absent' | 'wrong'> {
  const found = await hashFile(path, signal);
  if (found === null) return 'absent';
  return found === file.sha256 ? 'ok' : 'wrong';
}

/**
 * Streams `bytes` into the cache: into a file of its own, hashed on the way, then renamed. So any
 * number of processes can fetch the same file at once, and a killed one leaves no half file behind
 * the final name.
 * @throws WrongBytes naming `from`, and nothing is kept.
 */
export async function writeToCache(
  bytes: AsyncIterable<Uint8Array>,
  file: ModelFile,
  target: string,
  from: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const temporary = join(dirname(target), `.${file.name}.${randomUUID()}.partial`);
  const hash = createHash('sha256');
  let received = 0;
  try {
    await pipeline(
      bytes,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          received += chunk.byteLength;
          if (received > file.bytes) {
            throw new WrongBytes(`${from} gave more than the ${file.bytes} bytes of the pinned ${file.name}`);
          }
          hash.update(chunk);
          yield chunk;
        }
      },
      // Flushed before the rename, or a power cut could leave the final name on an empty file.
      createWriteStream(temporary, { flags: 'wx', flush: true }),
      { signal },
    );
    if (received < file.bytes) {
      throw new Error(`${from} ended after ${received} of the ${file.bytes} bytes of ${file.name}`);
    }
    const found = hash.digest('hex');
    if (found !== file.sha256) {
      throw new WrongBytes(`${from} gave a ${file.name} with SHA-256 ${found}, pinned is ${file.sha256}`);
    }
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}
