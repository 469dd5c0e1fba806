/** The options that say how a collection's documents are cut into chunks. */
import { InvalidArgumentError, type Command } from 'commander';
import { parseChunker } from '../catalog/chunker.js';
import type { NewChunker } from '../catalog/types.js';
import { RetrievalError } from '../errors.js';
import type { ChunkerSettings } from '../model.js';
import { given, integer } from './options.js';

export interface ChunkerOptions {
  readonly chunker?: NewChunker;
  readonly targetTokens?: number;
  readonly overlapTokens?: number;
}

export function addChunkerOptions(command: Command): Command {
  return command
    .option(
      '--chunker <chunker>',
      'structure, fixed, semantic or hierarchical, with its numbers if they are not to be the defaults: fixed:300/50, semantic:300/0/95, hierarchical:150/600',
      chunker,
    )
    .option(
      '--target-tokens <n>',
      'tokens a chunk aims at (default: 400, or 4/5 of what the model reads)',
      integer(1),
    )
    .option('--overlap-tokens <n>', 'tokens repeated from the chunk before (default: 50)', integer(0));
}

/** A chunker's short form, as an option's value. */
export function chunker(text: string): NewChunker {
  try {
    return parseChunker(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof RetrievalError ? error.message : 'It is no chunker.');
  }
}

/** The chunker that the options describe; the catalog checks it. */
export function chunkerOf(options: ChunkerOptions): NewChunker {
  return {
    ...options.chunker,
    ...given({ targetTokens: options.targetTokens, overlapTokens: options.overlapTokens }),
  };
}

/** In words, for people. */
export function describeChunker(settings: ChunkerSettings): string {
  switch (settings.kind) {
    case 'structure':
      return `${String(settings.targetTokens)} tokens, ${String(settings.overlapTokens)} of overlap`;
    case 'fixed':
      return `fixed, ${String(settings.targetTokens)} tokens, ${String(settings.overlapTokens)} of overlap`;
    case 'semantic':
      return `semantic, at most ${String(settings.maxTokens)} tokens, borders above percentile ${String(settings.breakpointPercentile)}`;
    case 'hierarchical':
      return `hierarchical, children of ${String(settings.childTokens)} tokens in parents of ${String(settings.parentTokens)}`;
    default:
      return settings satisfies never;
  }
}
