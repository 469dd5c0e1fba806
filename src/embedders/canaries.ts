/**
 * Watches a remote model. Its weights cannot be hashed, so known texts are embedded instead: their
 * vectors are part of the embedder's pin, which every write and query compares with the stored one.
 */
import { LEAST_CANARY_COSINE, canaryCosine, encodeVector } from '../pin.js';
import type { Canary, InputType, Pin } from '../model.js';
import type { Embedder } from './port.js';

/** Never changed, only added to: stored pins name them. */
const TEXTS: readonly { readonly name: string; readonly inputType: InputType; readonly text: string }[] = [
  {
    name: 'passage-1',
    inputType: 'document',
    text: 'A vaulted cistern under the old town holds rain water; its 12 columns were numbered in 1874. Straße, naïve, 水槽.',
  },
  {
    name: 'question-1',
    inputType: 'query',
    text: 'How many columns does the cistern under the old town have?',
  },
];

export interface WatchOptions {
  /** Milliseconds; only differences mean something. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Told when the model has changed while it is watched. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface WatchedEmbedder extends Embedder {
  /** Embeds the known texts again, unless that was done within so many milliseconds. */
  measure(maxAgeMs: number, signal?: AbortSignal): Promise<void>;
}

/** The embedder with the vectors of the known texts in its pin, as the model gives them now. */
export async function watchModel(embedder: Embedder, options: WatchOptions): Promise<WatchedEmbedder> {
  let pin: Pin = { ...embedder.pin, canaries: await takeCanaries(embedder, options.signal) };
  let measuredAt = options.now();
  let measuring: Promise<void> | null = null;

  const measure = async (signal?: AbortSignal): Promise<void> => {
    const now: Pin = { ...embedder.pin, canaries: await takeCanaries(embedder, signal) };
    measuredAt = options.now();
    const near = canaryCosine(pin, now) ?? 1;
    // The first ones stay while they hold, so that a slow drift is measured from them.
    if (near >= LEAST_CANARY_COSINE) return;
    pin = now;
    options.onNotice?.(
      `${embedder.name} gives other vectors than before (cosine ${String(near)} for known texts). ` +
        'Collections that were made with it are refused until it is the same again.',
    );
  };

  return {
    ...embedder,
    get pin() {
      return pin;
    },
    async measure(maxAgeMs, signal) {
      if (options.now() - measuredAt <= maxAgeMs) return;
      measuring ??= measure(signal).finally(() => {
        measuring = null;
      });
      await measuring;
    },
  };
}

async function takeCanaries(embedder: Embedder, signal: AbortSignal | undefined): Promise<readonly Canary[]> {
  return Promise.all(
    TEXTS.map(async ({ name, inputType, text }): Promise<Canary> => {
      const [vector] = await embedder.embed([text], {
        inputType,
        fresh: true,
        ...(signal === undefined ? {} : { signal }),
      });
      return { text: name, inputType, vector: encodeVector(vector ?? new Float32Array()) };
    }),
  );
}
