/** A chunker as asked for, completed and checked; and its short form, `fixed:300/50`. */
import { RetrievalError } from '../errors.js';
import type { ChunkerSettings } from '../model.js';
import { assertRange } from './assert-range.js';
import type { NewChunker } from './types.js';

type Kind = ChunkerSettings['kind'];
type Setting = Exclude<keyof NewChunker, 'kind'>;

const MOST_TOKENS = 8192;

/** The settings of each kind in the order of the short form, with their names on the wire. */
const SETTINGS: Readonly<Record<Kind, readonly (readonly [Setting, string])[]>> = {
  structure: [
    ['targetTokens', 'target_tokens'],
    ['overlapTokens', 'overlap_tokens'],
  ],
  fixed: [
    ['targetTokens', 'target_tokens'],
    ['overlapTokens', 'overlap_tokens'],
  ],
  semantic: [
    ['maxTokens', 'max_tokens'],
    ['bufferSize', 'buffer_size'],
    ['breakpointPercentile', 'breakpoint_percentile'],
  ],
  hierarchical: [
    ['childTokens', 'child_tokens'],
    ['parentTokens', 'parent_tokens'],
  ],
};

export const CHUNKER_KINDS: readonly Kind[] = ['structure', 'fixed', 'semantic', 'hierarchical'];

/**
 * The chunker with its defaults filled in.
 * @throws RetrievalError `invalid_request` naming the setting.
 */
export function chunkerSettings(input: NewChunker = {}): ChunkerSettings {
  const { kind = 'structure' } = input;
  assertOwnSettings(kind, input);
  switch (kind) {
    case 'structure': {
      const { targetTokens = 400, overlapTokens = 50 } = input;
      assertTarget(targetTokens, overlapTokens);
      return { kind, targetTokens, overlapTokens };
    }
    case 'fixed': {
      const { targetTokens = 300, overlapTokens = 50 } = input;
      assertTarget(targetTokens, overlapTokens);
      return { kind, targetTokens, overlapTokens };
    }
    case 'semantic': {
      const { maxTokens = 300, bufferSize = 0, breakpointPercentile = 95 } = input;
      assertRange('chunker.max_tokens', maxTokens, 16, MOST_TOKENS);
      assertRange('chunker.buffer_size', bufferSize, 0, 1);
      assertRange('chunker.breakpoint_percentile', breakpointPercentile, 50, 99);
      return { kind, maxTokens, bufferSize, breakpointPercentile };
    }
    case 'hierarchical': {
      const { childTokens = 150, parentTokens = 600 } = input;
      assertRange('chunker.child_tokens', childTokens, 16, MOST_TOKENS / 2);
      assertRange('chunker.parent_tokens', parentTokens, 2 * childTokens, MOST_TOKENS);
      return { kind, childTokens, parentTokens };
    }
    default:
      return kind satisfies never;
  }
}

function assertTarget(targetTokens: number, overlapTokens: number): void {
  assertRange('chunker.target_tokens', targetTokens, 16, MOST_TOKENS);
  assertRange('chunker.overlap_tokens', overlapTokens, 0, Math.floor(targetTokens / 2));
}

/** A setting of another kind would be dropped without a word. */
function assertOwnSettings(kind: Kind, input: NewChunker): void {
  const own = new Set(SETTINGS[kind].map(([name]) => name));
  for (const [name, wire] of Object.values(SETTINGS).flat()) {
    if (input[name] === undefined || own.has(name)) continue;
    const field = `chunker.${wire}`;
    throw new RetrievalError(
      'invalid_request',
      `${field} is not a setting of the ${kind} chunker, which has ${SETTINGS[kind].map((pair) => pair[1]).join(', ')}`,
      { field },
    );
  }
}

/**
 * Reads `KIND` or `KIND:N/N…`, the numbers in the order of the kind's settings: `fixed:300/50`,
 * `semantic:300/0/95`, `hierarchical:150/600`. Ranges are checked by {@link chunkerSettings}.
 * @throws RetrievalError `invalid_request` for anything else.
 */
export function parseChunker(text: string): NewChunker {
  const [kindText = '', numbers, ...rest] = text.split(':');
  const kind = CHUNKER_KINDS.find((name) => name === kindText);
  const values = numbers?.split('/') ?? [];
  if (
    kind === undefined ||
    rest.length > 0 ||
    values.length > SETTINGS[kind].length ||
    !values.every((value) => /^\d{1,5}$/u.test(value))
  ) {
    throw new RetrievalError(
      'invalid_request',
      `"${text.slice(0, 80)}" is no chunker; write structure, structure:400/50, fixed:300/50, semantic:300/0/95 or hierarchical:150/600`,
      { field: 'chunker' },
    );
  }
  const given = values.flatMap((value, at) => {
    const setting = SETTINGS[kind][at]?.[0];
    return setting === undefined ? [] : [[setting, Number(value)] as const];
  });
  const settings: Partial<Record<Setting, number>> = Object.fromEntries(given);
  return { kind, ...settings };
}

/** The short form, with every setting: what {@link parseChunker} reads. */
export function formatChunker(settings: ChunkerSettings): string {
  switch (settings.kind) {
    case 'structure':
    case 'fixed':
      return `${settings.kind}:${String(settings.targetTokens)}/${String(settings.overlapTokens)}`;
    case 'semantic':
      return `semantic:${[settings.maxTokens, settings.bufferSize, settings.breakpointPercentile].join('/')}`;
    case 'hierarchical':
      return `hierarchical:${String(settings.childTokens)}/${String(settings.parentTokens)}`;
    default:
      return settings satisfies never;
  }
}
