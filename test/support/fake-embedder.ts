/**
 * A small deterministic embedder for tests that are not about a model: words hashed into a
 * vector, so that texts which share words are near. Its answers can be counted and held back.
 */
import { createHash } from 'node:crypto';
import type { EmbedOptions, Embedder } from '../../src/embedders/port.js';
import { cancelled } from '../../src/errors.js';
import type { Pin } from '../../src/model.js';

export interface FakeEmbedder extends Embedder {
  /** Every text it was asked for, in order. */
  readonly texts: string[];
}

export interface FakeOptions {
  readonly pin?: Partial<Pin>;
  readonly name?: string;
  readonly maxTokens?: number;
  /** Called whenever its tokenizer is asked. */
  readonly onCount?: () => void;
  /** Called before each `embed` answers. */
  readonly before?: (texts: readonly string[], options: EmbedOptions) => Promise<void> | void;
}

const DIMENSIONS = 32;

export function createFakeEmbedder(options: FakeOptions = {}): FakeEmbedder {
  const texts: string[] = [];
  return {
    name: options.name ?? 'fake',
    texts,
    pin: {
      provider: 'test',
      model: 'hashed-words',
      revision: '1',
      weightsSha256: null,
      tokenizerSha256: null,
      dimensions: DIMENSIONS,
      pooling: 'mean',
      normalized: true,
      precision: 'fp32',
      documentPrefix: '',
      queryPrefix: '',
      ...options.pin,
    },
    tokenizer: {
      name: 'words',
      maxTokens: options.maxTokens ?? 64,
      count: (text) => {
        options.onCount?.();
        return text.match(/[\p{L}\p{N}]{1,8}|[^\s\p{L}\p{N}]/gu)?.length ?? 0;
      },
    },
    async embed(asked, call) {
      await options.before?.(asked, call);
      if (call.signal?.aborted === true) throw cancelled(call.signal.reason);
      texts.push(...asked);
      return asked.map(toVector);
    },
    async close() {
      // Holds nothing.
    },
  };
}

function toVector(text: string): Float32Array {
  const sum = new Float64Array(DIMENSIONS);
  sum[0] = 0.01;
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const hash = createHash('sha256').update(word).digest();
    for (let index = 0; index < DIMENSIONS; index += 1) {
      sum[index] = (sum[index] ?? 0) + ((hash[index] ?? 0) - 127.5) / 127.5;
    }
  }
  const length = Math.hypot(...sum);
  return Float32Array.from(sum, (value) => value / length);
}
