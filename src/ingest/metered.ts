/** Counts what a run's texts cost at the provider, whoever of the run asks for their vectors. */
import type { EmbeddedPart, Embedder, RemoteFacts } from '../embedders/port.js';

export interface Meter {
  /** A remote embedder takes part in the run. */
  began(remote: RemoteFacts): void;
  part(part: EmbeddedPart, remote: RemoteFacts): void;
}

/** The same embedder; a local one costs nothing and is answered as it is. */
export function metered(embedder: Embedder, meter: Meter): Embedder {
  const { remote } = embedder;
  if (remote === undefined) return embedder;
  meter.began(remote);
  return {
    ...embedder,
    // It may change while the run goes on.
    get pin() {
      return embedder.pin;
    },
    embed: (texts, options) =>
      embedder.embed(texts, {
        ...options,
        onPart(part) {
          meter.part(part, remote);
          options.onPart?.(part);
        },
      }),
  };
}
