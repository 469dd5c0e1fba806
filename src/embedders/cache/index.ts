/**
 * Keeps the vectors of a remote embedder, so that a run that was cut off does not pay twice. The
 * key is all that decides a vector: the pin (by the file), the input type and the text.
 */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode, throwIfCancelled } from '../../errors.js';
import { modelVersion } from '../../pin.js';
import type { InputType } from '../../model.js';
import type { EmbedOptions, Embedder } from '../port.js';
import { openRecordFile } from './records.js';
import type { RecordFile } from './records.js';

export interface VectorCacheOptions {
  readonly folder: string;
  /** Told once when the cache cannot be used; embedding goes on without it. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

/** The same embedder, which asks for a document's text once only. */
export function withVectorCache(embedder: Embedder, options: VectorCacheOptions): Embedder {
  let opening: Promise<RecordFile | null> | undefined;
  let closing: Promise<void> | undefined;
  let hasFailed = false;
  let isClosed = false;
  const calls = new Set<Promise<unknown>>();

  const giveUp = (error: unknown): null => {
    if (!hasFailed) {
      const code = systemCode(error) ?? 'unknown';
      options.onNotice?.(
        `Vectors cannot be kept in the cache folder (${code}): texts that are embedded again are paid for again.`,
      );
    }
    hasFailed = true;
    return null;
  };
  const open = (): Promise<RecordFile | null> => {
    opening ??= (async () => {
      await mkdir(options.folder, { recursive: true });
      const name = `${modelVersion(embedder.pin).replace(/[^\w.@-]/gu, '_')}.vectors`;
      return openRecordFile(join(options.folder, name), embedder.pin.dimensions);
    })().catch(giveUp);
    return opening;
  };

  return {
    ...embedder,
    embed(texts, embedOptions) {
      // Questions are many and seldom the same, and what people ask is not written to a disk.
      if (isClosed || embedOptions.fresh === true || embedOptions.inputType === 'query') {
        return embedder.embed(texts, embedOptions);
      }
      const call = embedThrough(texts, embedOptions);
      calls.add(call);
      const done = (): void => void calls.delete(call);
      call.then(done, done);
      return call;
    },
    async close() {
      isClosed = true;
      await Promise.allSettled(calls);
      await embedder.close();
      closing ??= Promise.resolve(opening).then((file) => file?.close());
      await closing;
    },
  };

  async function embedThrough(
    texts: readonly string[],
    embedOptions: EmbedOptions,
  ): Promise<readonly Float32Array[]> {
    throwIfCancelled(embedOptions.signal);
    const file = await open();
    if (file === null) return embedder.embed(texts, embedOptions);
    const { onPart, inputType } = embedOptions;
    const keys = texts.map((text) => keyOf(inputType, text));
    const found = await Promise.all(keys.map((key) => file.get(key).catch(giveUp)));
    const known = new Map<number, Float32Array>();
    for (const [index, vector] of found.entries()) {
      if (vector === null) continue;
      known.set(index, vector);
      onPart?.({ index, vector, tokens: null });
    }
    return embedder.embed(texts, {
      ...embedOptions,
      known,
      onPart(part) {
        const key = keys[part.index];
        try {
          if (key !== undefined) file.put(key, part.vector);
        } catch (error) {
          giveUp(error);
        }
        onPart?.(part);
      },
    });
  }
}

function keyOf(inputType: InputType, text: string): string {
  return createHash('sha256').update(`${inputType}\0${text}`).digest('hex');
}
