/** The models of Amazon Bedrock that embed: what they take, and what pins them. */
import type { InputType, Pin } from '../../model.js';
import { cohereCodec } from './cohere.js';
import type { Codec } from './codec.js';
import { titanCodec } from './titan.js';

export type BedrockName =
  'titan-v2' | 'titan-v2-512' | 'titan-v2-256' | 'cohere-v3-english' | 'cohere-v3-multilingual';

export interface BedrockModel {
  readonly name: BedrockName;
  /** What is invoked unless a profile or another ARN is configured. */
  readonly modelId: string;
  readonly pin: Pin;
  /** What the model's documentation allows, in its own tokens. */
  readonly windowTokens: number;
  /** UTF-16 code units; where the model counts code points, that is on the safe side. */
  readonly maxCharacters: number;
  /** Texts that one request may hold. */
  readonly batchTexts: number;
  readonly codec: Codec;
}

/**
 * Neither model's tokenizer is public, so texts are counted by another and may have this part of
 * the window only. On text that both know the counts are within a few percent; the rest is room
 * for what ours has seen more of than theirs.
 */
export const WINDOW_SHARE = 3 / 4;

export const BEDROCK_MODELS: Readonly<Record<BedrockName, BedrockModel>> = {
  'titan-v2': titan('titan-v2', 1024),
  'titan-v2-512': titan('titan-v2-512', 512),
  'titan-v2-256': titan('titan-v2-256', 256),
  'cohere-v3-english': cohere('cohere-v3-english', 'cohere.embed-english-v3'),
  'cohere-v3-multilingual': cohere('cohere-v3-multilingual', 'cohere.embed-multilingual-v3'),
};

function titan(name: BedrockName, dimensions: 1024 | 512 | 256): BedrockModel {
  const modelId = 'amazon.titan-embed-text-v2:0';
  return {
    name,
    modelId,
    pin: remotePin(modelId, dimensions, () => ''),
    windowTokens: 8192,
    maxCharacters: 50_000,
    batchTexts: 1,
    codec: titanCodec(dimensions),
  };
}

function cohere(name: BedrockName, modelId: string): BedrockModel {
  const dimensions = 1024;
  return {
    name,
    modelId,
    pin: remotePin(modelId, dimensions, (type) => `input_type:search_${type}`),
    windowTokens: 512,
    maxCharacters: 2048,
    batchTexts: 96,
    codec: cohereCodec(dimensions),
  };
}

function remotePin(modelId: string, dimensions: number, prefix: (type: InputType) => string): Pin {
  return {
    provider: 'bedrock',
    model: modelId,
    revision: /[v:](\d+(?::\d+)?)$/u.exec(modelId)?.[1] ?? '0',
    weightsSha256: null,
    tokenizerSha256: null,
    dimensions,
    pooling: 'provider',
    normalized: true,
    precision: 'float',
    documentPrefix: prefix('document'),
    queryPrefix: prefix('query'),
  };
}
