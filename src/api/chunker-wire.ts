/** Chunkers ↔ the wire's snake_case. Pure. */
import type { NewChunker } from '../catalog/types.js';
import type { ChunkerSettings } from '../model.js';
import type { CollectionWire, NewCollectionBody } from './schemas/collection.js';

/** What is absent stays absent: defaults are the catalog's. */
export function toNewChunker(body: NonNullable<NewCollectionBody['chunker']>): NewChunker {
  return {
    ...(body.kind === undefined ? {} : { kind: body.kind }),
    ...(body.target_tokens === undefined ? {} : { targetTokens: body.target_tokens }),
    ...(body.overlap_tokens === undefined ? {} : { overlapTokens: body.overlap_tokens }),
    ...(body.max_tokens === undefined ? {} : { maxTokens: body.max_tokens }),
    ...(body.buffer_size === undefined ? {} : { bufferSize: body.buffer_size }),
    ...(body.breakpoint_percentile === undefined ? {} : { breakpointPercentile: body.breakpoint_percentile }),
    ...(body.child_tokens === undefined ? {} : { childTokens: body.child_tokens }),
    ...(body.parent_tokens === undefined ? {} : { parentTokens: body.parent_tokens }),
  };
}

export function fromChunker(chunker: ChunkerSettings): CollectionWire['generation']['chunker'] {
  switch (chunker.kind) {
    case 'structure':
    case 'fixed':
      return {
        kind: chunker.kind,
        target_tokens: chunker.targetTokens,
        overlap_tokens: chunker.overlapTokens,
      };
    case 'semantic':
      return {
        kind: chunker.kind,
        max_tokens: chunker.maxTokens,
        buffer_size: chunker.bufferSize,
        breakpoint_percentile: chunker.breakpointPercentile,
      };
    case 'hierarchical':
      return { kind: chunker.kind, child_tokens: chunker.childTokens, parent_tokens: chunker.parentTokens };
    default:
      return chunker satisfies never;
  }
}
