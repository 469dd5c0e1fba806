/** Generations ↔ the wire's snake_case. Pure. */
import type { BuildStatus } from '../generations/background.js';
import type { Author, GenerationDescription, NewGeneration } from '../generations/types.js';
import { toNewChunker } from './chunker-wire.js';
import type { GenerationWire, NewGenerationBody } from './schemas/generation.js';
import { fromGenerationParts, toIndex } from './wire.js';

export function toNewGeneration(body: NewGenerationBody): NewGeneration {
  const { embedder, chunker, metric, index } = body;
  return {
    ...(embedder === undefined ? {} : { embedder }),
    ...(chunker === undefined ? {} : { chunker: toNewChunker(chunker) }),
    ...(metric === undefined ? {} : { metric }),
    ...(index === undefined ? {} : { index: toIndex(index) }),
  };
}

export function toAuthor(body: {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}): Author {
  return { by: body.by ?? 'api', ...(body.reason === undefined ? {} : { reason: body.reason }) };
}

export function fromGeneration(generation: GenerationDescription, build: BuildStatus | null): GenerationWire {
  const { gate } = generation;
  return {
    ...fromGenerationParts(generation, generation.modelVersion),
    created_at: generation.createdAt,
    changed_at: generation.changedAt,
    counts: { documents: generation.documents, chunks: generation.chunks },
    missing: generation.missing,
    gate: gate === null ? null : { ...gate, reasons: [...gate.reasons] },
    build:
      build === null
        ? null
        : {
            state: build.state,
            documents: build.progress?.documents ?? null,
            embedded: build.progress?.embedded ?? null,
            error: build.error,
          },
  };
}
